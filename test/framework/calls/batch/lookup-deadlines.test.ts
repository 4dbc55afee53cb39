import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { until } from '../../../support/until.ts';
import {
  entriesOf,
  idsOf,
  open,
  openLive,
  range,
  respondAll,
  respondRest,
  toysOf,
} from './lookup-helpers.ts';

describe('ended requests', () => {
  test('a lookup of an ended request sends no further call', async (t) => {
    const { lookUp, calls } = await open(t, { maxItems: 2 });
    const state = { isOver: false };
    const lookups = [lookUp('a', range(1, 6), { state }), lookUp('b', [9]), lookUp('c', [8], { state })];
    expect(idsOf(calls)).toEqual([[1, 2], [3, 4], [5, 6], [9]]);
    const more = [lookUp('e', range(1, 7), { state }), lookUp('f', range(2, 5))];
    await Promise.all(calls.map(({ arrival }) => arrival));
    state.isOver = true;
    const last = lookUp('d', [7]);
    await respondAll(calls);
    expect(idsOf(calls).slice(4).toSorted()).toEqual([[2, 3], [4, 5], [7]]);
    expect(await Promise.all([...lookups, last, ...more])).toEqual([
      toysOf(...range(1, 6)),
      toysOf(9),
      504,
      toysOf(7),
      504,
      toysOf(2, 3, 4, 5),
    ]);
    expect(await lookUp('g', [1], { state })).toBe(504);
    expect(calls).toHaveLength(7);
  });

  test('unsent calls of an ended request are dropped, and the next group is sent', async (t) => {
    const { lookUp, calls, entries } = await open(t, { maxItems: 1 });
    const state = { isOver: false };
    const first = lookUp('a', [1]);
    const leaving = range(1, 6).map((at) => lookUp(`r${at}`, [at + 1], { state }));
    await turn();
    expect(calls).toHaveLength(4);
    await Promise.all(calls.map(({ arrival }) => arrival));
    state.isOver = true;
    const next = lookUp('b', [9]);
    await respondAll(calls);
    expect(idsOf(calls)).toEqual([[1], [2], [3], [4], [9]]);
    const outcomes = await Promise.all(leaving);
    expect(outcomes).toEqual([toysOf(2), toysOf(3), toysOf(4), 504, 504, 504]);
    expect(await Promise.all([first, next])).toEqual([toysOf(1), toysOf(9)]);
    // An ended request is no error of the peer.
    expect(entriesOf(entries, 'call failed')).toEqual([]);
  });
});

