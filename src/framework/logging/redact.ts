/** Matches the names of fields that hold secrets. */
const secretName = /authorization|cookie|passw|secret|token|credential|api[-_]?key|^(x-)?internal$/i;

/** The maximum depth of a logged object. Deeper objects are replaced. */
const maxDepth = 8;

/**
 * Removes secrets from a value to be logged. Returns a copy, or the same value if nothing is replaced. Replaces an
 * instance of a class, such as a request or a socket, by the class name, because its properties may hold secrets. Shows
 * an error by its type, message, stack and properties. The logger has a serializer for the error `err` of an entry.
 * @param parents the objects that contain the value. A reference to one of them is replaced.
 */
export function redact<Value>(value: Value, depth = 0, parents: object[] = []): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (parents.includes(value)) return '[circular]' as Value;
  parents.push(value);
  const shown = redactObject(value, depth, parents);
  parents.pop();
  return shown as Value;
}

function redactObject(value: object, depth: number, parents: object[]): unknown {
  if (depth > maxDepth) return '[too deep]';
  if (value instanceof Error) return redact(describeError(value), depth, parents);
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    if (ArrayBuffer.isView(value)) return value;
    const json = toJson(value as { toJSON(): unknown });
    if (json !== value) return typeof json === 'object' ? redact(json, depth + 1, parents) : json;
  }
  if (!isPlain(value)) return nameOf(value);
  if (Array.isArray(value)) return redactItems(value, depth, parents);
  const fields = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const item = fields[key];
    if (depth === 0 && key === 'err' && item instanceof Error) continue;
    const shown = isSecretName(key) ? '[redacted]' : redact(item, depth + 1, parents);
    if (shown === item) continue;
    copy ??= { ...fields };
    copy[key] = shown;
  }
  return copy ?? value;
}

function redactItems(items: readonly unknown[], depth: number, parents: object[]): readonly unknown[] {
  const shown = items.map((item) => redact(item, depth + 1, parents));
  return shown.every((item, index) => item === items[index]) ? items : shown;
}

/** Returns the properties of an error, also those that JSON leaves out. */
function describeError(error: Error): object {
  const { name, message, stack, cause } = error;
  const { errors } = error as Partial<AggregateError>;
  const inner = { ...(cause !== undefined && { cause }), ...(Array.isArray(errors) && { errors }) };
  return { ...error, type: name, message, stack, ...inner };
}

function toJson(value: { toJSON(): unknown }): unknown {
  try {
    return value.toJSON();
  } catch {
    return nameOf(value);
  }
}

const nameOf = (value: object) => `[${value.constructor?.name}]`;

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

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  // The prototype of `{}` has no prototype itself. The same holds for the prototype of a parsed query.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
