/**
 * Returns the code of an error or of its cause, such as `ECONNREFUSED`, or else the name of its class, for a log entry.
 */
export function reasonOf(error: unknown): string {
  return codeOf(error) ?? String(Object(error).name ?? typeof error);
}

function codeOf(error: unknown): string | undefined {
  const { code, cause } = Object(error) as { readonly code?: unknown; readonly cause?: unknown };
  // The code of a DOMException is a number: 23 instead of TimeoutError.
  if (typeof code === 'string') return code;
  return cause === undefined ? undefined : codeOf(cause);
}