describe('deadlines', () => {
  test('a lookup times out at its own deadline, and the others of its call get their items', async (t) => {
    const { lookUp, calls, entries } = await openLive(t);
    const first = lookUp('a', [1]);
    const start = performance.now();
    const [short, long] = [lookUp('b', [1, 2], { deadline: 150 }), lookUp('c', [2, 3])];
    await calls[0]?.respond();
    expect(await short).toBe(504);
    expect(performance.now() - start).toBeGreaterThan(145);
    expect(performance.now() - start).toBeLessThan(4_000);
    expect(calls[1]?.isOver).toBe(false);
    await calls[1]?.respond();
    expect(await long).toEqual(toysOf(2, 3));
    expect(await first).toEqual(toysOf(1));
    expect(entriesOf(entries, 'call failed')).toMatchObject([{ reqId: 'b', service: 'user', peer: 'toy' }]);
  });

  test('a lookup that times out before its call is not sent', async (t) => {
    const { lookUp, calls, pass } = await open(t);
    const first = lookUp('a', [1]);
    const [short, long] = [lookUp('b', [2, 3], { deadline: 20 }), lookUp('c', [3, 4])];
    await pass(20);
    expect(await short).toBe(504);
    await calls[0]?.respond();
    expect(idsOf(calls)).toEqual([[1], [3, 4]]);
    await calls[1]?.respond();
    expect(await Promise.all([first, long])).toEqual([toysOf(1), toysOf(3, 4)]);
  });

  test('a batch whose lookups have all timed out sends no call, and the next lookup is sent immediately', async (t) => {
    const { lookUp, calls, pass } = await open(t);
    const first = lookUp('a', [1]);
    const late = [lookUp('b', [2], { deadline: 10 }), lookUp('c', [3], { deadline: 20 })];
    await pass(20);
    expect(await Promise.all(late)).toEqual([504, 504]);
    await calls[0]?.respond();
    expect(await first).toEqual(toysOf(1));
    const next = lookUp('d', [4]);
    expect(idsOf(calls)).toEqual([[1], [4]]);
    await calls[1]?.respond();
    expect(await next).toEqual(toysOf(4));
  });

  test('a call has the latest deadline of its callers', async (t) => {
    const { lookUp, calls, pass } = await open(t);
    const lookups = [500, 500, 5_000, 3_000].map((deadline) => lookUp(`${deadline}`, [2], { deadline }));
    await pass(10);
    await calls[0]?.respond();
    await calls[1]?.respond();
    const left = await Promise.all(calls.map(async ({ arrival }) => (await arrival)['x-deadline-ms']));
    expect(left).toEqual(['500', '4990']);
    await Promise.all(lookups);
  });

  test('a hanging call does not delay later lookups', async (t) => {
    const { lookUp, calls } = await openLive(t, { deadline: 1_000 });
    const start = performance.now();
    const hung = lookUp('a', [1]);
    for (let count = 1; count <= 5; count += 1) {
      const started = performance.now();
      const lookups = count === 1 ? [lookUp('b', [1]), lookUp('c', [2])] : [lookUp('b', [2])];
      await until(() => expect(calls.length).toBe(count + 1));
      await calls[count]?.respond();
      expect((await Promise.all(lookups)).at(-1)).toEqual(toysOf(2));
      expect(performance.now() - started).toBeLessThan(900);
    }
    expect(calls[0]?.isOver).toBe(false);
    expect(await hung).toBe(504);
    expect(performance.now() - start).toBeGreaterThan(990);
    expect(performance.now() - start).toBeLessThan(4_000);
  });

  test('waiting lookups are sent in a single call when the call before them is 50 ms old', async (t) => {
    const { lookUp, calls, pass } = await open(t);
    const lookups = [lookUp('a', [1]), lookUp('b', [2])];
    await pass(30);
    lookups.push(lookUp('c', [3]));
    await pass(19);
    expect(idsOf(calls)).toEqual([[1]]);
    await pass(1);
    expect(idsOf(calls)).toEqual([[1], [2, 3]]);
    // The next lookup waits for the second call.
    lookups.push(lookUp('d', [4]));
    await calls[0]?.respond();
    expect(idsOf(calls)).toEqual([[1], [2, 3]]);
    await calls[1]?.respond();
    await calls[2]?.respond();
    expect(await Promise.all(lookups)).toEqual([toysOf(1), toysOf(2), toysOf(3), toysOf(4)]);
  });

  test('a lookup with a partial result waits for its other items until its deadline', async (t) => {
    const { lookUp, calls, pass } = await open(t, { maxItems: 2 });
    const first = lookUp('a', [7, 8, 9]);
    // The first lookup has a private call, and shares a call with the other, which has a later deadline.
    const [short, long] = [
      lookUp('b', [1, 2, 3], { deadline: 100 }),
      lookUp('c', [4, 5, 6], { deadline: 200 }),
    ];
    await calls[0]?.respond();
    expect(idsOf(calls)).toEqual([[7, 8], [9], [1, 2], [3, 4], [5, 6]]);
    await calls[1]?.respond();
    await calls[2]?.respond();
    await pass(100);
    expect(await Promise.race([short, 'nothing yet'])).toBe(504);
    await respondRest(calls);
    expect(await Promise.all([first, long])).toEqual([toysOf(7, 8, 9), toysOf(4, 5, 6)]);
  });

  test('a call for a single lookup ends at the deadline, with a single log entry', async (t) => {
    const { lookUp, calls, entries } = await openLive(t);
    expect(await lookUp('a', [1], { deadline: 100 })).toBe(504);
    await calls[0]?.end;
    expect(entries).toMatchObject([{ reqId: 'a', error: 'no response in time', msg: 'call failed' }]);
  });

  test('a lookup without time left sends no call', async (t) => {
    const { lookUp, calls, entries } = await open(t);
    expect(await lookUp('a', [1], { deadline: 0 })).toBe(504);
    expect(calls).toHaveLength(0);
    expect(entries).toMatchObject([{ reqId: 'a', error: 'no response in time', msg: 'call failed' }]);
  });
});
