import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  answerAll,
  answerRest,
  idsOf,
  linesOf,
  open,
  openLive,
  range,
  toysOf,
  until,
} from './lookup-helpers.ts';

describe('ended requests', () => {
  test('a lookup of an ended request sends no further call', async (t) => {
    const { ask, calls } = await open(t, { maxItems: 2 });
    const state = { isOver: false };
    const lookups = [ask('a', range(1, 6), { state }), ask('b', [9]), ask('c', [8], { state })];
    expect(idsOf(calls)).toEqual([[1, 2], [3, 4], [5, 6], [9]]);
    const more = [ask('e', range(1, 7), { state }), ask('f', range(2, 5))];
    await Promise.all(calls.map(({ arrival }) => arrival));
    state.isOver = true;
    const last = ask('d', [7]);
    await answerAll(calls);
    expect(idsOf(calls).slice(4).toSorted()).toEqual([[2, 3], [4, 5], [7]]);
    expect(await Promise.all([...lookups, last, ...more])).toEqual([
      toysOf(...range(1, 6)),
      toysOf(9),
      504,
      toysOf(7),
      504,
      toysOf(2, 3, 4, 5),
    ]);
    expect(await ask('g', [1], { state })).toBe(504);
    expect(calls).toHaveLength(7);
  });

  test('unsent calls of an ended request are dropped, and the next group leaves', async (t) => {
    const { ask, calls, lines } = await open(t, { maxItems: 1 });
    const state = { isOver: false };
    const first = ask('a', [1]);
    const leaving = range(1, 6).map((at) => ask(`r${at}`, [at + 1], { state }));
    await turn();
    expect(calls).toHaveLength(4);
    await Promise.all(calls.map(({ arrival }) => arrival));
    state.isOver = true;
    const next = ask('b', [9]);
    await answerAll(calls);
    expect(idsOf(calls)).toEqual([[1], [2], [3], [4], [9]]);
    const outcomes = await Promise.all(leaving);
    expect(outcomes).toEqual([toysOf(2), toysOf(3), toysOf(4), 504, 504, 504]);
    expect(await Promise.all([first, next])).toEqual([toysOf(1), toysOf(9)]);
    // It is no fault of the peer.
    expect(linesOf(lines, 'call failed')).toEqual([]);
  });
});

