import { afterEach, describe, expect, test, vi } from 'vitest';
import { sqliteTable } from '../../../src/framework/database/drizzle.ts';
import { formatInstant, instant, nowMicros, parseInstant } from '../../../src/framework/database/instant.ts';

const hour = 3_600_000; // ms
const realNow = Date.now;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a time', () => {
  test.for<[string, number, string]>([
    ['the epoch', 0, '1970-01-01T00:00:00.000000Z'],
    ['one microsecond', 1, '1970-01-01T00:00:00.000001Z'],
    ['microseconds that need padding', 1_000_020, '1970-01-01T00:00:01.000020Z'],
    ['milliseconds that need padding', 7_000, '1970-01-01T00:00:00.007000Z'],
    ['the last microsecond of a second', 999_999, '1970-01-01T00:00:00.999999Z'],
    ['the example of the contract', 1_734_555_831_790_256, '2024-12-18T21:03:51.790256Z'],
    ['a leap day', 1_709_164_800_000_000, '2024-02-29T00:00:00.000000Z'],
    ['a century later', 4_889_289_599_999_999, '2124-12-07T23:59:59.999999Z'],
    ['a time before 1970', -1, '1969-12-31T23:59:59.999999Z'],
  ])('is formatted as in the contract: %s', ([, micros, instant]) => {
    expect(formatInstant(micros)).toBe(instant);
    expect(parseInstant(instant)).toBe(micros);
  });

  test('survives formatting and parsing, for each microsecond of two milliseconds', () => {
    const start = 1_734_555_831_789_000;
    for (let micros = start; micros < start + 2_000; micros++) {
      expect(parseInstant(formatInstant(micros))).toBe(micros);
    }
  });

  test('sorts the same as a string and as a number', () => {
    const times = [0, 9, 10, 999, 1_000, 999_999, 1_000_000, 1_734_555_831_790_256].map(formatInstant);
    expect(times.toSorted()).toEqual(times);
  });
});

describe('the current time', () => {
  test('is an integer of microseconds, within 2 ms of the clock', () => {
    for (let times = 0; times < 1_000; times++) {
      const before = Date.now();
      const micros = nowMicros();
      const after = Date.now();
      expect(Number.isSafeInteger(micros)).toBe(true);
      expect(micros).toBeGreaterThanOrEqual((before - 2) * 1_000);
      expect(micros).toBeLessThanOrEqual((after + 2) * 1_000);
    }
  });

  test('has digits finer than milliseconds', () => {
    const rests = Array.from({ length: 200 }, () => nowMicros() % 1_000);
    expect(new Set(rests).size).toBeGreaterThan(1);
  });

  test.for([
    ['an hour ahead', hour],
    ['an hour back', -hour],
    ['a second ahead', 1_000],
    ['ten years back', -87_600 * hour],
  ] as const)('follows a clock that is set %s, and back', ([, step]) => {
    nowMicros();
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => realNow() + step);
    expect(Math.abs(nowMicros() / 1_000 - (realNow() + step))).toBeLessThan(2_000);
    clock.mockRestore();
    expect(Math.abs(nowMicros() / 1_000 - realNow())).toBeLessThan(2_000);
  });
});

test.for([new Date(0), 5, 'yesterday', '1970-01-01T00:00:00Z'])(
  'a column of timestamps rejects %s, and names the form that it takes',
  (value) => {
    const { at } = sqliteTable('item', { at: instant() });
    expect(() => at.mapToDriverValue(value as never)).toThrow(
      new TypeError('Expected a timestamp in the form 2024-12-18T21:03:51.790256Z, see formatInstant'),
    );
  },
);
