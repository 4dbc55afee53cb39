import { expect, type TestContext } from 'vitest';
import type { LogEntry } from '../../../support/app.ts';
import { Clock, runBy, useClocks } from './clock.ts';
import { type Call, openToys, respondWell, type ToysOptions } from './helper.ts';

/** Opens the toy service with version 1 of the toys 1 to 9, and a lookup. */
export async function openLive(t: TestContext, options: Partial<ToysOptions> = {}) {
  const toys = await openToys(t, { maxItems: 4, deadline: 10_000, ...options });
  for (let id = 1; id < 10; id += 1) toys.versions.set(id, 1);
  return { ...toys, lookUp: toys.createLookup() };
}

/** Opens the toy service with a clock that only `pass` advances, so that a slow machine causes no timeout. */
export async function open(t: TestContext, options: Partial<ToysOptions> = {}) {
  const toys = await openLive(t, options);
  const clock = new Clock();
  useClocks(t);
  return {
    ...toys,
    lookUp: (...args: Parameters<typeof toys.lookUp>) => runBy(clock, () => toys.lookUp(...args)),
    pass: (ms: number) => clock.pass(ms, () => toys.settle(clock.now)),
  };
}

/** Returns version 1 of these toys. */
export const toysOf = (...ids: number[]) => new Map(ids.map((id) => [id, 1]));
export const idsOf = (calls: readonly Call[]) => calls.map(({ ids }) => ids);
export const reqIdsOf = (entries: readonly LogEntry[]) => entries.map(({ reqId }) => reqId).toSorted();
export const entriesOf = (entries: readonly LogEntry[], message: string) =>
  entries.filter(({ msg }) => msg === message);

export const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
/** Returns the ids of calls for two ids each. */
export const pairs = (from: number, to: number) =>
  range(from, to).flatMap((id, at) => (at % 2 === 0 ? [[id, id + 1].filter((one) => one <= to)] : []));

/** Responds to the calls in order, including calls that are sent meanwhile. */
export async function respondAll(calls: readonly Call[], by = respondWell): Promise<void> {
  for (const { respond } of calls) await respond(by);
}

/** Responds to the calls in flight, including calls that are sent meanwhile. */
export async function respondRest(calls: readonly Call[]): Promise<void> {
  for (const call of calls) if (!call.isOver) await call.respond();
}

/** Responds to all calls in order, and checks that at most `max` are in flight. */
export async function respondInOrder(calls: readonly Call[], max: number): Promise<void> {
  for (const [index, { respond }] of calls.entries()) {
    expect(calls.length - index).toBeLessThanOrEqual(max);
    await respond();
  }
}
