/** Returns the code of an error, such as `ECONNREFUSED`, or else the name of its class, for a log entry. */
export function reasonOf(error: unknown): string {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  // The code of a DOMException is a number: 23 instead of TimeoutError.
  return typeof code === 'string' ? code : String(name ?? typeof error);
}
