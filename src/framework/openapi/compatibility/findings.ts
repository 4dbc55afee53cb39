/** The sender of the values: the peer in its responses, or this service in the inputs of a request. */
export type Direction = 'response' | 'input';

/** Values that may be sent and may not match what the other side accepts. */
export interface Finding {
  /** Such as `response[].mood`. */
  readonly place: string;
  readonly reason: string;
  /** Words for the values that are not accepted, where all of them are values of some kind. */
  readonly odd?: string;
}

/** A value, or any value of a type, that is not accepted. */
export function rejectValue(direction: Direction, place: string, odd: string): Finding {
  return { place, odd, reason: `${direction === 'response' ? 'may now be' : 'no longer accepts'} ${odd}` };
}

const words: Readonly<Record<string, string>> = {
  integer: 'an integer',
  array: 'an array',
  object: 'an object',
};

/** An alternative that is not accepted, by its value or its type; `isOther`: some values of that type are accepted. */
export function rejectAlternative(
  direction: Direction,
  place: string,
  { type, value }: { readonly type: string; readonly value?: { readonly is: unknown } | undefined },
  isOther = false,
): Finding {
  const word = words[type] ?? `a ${type}`;
  const odd = value === undefined ? (isOther ? word.replace(/^an? /, 'another ') : word) : show(value.is);
  return rejectValue(direction, place, odd);
}

/** A property or item that is not accepted whatever its value is. */
export function rejectPresence(direction: Direction, place: string): Finding {
  return { place, reason: direction === 'response' ? 'may now be present' : 'is no longer accepted' };
}

/** A keyword that accepts less than was promised, in the words of before and now. */
export function rejectKeyword(
  direction: Direction,
  place: string,
  keyword: string,
  sent: unknown,
  accepted: unknown,
): Finding {
  const [promised, live] = direction === 'response' ? [accepted, sent] : [sent, accepted];
  if (promised === undefined) return { place, reason: `now has ${keyword} ${show(live)}` };
  if (live === undefined) return { place, reason: `no longer has ${keyword} ${show(promised)}` };
  return { place, reason: `${keyword} was ${show(promised)} and is now ${show(live)}` };
}

/** A keyword that differs and that the comparison has no rule for. */
export function uncomparable(place: string, what: string): Finding {
  return { place, reason: `cannot be compared: ${what}` };
}

/** The findings, each once, with the values that one place does not accept in one sentence. */
export function summarize(direction: Direction, findings: readonly Finding[]): Finding[] {
  const summary = new Map<string, Finding>();
  const odd = new Map<string, Set<string>>();
  for (const finding of findings) {
    const key = finding.odd === undefined ? `${finding.place}: ${finding.reason}` : finding.place;
    if (finding.odd !== undefined) {
      const words = odd.get(finding.place) ?? new Set();
      odd.set(finding.place, words.add(finding.odd));
    }
    if (!summary.has(key)) summary.set(key, finding);
  }
  return [...summary.values()].map((finding) =>
    finding.odd === undefined
      ? finding
      : rejectValue(direction, finding.place, alternatives([...(odd.get(finding.place) as Set<string>)])),
  );
}

function alternatives(words: readonly string[]): string {
  const isAny = [/^null$/, / array$/, / object$/].every((type) => words.some((word) => type.test(word)));
  if (isAny) return 'a value of any type';
  if (words.length > 6) return `${words.slice(0, 5).join(', ')} or ${words.length - 5} other values`;
  return words.length === 1 ? String(words[0]) : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

export function show(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
