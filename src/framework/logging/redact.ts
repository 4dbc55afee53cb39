/** Matches the names of fields that hold secrets. */
const secretName = /authorization|cookie|passw|secret|token|credential|api[-_]?key|^(x-)?internal$/i;

/** The maximum depth of a logged object. Deeper objects are replaced. */
const maxDepth = 8;

/**
 * Removes secrets from a value to be logged. Returns a copy, or the same value if nothing is replaced. Replaces an
 * instance of a class, such as a request or a socket, by the class name, because its properties may hold secrets.
 */
export function redact<Value>(value: Value, depth = 0): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (!isPlain(value)) return hasOwnFormat(value) ? value : (`[${value.constructor?.name}]` as Value);
  if (depth > maxDepth) return '[too deep]' as Value;
  if (Array.isArray(value)) return redactItems(value, depth) as Value;
  const fields = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const item = fields[key];
    const shown = isSecretName(key) ? '[redacted]' : redact(item, depth + 1);
    if (shown === item) continue;
    copy ??= { ...fields };
    copy[key] = shown;
  }
  return (copy ?? value) as Value;
}

function redactItems(items: readonly unknown[], depth: number): readonly unknown[] {
  const shown = items.map((item) => redact(item, depth + 1));
  return shown.every((item, index) => item === items[index]) ? items : shown;
}

/** Caches whether a name is secret: the names are few, and every entry has some. `maxCached` bounds its memory. */
const cached = new Map<string, boolean>();
const maxCached = 1_000;

/** Returns whether the name of a field says that its value is a secret. */
export function isSecretName(name: string): boolean {
  let matches = cached.get(name);
  if (matches === undefined) {
    matches = secretName.test(name);
    if (cached.size < maxCached) cached.set(name, matches);
  }
  return matches;
}

/** Returns whether a value defines how it is logged: an error has a serializer, a date has `toJSON`. */
function hasOwnFormat(value: object): boolean {
  return value instanceof Error || 'toJSON' in value;
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  // The prototype of `{}` has no prototype itself. The same holds for the prototype of a parsed query.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
