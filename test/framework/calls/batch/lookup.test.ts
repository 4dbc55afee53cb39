import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Call } from './helper.ts';
import {
  entriesOf,
  idsOf,
  open,
  pairs,
  range,
  respondAll,
  respondInOrder,
  respondRest,
  toysOf,
} from './lookup-helpers.ts';

describe('batched lookups', () => {
  test('each lookup gets the existing items that it requested, and no others', async (t) => {
    const { lookUp, calls } = await open(t, { maxItems: 10 });
    const first = lookUp('a', [1]);
    const others = [lookUp('b', [1, 2, 77]), lookUp('c', [2, 3]), lookUp('d', [77])];
    expect(idsOf(calls)).toEqual([[1]]);
    await calls[0]?.respond();
    expect(idsOf(calls)).toEqual([[1], [1, 2, 77, 3]]);
    await calls[1]?.respond();
    expect(await first).toEqual(toysOf(1));
    expect(await Promise.all(others)).toEqual([toysOf(1, 2), toysOf(2, 3), toysOf()]);
    expect(calls).toHaveLength(2);
  });

  test('all lookups that start during a call share the next call', async (t) => {
    const { lookUp, calls } = await open(t, { maxItems: 10 });
    const lookups = Array.from({ length: 200 }, (_, index) => lookUp(`r${index}`, [(index % 4) + 1]));
    expect(idsOf(calls)).toEqual([[1]]);
    await calls[0]?.respond();
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4, 1]]);
    await calls[1]?.respond();
    for (const [index, found] of (await Promise.all(lookups)).entries())
      expect(found).toEqual(toysOf((index % 4) + 1));
    expect(calls).toHaveLength(2);
  });

  test('a lookup without ids sends no call, and a repeated id is sent once', async (t) => {
    const { lookUp, calls } = await open(t);
    expect(await lookUp('a', [])).toEqual(toysOf());
    expect(calls).toHaveLength(0);
    const lookup = lookUp('a', [2, 1, 2, 2]);
    expect(idsOf(calls)).toEqual([[2, 1]]);
    await calls[0]?.respond();
    expect(await lookup).toEqual(toysOf(1, 2));
  });

  test('a full batch is sent at the end of the event-loop turn; a partial batch waits for calls in flight', async (t) => {
    const { lookUp, calls } = await open(t);
    const lookups = [lookUp('a', [1]), lookUp('b', [1, 2, 3]), lookUp('c', [3, 4, 5]), lookUp('d', [5, 2])];
    expect(idsOf(calls)).toEqual([[1]]);
    await turn();
    expect(idsOf(calls)).toEqual([[1], [1, 2, 3, 4], [5]]);
    lookups.push(lookUp('e', [1, 6, 7]));
    for (const index of [1, 0]) {
      await calls[index]?.respond();
      await turn();
      expect(calls).toHaveLength(3);
    }
    expect(await lookups[1]).toEqual(toysOf(1, 2, 3));
    await calls[2]?.respond();
    expect(idsOf(calls).slice(3)).toEqual([[1, 6, 7]]);
    await calls[3]?.respond();
    const wanted = [[1], [1, 2, 3], [3, 4, 5], [5, 2], [1, 6, 7]];
    expect(await Promise.all(lookups)).toEqual(wanted.map((ids) => toysOf(...ids)));
  });

  test('a full batch waits while two calls are in flight, and is sent when a call ends', async (t) => {
    const { lookUp, calls } = await open(t);
    const lookups = [lookUp('a', [1]), lookUp('b', [1, 2, 3, 4])];
    await turn();
    expect(idsOf(calls)).toEqual([[1], [1, 2, 3, 4]]);
    lookups.push(lookUp('c', [5, 6, 7]), lookUp('d', [7, 8]));
    await turn();
    expect(calls).toHaveLength(2);
    await calls[1]?.respond();
    expect(idsOf(calls)).toEqual([[1], [1, 2, 3, 4], [5, 6, 7, 8]]);
    await respondAll([calls[0], calls[2]] as Call[]);
    const wanted = [[1], [1, 2, 3, 4], [5, 6, 7], [7, 8]];
    expect(await Promise.all(lookups)).toEqual(wanted.map((ids) => toysOf(...ids)));
  });

  test('lookups that need more than 16 calls together are sent in order, at most 4 calls at a time', async (t) => {
    const { lookUp, calls, versions } = await open(t, { maxItems: 2 });
    for (let id = 1; id <= 100; id += 1) versions.set(id, 1);
    const wanted = range(1, 36).map((at) => [at, at + 1]);
    const lookups = wanted.map((ids, at) => lookUp(`r${at}`, ids));
    await turn();
    // The first group ends with the lookup that brings it to 32 ids.
    await respondInOrder(calls, 4);
    expect(idsOf(calls)).toEqual([[1, 2], ...pairs(2, 33), ...pairs(33, 37)]);
    expect(await Promise.all(lookups)).toEqual(wanted.map((ids) => toysOf(...ids)));
  });

  test('a group is sent instead of a group whose lookups have all timed out', async (t) => {
    const { lookUp, calls, pass } = await open(t, { maxItems: 2 });
    const first = lookUp('a', [1]);
    const late = range(0, 15).map((at) => lookUp(`late ${at}`, [11 + 2 * at, 12 + 2 * at], { deadline: 10 }));
    // The first group is full, so this lookup is in the second.
    const last = lookUp('d', [3]);
    await turn();
    expect(calls).toHaveLength(4);
    await pass(10);
    expect(new Set(await Promise.all(late))).toEqual(new Set([504]));
    await respondRest(calls);
    expect(idsOf(calls).at(-1)).toEqual([3]);
    expect(await Promise.all([first, last])).toEqual([toysOf(1), toysOf(3)]);
  });

  test('a lookup that starts after a full batch was sent waits for the calls in flight', async (t) => {
    const { lookUp, calls } = await open(t);
    const lookups = [lookUp('a', [1])];
    void calls[0]?.respond();
    await lookups[0];
    await turn();
    // In one turn the first call stops to count, the full batch is sent, and then another lookup starts.
    const last = turn().then(() => lookUp('c', [6]));
    lookups.push(lookUp('b', [2, 3, 4, 5]), last);
    await turn();
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4, 5]]);
    await calls[1]?.respond();
    await calls[2]?.respond();
    expect(await Promise.all(lookups)).toEqual([toysOf(1), toysOf(2, 3, 4, 5), toysOf(6)]);
  });

  test('a caller that looks up again in the next turn joins the waiting batch', async (t) => {
    const { lookUp, calls } = await open(t);
    const lookups = [lookUp('a', [1]), lookUp('b', [2])];
    void calls[0]?.respond();
    await lookups[0];
    await turn();
    lookups.push(lookUp('a', [3]));
    expect(idsOf(calls)).toEqual([[1]]);
    await turn();
    expect(idsOf(calls)).toEqual([[1], [2, 3]]);
    await calls[1]?.respond();
    // No lookup waits, so the next one is sent immediately.
    lookups.push(lookUp('c', [4]));
    expect(idsOf(calls)).toEqual([[1], [2, 3], [4]]);
    await calls[2]?.respond();
    expect(await Promise.all(lookups)).toEqual([1, 2, 3, 4].map((id) => toysOf(id)));
  });

  test('10,000 ids make full calls, each id once, and at most 4 calls are in flight', async (t) => {
    const { lookUp, calls, versions } = await open(t, { maxItems: 100 });
    const ids = range(1, 10_000);
    for (const id of ids.slice(0, 9_990)) versions.set(id, 1);
    const lookup = lookUp('a', ids);
    await respondInOrder(calls, 4);
    expect(await lookup).toEqual(toysOf(...ids.slice(0, 9_990)));
    expect(calls).toHaveLength(100);
    expect(idsOf(calls).flat()).toEqual(ids);
  });
});

