/** The maximum number of errors in a chain of causes that are searched for a code. */
const maxCauses = 5;

/**
 * Returns the code of an error or of its cause, such as `ECONNREFUSED`, or else the name of its class, for a log entry.
 */
export function reasonOf(error: unknown): string {
  return codeOf(error) ?? String(Object(error).name ?? typeof error);
}

function codeOf(error: unknown): string | undefined {
  let current = error;
  // Bounded, because an error may be its own cause.
  for (let depth = 0; depth < maxCauses; depth += 1) {
    const { code, cause } = Object(current) as { readonly code?: unknown; readonly cause?: unknown };
    // The code of a DOMException is a number: 23 instead of TimeoutError.
    if (typeof code === 'string') return code;
    current = cause;
  }
  return undefined;
}
