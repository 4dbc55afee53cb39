import fc from 'fast-check';
import { expect, test } from 'vitest';
import { numbers } from '../../../tools/fuzz/leaves.ts';

const sample = (type: string, schema: { minimum?: number; maximum?: number }) => {
  const { minimum = -Infinity, maximum = Infinity } = schema;
  const accepts = (value: unknown) => Number(value) >= minimum && Number(value) <= maximum;
  return fc.sample(numbers(type, schema, accepts), { seed: 1, numRuns: 1_000 });
};

test.for([
  [0.5, 0.5],
  [0.1, 0.9],
  [-0.9, -0.1],
  [-1.5, 2.25],
  [7, 7],
] as const)('numbers of %d to %d are generated, whole or not', ([minimum, maximum]) => {
  for (const value of sample('number', { minimum, maximum })) {
    expect(value).toBeGreaterThanOrEqual(minimum);
    expect(value).toBeLessThanOrEqual(maximum);
  }
});

test('numbers without a range are also fractions, and far beyond the integers that a number holds exactly', () => {
  const values = sample('number', {});
  expect(values.some((value) => !Number.isInteger(value))).toBe(true);
  expect(values.some((value) => Math.abs(value) > 1e300)).toBe(true);
  expect(values.every(Number.isFinite)).toBe(true);
});

test('integers without a range are those that a number holds exactly', () => {
  const values = sample('integer', {});
  expect(values.every(Number.isSafeInteger)).toBe(true);
  expect(values).toContain(Number.MAX_SAFE_INTEGER);
});