describe('fairness', () => {
  test('a short lookup does not wait for a long lookup', async (t) => {
    const { lookUp, calls } = await open(t, { maxItems: 2 });
    const long = [lookUp('a', range(1, 8)), lookUp('b', range(1, 5))];
    await turn();
    expect(calls).toHaveLength(4);
    const short = lookUp('c', [9]);
    expect(idsOf(calls).at(-1)).toEqual([9]);
    await calls[4]?.respond();
    expect(await short).toEqual(toysOf(9));
    expect(calls).toHaveLength(5);
    await respondRest(calls);
    expect(await Promise.all(long)).toEqual([toysOf(...range(1, 8)), toysOf(...range(1, 5))]);
  });

  test('a long lookup lets other lookups go first after every four calls', async (t) => {
    const { lookUp, calls, versions } = await open(t, { maxItems: 2 });
    for (let id = 1; id <= 100; id += 1) versions.set(id, 1);
    const long = lookUp('a', range(1, 40));
    await turn();
    const other = lookUp('b', range(51, 55));
    await respondInOrder(calls, 4);
    expect(idsOf(calls).slice(0, 8)).toEqual([...pairs(1, 8), [51, 52], [53, 54], [55], [9, 10]]);
    expect(await other).toEqual(toysOf(...range(51, 55)));
    expect(await long).toEqual(toysOf(...range(1, 40)));
  });

  test('every four calls of a lookup have the full deadline', async (t) => {
    const { lookUp, calls, versions, pass } = await open(t, { maxItems: 1, deadline: 1_000 });
    for (let id = 1; id <= 100; id += 1) versions.set(id, 1);
    const long = lookUp('a', range(1, 12));
    for (let piece = 0; piece < 3; piece += 1) {
      await pass(900);
      expect(calls).toHaveLength(4 * (piece + 1));
      await respondAll(calls.slice(4 * piece));
    }
    expect(await long).toEqual(toysOf(...range(1, 12)));
  });
});

