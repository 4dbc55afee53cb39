import { type Alternative, listOf } from './alternatives.ts';
import { type Direction, type Finding, rejectKeyword, reportUncomparable } from './findings.ts';
import type { SchemaObject } from './schema-document.ts';

/** Returns the tightest bound that these schemas set together. */
export function tightest(
  nodes: readonly SchemaObject[],
  keyword: string,
  side: 'max' | 'min',
): number | undefined {
  const values = nodes.map(({ [keyword]: value }) => value).filter((value) => typeof value === 'number');
  if (values.length === 0) return undefined;
  return side === 'max' ? Math.min(...values) : Math.max(...values);
}

/**
 * Compares a keyword that bounds a count.
 * @param sent the bound of the sent values. Undefined or Infinity: no bound.
 */
export function compareCount(
  direction: Direction,
  location: string,
  accepted: SchemaObject,
  keyword: string,
  sent: number | undefined,
): Finding[] {
  const { [keyword]: bound } = accepted;
  if (typeof bound !== 'number') return [];
  const isKept = keyword.startsWith('max')
    ? (sent ?? Number.POSITIVE_INFINITY) <= bound
    : (sent ?? 0) >= bound;
  const known = sent === Number.POSITIVE_INFINITY ? undefined : sent;
  return isKept ? [] : [rejectKeyword(direction, location, keyword, known, bound)];
}

/** Finds numbers that match an alternative and that `accepted` does not accept. */
export function compareNumber(
  direction: Direction,
  location: string,
  { nodes, type }: Alternative,
  accepted: SchemaObject,
): Finding[] {
  const isInteger = type === 'integer';
  const findings: Finding[] = [];
  for (const side of ['min', 'max'] as const) {
    for (const keyword of [`${side}imum`, `exclusive${side === 'min' ? 'Minimum' : 'Maximum'}`]) {
      const bound = boundOf([{ [keyword]: accepted[keyword] }], side, isInteger);
      if (bound === undefined) continue;
      const sent = boundOf(nodes, side, isInteger);
      if (sent === undefined || !isWithin(sent, bound, side)) {
        findings.push(
          rejectKeyword(direction, location, keyword, tightest(nodes, keyword, side), accepted[keyword]),
        );
      }
    }
  }
  const { multipleOf } = accepted;
  if (typeof multipleOf === 'number') {
    const steps = nodes.map((node) => node.multipleOf).filter((step) => typeof step === 'number');
    if (isInteger) steps.push(1);
    // Division of fractions is inexact, so it does not prove what a validator accepts as a multiple.
    const isKept = steps.some(
      (step) => step === multipleOf || (Number.isInteger(multipleOf) && Number.isInteger(step / multipleOf)),
    );
    if (!isKept) findings.push(rejectKeyword(direction, location, 'multipleOf', steps[0], multipleOf));
  }
  return [...findings, ...compareEquality(direction, location, 'format', nodes, accepted)];
}

interface Bound {
  readonly value: number;
  readonly isExclusive: boolean;
}

function boundOf(nodes: readonly SchemaObject[], side: 'min' | 'max', isInteger: boolean): Bound | undefined {
  const sign = side === 'min' ? 1 : -1;
  const inclusive = tightest(nodes, `${side}imum`, side);
  const exclusive = tightest(nodes, side === 'min' ? 'exclusiveMinimum' : 'exclusiveMaximum', side);
  const bounds: Bound[] = [];
  if (inclusive !== undefined) bounds.push({ value: inclusive, isExclusive: false });
  if (exclusive !== undefined) bounds.push({ value: exclusive, isExclusive: true });
  const exact = bounds.map((bound) => (isInteger ? toInteger(bound, sign) : bound));
  return exact.sort((one, other) => (isWithin(one, other, side) ? -1 : 1))[0];
}

/**
 * Converts an exclusive bound of an integer to the inclusive bound with the same meaning, for example `> 0` to `>= 1`.
 */
function toInteger({ value, isExclusive }: Bound, sign: 1 | -1): Bound {
  const next = isExclusive ? Math.floor(sign * value) + 1 : Math.ceil(sign * value);
  return Number.isSafeInteger(next) ? { value: sign * next, isExclusive: false } : { value, isExclusive };
}

/** Whether `other` accepts every number that `bound` accepts. */
function isWithin(bound: Bound, other: Bound, side: 'min' | 'max'): boolean {
  if (bound.value === other.value) return bound.isExclusive || !other.isExclusive;
  return side === 'min' ? bound.value > other.value : bound.value < other.value;
}

/** Finds strings that match an alternative and that `accepted` does not accept. */
export function compareString(
  direction: Direction,
  location: string,
  { nodes }: Alternative,
  accepted: SchemaObject,
): Finding[] {
  return [
    ...compareCount(direction, location, accepted, 'minLength', tightest(nodes, 'minLength', 'min')),
    ...compareCount(direction, location, accepted, 'maxLength', tightest(nodes, 'maxLength', 'max')),
    ...compareEquality(direction, location, 'pattern', nodes, accepted),
    ...compareEquality(direction, location, 'format', nodes, accepted),
  ];
}

/** Compares patterns or formats. Two different values cannot be compared. */
function compareEquality(
  direction: Direction,
  location: string,
  keyword: string,
  nodes: readonly SchemaObject[],
  { [keyword]: accepted }: SchemaObject,
): Finding[] {
  if (accepted === undefined) return [];
  const sent = listOf<unknown>(nodes.map((node) => node[keyword]).filter((value) => value !== undefined));
  if (sent.includes(accepted)) return [];
  const finding = rejectKeyword(direction, location, keyword, sent[0], accepted);
  return [sent.length === 0 ? finding : reportUncomparable(location, finding.reason)];
}
