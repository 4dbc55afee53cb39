/** Names under which something secret stands. */
const secret = /authorization|cookie|passw|secret|token|credential|api[-_]?key|^(x-)?internal$/i;

/** How deep an object is looked into; what lies deeper is not shown. */
const maxDepth = 8;

/**
 * What is to be logged, without secrets: a copy where there is one in it, else the same. Of an object that is more than
 * its data, like a request or a socket, the name of its class: what hangs on it is for nobody to say.
 */
export function redact<Value>(value: Value, depth = 0): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (!isPlain(value)) return hasForm(value) ? value : (`[${value.constructor?.name}]` as Value);
  if (depth > maxDepth) return '[too deep]' as Value;
  if (Array.isArray(value)) return redactItems(value, depth) as Value;
  const fields = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const item = fields[key];
    const shown = isSecret(key) ? '[redacted]' : redact(item, depth + 1);
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

/** The number of field names whose check is cached. Field names are few, and each entry has some. */
const known = new Map<string, boolean>();
const maxKnown = 1_000;

function isSecret(name: string): boolean {
  let verdict = known.get(name);
  if (verdict === undefined) {
    verdict = secret.test(name);
    if (known.size < maxKnown) known.set(name, verdict);
  }
  return verdict;
}

/** Returns whether a value has its own text or serializer, as errors have. */
function hasForm(value: object): boolean {
  return value instanceof Error || 'toJSON' in value;
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  // A parsed query has one of its own that is as bare as that of `{}`.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