describe('sharing a call', () => {
  test('requests with different rights share no call', async (t) => {
    const { lookUp, calls } = await open(t);
    const hops = [0, 1, 2];
    const lookUpEach = () => hops.map((hops) => lookUp(`r${hops}`, [hops + 1], { hops }));
    // For each hop count, the first lookup is sent and the others wait for the second call.
    const lookups = [...lookUpEach(), ...lookUpEach(), ...lookUpEach()];
    expect(idsOf(calls)).toEqual([[1], [2], [3]]);
    await respondAll(calls);
    expect(idsOf(calls).slice(3)).toEqual([[1], [2], [3]]);
    for (const [index, { propagated, arrival }] of calls.entries()) {
      expect(propagated?.hops).toBe(index % 3);
      expect((await arrival)['x-hops']).toBe(`${(index % 3) + 1}`);
    }
    const each = [1, 2, 3].map((id) => toysOf(id));
    expect(await Promise.all(lookups)).toEqual([...each, ...each, ...each]);
  });

  test('requests with the same rights share a call', async (t) => {
    const { lookUp, calls } = await open(t);
    const lookups = [1, 2, 3].map((id) => lookUp(`r${id}`, [id], { hops: 2 }));
    await calls[0]?.respond();
    expect(idsOf(calls)).toEqual([[1], [2, 3]]);
    await calls[1]?.respond();
    expect(await Promise.all(lookups)).toEqual([toysOf(1), toysOf(2), toysOf(3)]);
  });

  test('lookups without a request share calls too', async (t) => {
    const { lookUp, calls, entries } = await open(t);
    const lookups = [undefined, undefined, 'a', undefined].map((request, index) =>
      lookUp(request, [index + 1]),
    );
    await calls[0]?.respond();
    await calls[1]?.respond();
    expect(await Promise.all(lookups)).toEqual([toysOf(1), toysOf(2), toysOf(3), toysOf(4)]);
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4]]);
    const [shared] = entriesOf(entries, 'shared call');
    expect(shared?.reqIds).toContain('a');
    expect((await calls[1]?.arrival)?.['x-request-id']).toBe(shared?.reqId);
  });
});
