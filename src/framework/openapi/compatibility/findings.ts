import type { Alternative } from './alternatives.ts';

/** The sender of the values: the peer in its responses, or this service in the inputs of a request. */
export type Direction = 'response' | 'input';

/** Values that the sender may send and the receiver may reject. */
export interface Finding {
  /** For example `response[].mood`. */
  readonly location: string;
  readonly reason: string;
  /** Describes the rejected values, if the reason is their value or type. */
  readonly rejected?: string;
}

/** Reports a value, or any value of a type, that the receiver rejects. */
function rejectValue(direction: Direction, location: string, rejected: string): Finding {
  const verb = direction === 'response' ? 'may now be' : 'no longer accepts';
  return { location, rejected, reason: `${verb} ${rejected}` };
}

const typeNames: Readonly<Record<string, string>> = {
  integer: 'an integer',
  array: 'an array',
  object: 'an object',
};

/**
 * Reports an alternative that the receiver rejects, by its value or its type.
 * @param isOther whether the receiver accepts some values of that type.
 */
export function rejectAlternative(
  direction: Direction,
  location: string,
  { type, value }: Pick<Alternative, 'type' | 'value'>,
  isOther = false,
): Finding {
  if (value !== undefined) return rejectValue(direction, location, show(value.is));
  const name = typeNames[type] ?? `a ${type}`;
  return rejectValue(direction, location, isOther ? name.replace(/^an? /, 'another ') : name);
}

/** Reports a property or item that the receiver rejects whatever its value is. */
export function rejectPresence(direction: Direction, location: string): Finding {
  return { location, reason: direction === 'response' ? 'may now be present' : 'is no longer accepted' };
}

/** Reports a keyword that accepts fewer values than promised. */
export function rejectKeyword(
  direction: Direction,
  location: string,
  keyword: string,
  sent: unknown,
  accepted: unknown,
): Finding {
  const [promised, live] = direction === 'response' ? [accepted, sent] : [sent, accepted];
  if (promised === undefined) return { location, reason: `now has ${keyword} ${show(live)}` };
  if (live === undefined) return { location, reason: `no longer has ${keyword} ${show(promised)}` };
  return { location, reason: `${keyword} was ${show(promised)} and is now ${show(live)}` };
}

/** Reports a difference that the comparison has no rule for. */
export function reportUncomparable(location: string, reason: string): Finding {
  return { location, reason: `cannot be compared: ${reason}` };
}

/** Removes repeated findings, and merges the rejected values of each location into one finding. */
export function summarize(direction: Direction, findings: readonly Finding[]): Finding[] {
  const summary = new Map<string, Finding>();
  const rejectedAt = new Map<string, Set<string>>();
  for (const finding of findings) {
    const { location, reason, rejected } = finding;
    const key = rejected === undefined ? `${location}: ${reason}` : location;
    if (rejected !== undefined)
      rejectedAt.set(location, (rejectedAt.get(location) ?? new Set()).add(rejected));
    if (!summary.has(key)) summary.set(key, finding);
  }
  return [...summary.values()].map((finding) =>
    finding.rejected === undefined
      ? finding
      : rejectValue(direction, finding.location, joinWithOr([...(rejectedAt.get(finding.location) ?? [])])),
  );
}

function joinWithOr(values: readonly string[]): string {
  const isAny = [/^null$/, / array$/, / object$/].every((type) => values.some((value) => type.test(value)));
  if (isAny) return 'a value of any type';
  if (values.length > 6) return `${values.slice(0, 5).join(', ')} or ${values.length - 5} other values`;
  return values.length === 1 ? String(values[0]) : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
