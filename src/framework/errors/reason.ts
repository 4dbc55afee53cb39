/** Names an error in one word for a log entry, such as `ECONNREFUSED`: its code, or the name of its class. */
export function reasonOf(error: unknown): string {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  return String(code ?? name ?? typeof error);
}
