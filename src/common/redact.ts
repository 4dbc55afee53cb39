/** Names under which something secret stands. */
const secret = /authorization|cookie|passw|secret|token/i;

/** How deep an object is looked into; what lies deeper is not shown. */
const maxDepth = 8;

/** What is to be logged, without secrets: a copy where it has any, else the same. */
export function redact<Value>(value: Value, depth = 0): Value {
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  if (depth > maxDepth) return '[too deep]' as Value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(value)) {
    const shown = secret.test(key) ? '[redacted]' : redact(item, depth + 1);
    if (shown === item) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = shown;
  }
  return (copy ?? value) as Value;
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