describe('deadlines', () => {
  test('a lookup times out at its own deadline, and the others of its call get their items', async (t) => {
    const { ask, calls, lines } = await openLive(t);
    const first = ask('a', [1]);
    const start = performance.now();
    const [short, long] = [ask('b', [1, 2], { deadline: 150 }), ask('c', [2, 3])];
    await calls[0]?.answer();
    expect(await short).toBe(504);
    expect(performance.now() - start).toBeGreaterThan(145);
    expect(performance.now() - start).toBeLessThan(4_000);
    expect(calls[1]?.isOver).toBe(false);
    await calls[1]?.answer();
    expect(await long).toEqual(toysOf(2, 3));
    expect(await first).toEqual(toysOf(1));
    expect(linesOf(lines, 'call failed')).toMatchObject([{ reqId: 'b', service: 'user', peer: 'toy' }]);
  });

  test('a lookup that times out before its call leaves is not sent', async (t) => {
    const { ask, calls, pass } = await open(t);
    const first = ask('a', [1]);
    const [short, long] = [ask('b', [2, 3], { deadline: 20 }), ask('c', [3, 4])];
    await pass(20);
    expect(await short).toBe(504);
    await calls[0]?.answer();
    expect(idsOf(calls)).toEqual([[1], [3, 4]]);
    await calls[1]?.answer();
    expect(await Promise.all([first, long])).toEqual([toysOf(1), toysOf(3, 4)]);
  });

  test('a batch whose lookups have all timed out sends no call, and the next lookup leaves immediately', async (t) => {
    const { ask, calls, pass } = await open(t);
    const first = ask('a', [1]);
    const late = [ask('b', [2], { deadline: 10 }), ask('c', [3], { deadline: 20 })];
    await pass(20);
    expect(await Promise.all(late)).toEqual([504, 504]);
    await calls[0]?.answer();
    expect(await first).toEqual(toysOf(1));
    const next = ask('d', [4]);
    expect(idsOf(calls)).toEqual([[1], [4]]);
    await calls[1]?.answer();
    expect(await next).toEqual(toysOf(4));
  });

  test('a call has the latest deadline of its callers', async (t) => {
    const { ask, calls, pass } = await open(t);
    const lookups = [500, 500, 5_000, 3_000].map((deadline) => ask(`${deadline}`, [2], { deadline }));
    await pass(10);
    await calls[0]?.answer();
    await calls[1]?.answer();
    const left = await Promise.all(calls.map(async ({ arrival }) => (await arrival)['x-deadline-ms']));
    expect(left).toEqual(['500', '4990']);
    await Promise.all(lookups);
  });

  test('a hanging call does not delay later lookups', async (t) => {
    const { ask, calls } = await openLive(t, { deadline: 1_000 });
    const start = performance.now();
    const hung = ask('a', [1]);
    for (let count = 1; count <= 5; count += 1) {
      const asked = performance.now();
      const lookups = count === 1 ? [ask('b', [1]), ask('c', [2])] : [ask('b', [2])];
      await until(() => expect(calls.length).toBe(count + 1));
      await calls[count]?.answer();
      expect((await Promise.all(lookups)).at(-1)).toEqual(toysOf(2));
      expect(performance.now() - asked).toBeLessThan(900);
    }
    expect(calls[0]?.isOver).toBe(false);
    expect(await hung).toBe(504);
    expect(performance.now() - start).toBeGreaterThan(990);
    expect(performance.now() - start).toBeLessThan(4_000);
  });

  test('waiting lookups leave in a single call when the call before them is 50 ms old', async (t) => {
    const { ask, calls, pass } = await open(t);
    const lookups = [ask('a', [1]), ask('b', [2])];
    await pass(30);
    lookups.push(ask('c', [3]));
    await pass(19);
    expect(idsOf(calls)).toEqual([[1]]);
    await pass(1);
    expect(idsOf(calls)).toEqual([[1], [2, 3]]);
    // That one is waited for in its turn.
    lookups.push(ask('d', [4]));
    await calls[0]?.answer();
    expect(idsOf(calls)).toEqual([[1], [2, 3]]);
    await calls[1]?.answer();
    await calls[2]?.answer();
    expect(await Promise.all(lookups)).toEqual([toysOf(1), toysOf(2), toysOf(3), toysOf(4)]);
  });

  test('a lookup that has some of its toys waits for the others until its deadline', async (t) => {
    const { ask, calls, pass } = await open(t, { maxItems: 2 });
    const first = ask('a', [7, 8, 9]);
    // One call for the first alone, and one with the other, which waits longer.
    const [short, long] = [ask('b', [1, 2, 3], { deadline: 100 }), ask('c', [4, 5, 6], { deadline: 200 })];
    await calls[0]?.answer();
    expect(idsOf(calls)).toEqual([[7, 8], [9], [1, 2], [3, 4], [5, 6]]);
    await calls[1]?.answer();
    await calls[2]?.answer();
    await pass(100);
    expect(await Promise.race([short, 'nothing yet'])).toBe(504);
    await answerRest(calls);
    expect(await Promise.all([first, long])).toEqual([toysOf(7, 8, 9), toysOf(4, 5, 6)]);
  });

  test('a call for a single lookup ends at its deadline, with a single log entry', async (t) => {
    const { ask, calls, lines } = await openLive(t);
    expect(await ask('a', [1], { deadline: 100 })).toBe(504);
    await calls[0]?.end;
    expect(lines).toMatchObject([{ reqId: 'a', fault: 'no answer in time', msg: 'call failed' }]);
  });

  test('a lookup without time left sends no call', async (t) => {
    const { ask, calls, lines } = await open(t);
    expect(await ask('a', [1], { deadline: 0 })).toBe(504);
    expect(calls).toHaveLength(0);
    expect(lines).toMatchObject([{ reqId: 'a', fault: 'no answer in time', msg: 'call failed' }]);
  });
});
