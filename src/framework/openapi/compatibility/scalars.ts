import { type Alternative, listOf } from './alternatives.ts';
import { type Direction, type Finding, rejectKeyword, uncomparable } from './findings.ts';
import type { SchemaObject } from './schema-document.ts';

/** A bound of what is sent, by the schemas that hold together: the tightest of their values. */
export function tightest(
  nodes: readonly SchemaObject[],
  keyword: string,
  side: 'max' | 'min',
): number | undefined {
  const values = nodes.map(({ [keyword]: value }) => value).filter((value) => typeof value === 'number');
  if (values.length === 0) return undefined;
  return side === 'max' ? Math.min(...values) : Math.max(...values);
}

/** Compares a keyword that bounds a count: `sent` is the bound of what is sent, where it has one. */
export function compareCount(
  direction: Direction,
  place: string,
  accepted: SchemaObject,
  keyword: string,
  sent: number | undefined,
): Finding[] {
  const { [keyword]: bound } = accepted;
  if (typeof bound !== 'number') return [];
  const isKept = keyword.startsWith('max')
    ? (sent ?? Number.POSITIVE_INFINITY) <= bound
    : (sent ?? 0) >= bound;
  return isKept ? [] : [rejectKeyword(direction, place, keyword, sent, bound)];
}

/** Returns the numbers that an alternative may send and a schema does not accept. */
export function compareNumber(
  direction: Direction,
  place: string,
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
          rejectKeyword(direction, place, keyword, tightest(nodes, keyword, side), accepted[keyword]),
        );
      }
    }
  }
  const { multipleOf } = accepted;
  if (typeof multipleOf === 'number') {
    const steps = nodes.map((node) => node.multipleOf).filter((step) => typeof step === 'number');
    if (isInteger) steps.push(1);
    // Of fractions, division says too little about what a validator takes for a multiple.
    const isKept = steps.some(
      (step) => step === multipleOf || (Number.isInteger(multipleOf) && Number.isInteger(step / multipleOf)),
    );
    if (!isKept) findings.push(rejectKeyword(direction, place, 'multipleOf', steps[0], multipleOf));
  }
  return [...findings, ...compareFormat(direction, place, nodes, accepted)];
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
  const exact = bounds.map((bound) => (isInteger ? inInteger(bound, sign) : bound));
  return exact.sort((one, other) => (isWithin(one, other, side) ? -1 : 1))[0];
}

/** The same bound of an integer, inclusive: above 0 is from 1. */
function inInteger({ value, isExclusive }: Bound, sign: 1 | -1): Bound {
  const next = isExclusive ? Math.floor(sign * value) + 1 : Math.ceil(sign * value);
  return Number.isSafeInteger(next) ? { value: sign * next, isExclusive: false } : { value, isExclusive };
}

/** Whether `bound` lets pass nothing that `other` does not. */
function isWithin(bound: Bound, other: Bound, side: 'min' | 'max'): boolean {
  if (bound.value === other.value) return bound.isExclusive || !other.isExclusive;
  return side === 'min' ? bound.value > other.value : bound.value < other.value;
}

/** Returns the strings that an alternative may send and a schema does not accept. */
export function compareString(
  direction: Direction,
  place: string,
  { nodes }: Alternative,
  accepted: SchemaObject,
): Finding[] {
  return [
    ...compareCount(direction, place, accepted, 'minLength', tightest(nodes, 'minLength', 'min')),
    ...compareCount(direction, place, accepted, 'maxLength', tightest(nodes, 'maxLength', 'max')),
    ...compareText(direction, place, 'pattern', nodes, accepted),
    ...compareFormat(direction, place, nodes, accepted),
  ];
}

function compareFormat(
  direction: Direction,
  place: string,
  nodes: readonly SchemaObject[],
  accepted: SchemaObject,
): Finding[] {
  return compareText(direction, place, 'format', nodes, accepted);
}

/** Of two patterns, or two formats, it is known only whether they are equal. */
function compareText(
  direction: Direction,
  place: string,
  keyword: string,
  nodes: readonly SchemaObject[],
  { [keyword]: accepted }: SchemaObject,
): Finding[] {
  if (accepted === undefined) return [];
  const sent = listOf<unknown>(nodes.map((node) => node[keyword]).filter((text) => text !== undefined));
  if (sent.includes(accepted)) return [];
  const finding = rejectKeyword(direction, place, keyword, sent[0], accepted);
  return [sent.length === 0 ? finding : uncomparable(place, finding.reason)];
}
