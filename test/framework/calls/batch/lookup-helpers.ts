import { expect, type TestContext, vi } from 'vitest';
import type { LogEntry } from '../../../support/app.ts';
import { Clock, runBy, useClocks } from './clock.ts';
import { answerWell, type Call, openToys, type ToysOptions } from './helper.ts';

/** Opens the toy service with toys 1 to 9 in their first version, and a lookup. */
export async function openLive(t: TestContext, options: Partial<ToysOptions> = {}) {
  const toys = await openToys(t, { maxItems: 4, deadline: 10_000, ...options });
  for (let id = 1; id < 10; id += 1) toys.versions.set(id, 1);
  return { ...toys, ask: toys.makeLookup() };
}

/** As `openLive`, with a clock that only `pass` advances, so a slow machine ages no call. */
export async function open(t: TestContext, options: Partial<ToysOptions> = {}) {
  const toys = await openLive(t, options);
  const clock = new Clock();
  useClocks(t);
  return {
    ...toys,
    ask: (...asked: Parameters<typeof toys.ask>) => runBy(clock, () => toys.ask(...asked)),
    pass: (ms: number) => clock.pass(ms, () => toys.settle(clock.now)),
  };
}

/** These toys, in their first version. */
export const toysOf = (...ids: number[]) => new Map(ids.map((id) => [id, 1]));
export const idsOf = (calls: readonly Call[]) => calls.map(({ ids }) => ids);
export const reqIdsOf = (lines: readonly LogEntry[]) => lines.map(({ reqId }) => reqId).toSorted();
export const linesOf = (lines: readonly LogEntry[], message: string) =>
  lines.filter(({ msg }) => msg === message);

export const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
/** The ids of calls for two each. */
export const pairs = (from: number, to: number) =>
  range(from, to).flatMap((id, at) => (at % 2 === 0 ? [[id, id + 1].filter((one) => one <= to)] : []));

export const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });

/** Answers the calls in order, including calls that leave meanwhile. */
export async function answerAll(calls: readonly Call[], by = answerWell): Promise<void> {
  for (const { answer } of calls) await answer(by);
}

/** Answers the calls in flight, and calls that leave meanwhile. */
export async function answerRest(calls: readonly Call[]): Promise<void> {
  for (const call of calls) if (!call.isOver) await call.answer();
}

/** Answers all calls in order, and checks that at most `max` are in flight. */
export async function answerInOrder(calls: readonly Call[], max: number): Promise<void> {
  for (const [index, { answer }] of calls.entries()) {
    expect(calls.length - index).toBeLessThanOrEqual(max);
    await answer();
  }
}
