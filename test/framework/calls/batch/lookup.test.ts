import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { lookupByIds } from '../../../../src/framework/calls/batch/lookup.ts';
import type { Operation } from '../../../../src/framework/calls/operation.ts';
import { getLogger } from '../../../../src/framework/logging/logger.ts';
import { createExampleApp, type LogEntry } from '../../../support/app.ts';
import { Clock, runBy, useClocks } from './clock.ts';
import {
  type AskOptions,
  answerWell,
  type Call,
  faults,
  openToys,
  type Toy,
  type ToysOptions,
  turns,
} from './helper.ts';

/** The toys 1 to 9, each in its first version, and a lookup of them. */
async function openLive(t: TestContext, options: Partial<ToysOptions> = {}) {
  const toys = await openToys(t, { maxItems: 4, deadline: 10_000, ...options });
  for (let id = 1; id < 10; id += 1) toys.versions.set(id, 1);
  return { ...toys, ask: toys.makeLookup() };
}

/** The same, and time stands still but for `pass`: on a busy machine no call grows old. */
async function open(t: TestContext, options: Partial<ToysOptions> = {}) {
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
const toysOf = (...ids: number[]) => new Map(ids.map((id) => [id, 1]));
const idsOf = (calls: readonly Call[]) => calls.map(({ ids }) => ids);
const reqIdsOf = (lines: readonly LogEntry[]) => lines.map(({ reqId }) => reqId).toSorted();
const linesOf = (lines: readonly LogEntry[], message: string) => lines.filter(({ msg }) => msg === message);

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
/** The ids of calls for two each. */
const pairs = (from: number, to: number) =>
  range(from, to).flatMap((id, at) => (at % 2 === 0 ? [[id, id + 1].filter((one) => one <= to)] : []));

const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });

/** Has the calls answered, one after the other, and those that leave meanwhile. */
async function answerAll(calls: readonly Call[], by = answerWell): Promise<void> {
  for (const { answer } of calls) await answer(by);
}

/** Has those answered that are in flight, and those that leave meanwhile. */
async function answerRest(calls: readonly Call[]): Promise<void> {
  for (const call of calls) if (!call.isOver) await call.answer();
}

/** Has all answered in order, and sees that no more than `max` are in flight. */
async function answerInOrder(calls: readonly Call[], max: number): Promise<void> {
  for (const [index, { answer }] of calls.entries()) {
    expect(calls.length - index).toBeLessThanOrEqual(max);
    await answer();
  }
}

describe('lookups that wait together', () => {
  test('each gets what he asked for and there is, and nothing else', async (t) => {
    const { ask, calls } = await open(t, { maxItems: 10 });
    const first = ask('a', [1]);
    const others = [ask('b', [1, 2, 77]), ask('c', [2, 3]), ask('d', [77])];
    expect(idsOf(calls)).toEqual([[1]]);
    await calls[0]?.answer();
    expect(idsOf(calls)).toEqual([[1], [1, 2, 77, 3]]);
    await calls[1]?.answer();
    expect(await first).toEqual(toysOf(1));
    expect(await Promise.all(others)).toEqual([toysOf(1, 2), toysOf(2, 3), toysOf()]);
    expect(calls).toHaveLength(2);
  });

  test('however many come while a call is out, they make one more', async (t) => {
    const { ask, calls } = await open(t, { maxItems: 10 });
    const lookups = Array.from({ length: 200 }, (_, index) => ask(`r${index}`, [(index % 4) + 1]));
    expect(idsOf(calls)).toEqual([[1]]);
    await calls[0]?.answer();
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4, 1]]);
    await calls[1]?.answer();
    for (const [index, found] of (await Promise.all(lookups)).entries())
      expect(found).toEqual(toysOf((index % 4) + 1));
    expect(calls).toHaveLength(2);
  });

  test('no ids make no call, and the same id twice is once', async (t) => {
    const { ask, calls } = await open(t);
    expect(await ask('a', [])).toEqual(toysOf());
    expect(calls).toHaveLength(0);
    const lookup = ask('a', [2, 1, 2, 2]);
    expect(idsOf(calls)).toEqual([[2, 1]]);
    await calls[0]?.answer();
    expect(await lookup).toEqual(toysOf(1, 2));
  });

  test('what fills a call leaves with the turn of the event loop, and what does not waits for all that is out', async (t) => {
    const { ask, calls } = await open(t);
    const lookups = [ask('a', [1]), ask('b', [1, 2, 3]), ask('c', [3, 4, 5]), ask('d', [5, 2])];
    expect(idsOf(calls)).toEqual([[1]]);
    await turn();
    expect(idsOf(calls)).toEqual([[1], [1, 2, 3, 4], [5]]);
    lookups.push(ask('e', [1, 6, 7]));
    for (const index of [1, 0]) {
      await calls[index]?.answer();
      await turn();
      expect(calls).toHaveLength(3);
    }
    expect(await lookups[1]).toEqual(toysOf(1, 2, 3));
    await calls[2]?.answer();
    expect(idsOf(calls).slice(3)).toEqual([[1, 6, 7]]);
    await calls[3]?.answer();
    const wanted = [[1], [1, 2, 3], [3, 4, 5], [5, 2], [1, 6, 7]];
    expect(await Promise.all(lookups)).toEqual(wanted.map((ids) => toysOf(...ids)));
  });

  test('what fills a call waits too where two are out, and leaves when one of them is back', async (t) => {
    const { ask, calls } = await open(t);
    const lookups = [ask('a', [1]), ask('b', [1, 2, 3, 4])];
    await turn();
    expect(idsOf(calls)).toEqual([[1], [1, 2, 3, 4]]);
    lookups.push(ask('c', [5, 6, 7]), ask('d', [7, 8]));
    await turn();
    expect(calls).toHaveLength(2);
    await calls[1]?.answer();
    expect(idsOf(calls)).toEqual([[1], [1, 2, 3, 4], [5, 6, 7, 8]]);
    await answerAll([calls[0], calls[2]] as Call[]);
    const wanted = [[1], [1, 2, 3, 4], [5, 6, 7], [7, 8]];
    expect(await Promise.all(lookups)).toEqual(wanted.map((ids) => toysOf(...ids)));
  });

  test('lookups of one call each, more than 16 calls in all, leave in order and at most 4 calls at a time', async (t) => {
    const { ask, calls, versions } = await open(t, { maxItems: 2 });
    for (let id = 1; id <= 100; id += 1) versions.set(id, 1);
    const wanted = range(1, 36).map((at) => [at, at + 1]);
    const lookups = wanted.map((ids, at) => ask(`r${at}`, ids));
    await turn();
    // The first group ends with the lookup that brings it to 32 ids.
    await answerInOrder(calls, 4);
    expect(idsOf(calls)).toEqual([[1, 2], ...pairs(2, 33), ...pairs(33, 37)]);
    expect(await Promise.all(lookups)).toEqual(wanted.map((ids) => toysOf(...ids)));
  });

  test('a group leaves in the place of one whose lookups have all timed out', async (t) => {
    const { ask, calls, pass } = await open(t, { maxItems: 2 });
    const first = ask('a', [1]);
    const late = range(0, 15).map((at) => ask(`late ${at}`, [11 + 2 * at, 12 + 2 * at], { deadline: 10 }));
    // The first group is full, so this lookup is in the second.
    const last = ask('d', [3]);
    await turn();
    expect(calls).toHaveLength(4);
    await pass(10);
    expect(new Set(await Promise.all(late))).toEqual(new Set([504]));
    await answerRest(calls);
    expect(idsOf(calls).at(-1)).toEqual([3]);
    expect(await Promise.all([first, last])).toEqual([toysOf(1), toysOf(3)]);
  });

  test('what comes in a turn in which all that waited has left waits for that', async (t) => {
    const { ask, calls } = await open(t);
    const lookups = [ask('a', [1])];
    void calls[0]?.answer();
    await lookups[0];
    await turn();
    // In one turn the place of the call is free, which lets those go who fill the next, and then one more asks.
    const last = turn().then(() => ask('c', [6]));
    lookups.push(ask('b', [2, 3, 4, 5]), last);
    await turn();
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4, 5]]);
    await calls[1]?.answer();
    await calls[2]?.answer();
    expect(await Promise.all(lookups)).toEqual([toysOf(1), toysOf(2, 3, 4, 5), toysOf(6)]);
  });

  test('who is answered and asks again in the next turn travels with those who waited', async (t) => {
    const { ask, calls } = await open(t);
    const lookups = [ask('a', [1]), ask('b', [2])];
    void calls[0]?.answer();
    await lookups[0];
    await turn();
    lookups.push(ask('a', [3]));
    expect(idsOf(calls)).toEqual([[1]]);
    await turn();
    expect(idsOf(calls)).toEqual([[1], [2, 3]]);
    await calls[1]?.answer();
    // Where nobody has asked since, the next leaves at once.
    lookups.push(ask('c', [4]));
    expect(idsOf(calls)).toEqual([[1], [2, 3], [4]]);
    await calls[2]?.answer();
    expect(await Promise.all(lookups)).toEqual([1, 2, 3, 4].map((id) => toysOf(id)));
  });

  test('10,000 ids make full calls, each id once, and at most 4 calls are in flight', async (t) => {
    const { ask, calls, versions } = await open(t, { maxItems: 100 });
    const ids = range(1, 10_000);
    for (const id of ids.slice(0, 9_990)) versions.set(id, 1);
    const lookup = ask('a', ids);
    await answerInOrder(calls, 4);
    expect(await lookup).toEqual(toysOf(...ids.slice(0, 9_990)));
    expect(calls).toHaveLength(100);
    expect(idsOf(calls).flat()).toEqual(ids);
  });
});

describe('fair turns', () => {
  test('a short lookup is behind no long one', async (t) => {
    const { ask, calls } = await open(t, { maxItems: 2 });
    const long = [ask('a', range(1, 8)), ask('b', range(1, 5))];
    await turn();
    expect(calls).toHaveLength(4);
    const short = ask('c', [9]);
    expect(idsOf(calls).at(-1)).toEqual([9]);
    await calls[4]?.answer();
    expect(await short).toEqual(toysOf(9));
    expect(calls).toHaveLength(5);
    await answerRest(calls);
    expect(await Promise.all(long)).toEqual([toysOf(...range(1, 8)), toysOf(...range(1, 5))]);
  });

  test('a lookup of many calls gives way after each four of them', async (t) => {
    const { ask, calls, versions } = await open(t, { maxItems: 2 });
    for (let id = 1; id <= 100; id += 1) versions.set(id, 1);
    const long = ask('a', range(1, 40));
    await turn();
    const other = ask('b', range(51, 55));
    await answerInOrder(calls, 4);
    expect(idsOf(calls).slice(0, 8)).toEqual([...pairs(1, 8), [51, 52], [53, 54], [55], [9, 10]]);
    expect(await other).toEqual(toysOf(...range(51, 55)));
    expect(await long).toEqual(toysOf(...range(1, 40)));
  });

  test('each four calls of a lookup have the time that a call may take', async (t) => {
    const { ask, calls, versions, pass } = await open(t, { maxItems: 1, deadline: 1_000 });
    for (let id = 1; id <= 100; id += 1) versions.set(id, 1);
    const long = ask('a', range(1, 12));
    for (let piece = 0; piece < 3; piece += 1) {
      await pass(900);
      expect(calls).toHaveLength(4 * (piece + 1));
      await answerAll(calls.slice(4 * piece));
    }
    expect(await long).toEqual(toysOf(...range(1, 12)));
  });
});

describe('requests that are over', () => {
  test('nothing is asked for them, not even the rest of what was begun', async (t) => {
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

  test('the calls of a group that have not been sent are left out, and the next group leaves', async (t) => {
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
  test('one that waits no longer gets 504 at his time, and the others of his call their answer', async (t) => {
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

  test('for one that gave up while he waited nothing is asked', async (t) => {
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

  test('where all gave up there is no call, and the next leaves at once', async (t) => {
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

  test('a call has the time of the one of its callers that waits longest', async (t) => {
    const { ask, calls, pass } = await open(t);
    const lookups = [500, 500, 5_000, 3_000].map((deadline) => ask(`${deadline}`, [2], { deadline }));
    await pass(10);
    await calls[0]?.answer();
    await calls[1]?.answer();
    const left = await Promise.all(calls.map(async ({ arrival }) => (await arrival)['x-deadline-ms']));
    expect(left).toEqual(['500', '4990']);
    await Promise.all(lookups);
  });

  test('a call that hangs holds up nobody who comes later', async (t) => {
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

  test('what waits for a call leaves when that is 50 ms old, together and once', async (t) => {
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

  test('a call for one alone ends with him, and one line says so', async (t) => {
    const { ask, calls, lines } = await openLive(t);
    expect(await ask('a', [1], { deadline: 100 })).toBe(504);
    await calls[0]?.end;
    expect(lines).toMatchObject([{ reqId: 'a', fault: 'no answer in time', msg: 'call failed' }]);
  });

  test('one that has no time asks for nothing', async (t) => {
    const { ask, calls, lines } = await open(t);
    expect(await ask('a', [1], { deadline: 0 })).toBe(504);
    expect(calls).toHaveLength(0);
    expect(lines).toMatchObject([{ reqId: 'a', fault: 'no answer in time', msg: 'call failed' }]);
  });
});

describe('nobody reads what was before he asked', () => {
  test('a lookup sees a write that was answered, also where a call is out that left before it', async (t) => {
    const { ask, calls, versions } = await open(t);
    const before = ask('a', [1]);
    versions.set(1, 2);
    const after = [ask('b', [1]), ask('c', [1, 2])];
    await calls[0]?.answer();
    versions.set(1, 3);
    const later = ask('d', [1]);
    await calls[1]?.answer();
    await calls[2]?.answer();
    expect(await before).toEqual(new Map([[1, 1]]));
    expect(await Promise.all(after)).toEqual([
      new Map([[1, 2]]),
      new Map([
        [1, 2],
        [2, 1],
      ]),
    ]);
    expect(await later).toEqual(new Map([[1, 3]]));
  });

  test('a treat between two reads is seen, also under the load of many readers of the same user', async (t) => {
    const { send, logs } = await createExampleApp(t, { config: { calls: { deadline: 10_000 } } });
    await send('POST', '/user/users/', { name: 'Alice' });
    for (const id of [1, 2, 3]) {
      await send('POST', '/pet/pets/', { name: `Pet ${id}`, species: 'dog' });
      await send('POST', `/user/users/1/pets/${id}`);
    }
    /** Of each pet, when it was last treated at least: an answer says so. */
    const treated = ['', '', ''];
    let isOver = false;
    async function read(): Promise<void> {
      const before = [...treated];
      const { status, body } = await send('GET', '/user/users/1');
      expect(status).toBe(200);
      const shown = body.pets.map((pet: { last_interaction: string }) => pet.last_interaction);
      for (const [index, instant] of before.entries())
        expect(shown[index] >= instant, `${shown[index]} ${instant}`).toBe(true);
    }
    const readers = Array.from({ length: 20 }, async () => {
      while (!isOver) await read();
    });
    for (let count = 0; count < 60; count += 1) {
      const { status, body } = await send('POST', `/pet/pets/${(count % 3) + 1}/treat`);
      expect(status).toBe(200);
      treated[count % 3] = body.last_interaction;
      await read();
    }
    isOver = true;
    await Promise.all(readers);
    expect(linesOf(logs, 'shared call').length).toBeGreaterThan(50);
  });
});

describe('errors', () => {
  test.for(faults)(
    'where the peer %s, all who share that call hear of it, and nobody else',
    async ([, answer, status = 503], t) => {
      const { ask, calls, lines } = await open(t);
      const first = ask('a', [1]);
      const sharing = [ask('b', [1, 2]), ask('c', [2, 3])];
      await calls[0]?.answer();
      const waiting = ask('d', [2]);
      await calls[1]?.answer(answer);
      expect(await Promise.all(sharing)).toEqual([status, status]);
      await calls[2]?.answer();
      expect(await Promise.all([first, waiting])).toEqual([toysOf(1), toysOf(2)]);
      const next = ask('b', [1, 2]);
      await calls[3]?.answer();
      expect(await next).toEqual(toysOf(1, 2));
      const failed = [{ reqId: linesOf(lines, 'shared call')[0]?.reqId, service: 'user' }];
      expect(linesOf(lines, 'call failed')).toMatchObject(failed);
    },
  );

  test('one that is spread over several calls fails with any of them, and the others’ callers do not', async (t) => {
    const { ask, calls } = await open(t);
    const fail = faults[0]?.[1];
    for (const broken of [1, 2]) {
      calls.length = 0;
      const lookups = [ask('a', [9]), ask('b', [1, 2, 3]), ask('c', [3, 4, 5]), ask('d', [5, 6, 7])];
      await turn();
      await calls[0]?.answer();
      await calls[1]?.answer(broken === 1 ? fail : answerWell);
      await calls[2]?.answer(broken === 2 ? fail : answerWell);
      expect(idsOf(calls)).toEqual([[9], [1, 2, 3, 4], [5, 6, 7]]);
      const ofFirst = broken === 1 ? 503 : toysOf(1, 2, 3);
      const ofSecond = broken === 2 ? 503 : toysOf(5, 6, 7);
      expect(await Promise.all(lookups)).toEqual([toysOf(9), ofFirst, 503, ofSecond]);
    }
  });

  test('a defect in what asks is the error of the lookup, and not of the next', async (t) => {
    const { list, calls } = await open(t);
    let isBroken = true;
    const lookUp = lookupByIds(list, {
      parameter: 'ids',
      ask(ids) {
        if (isBroken) throw new Error('a defect');
        return { query: { ids } };
      },
      idOf: ({ id }: Toy) => id,
    });
    for (const ids of [[1], [1, 2, 3, 4, 5, 6]]) await expect(lookUp(ids)).rejects.toThrow('a defect');
    expect(calls).toHaveLength(0);
    isBroken = false;
    await turns();
    const next = lookUp([1]);
    await calls[0]?.answer();
    expect((await next).get(1)).toEqual({ id: 1, version: 1 });

    const undeclared = { ...list, contract: undefined } as unknown as Operation<object, Toy[]>;
    const early = lookupByIds(undeclared, { parameter: 'ids', ask: () => ({}), idOf: ({ id }) => id });
    await expect(early([1])).rejects.toThrow();
    expect(await early([])).toEqual(new Map());
  });

  test('when the connections are closed, all who wait hear of it, those without a call too', async (t) => {
    const { ask, calls, close } = await open(t);
    const lookups = [ask('a', [1]), ask('b', [2, 3]), ask('c', [3, 4])];
    await calls[0]?.arrival;
    await close();
    expect(await Promise.all(lookups)).toEqual([503, 503, 503]);
    expect(await ask('d', [1])).toBe(503);
  });
});

describe('who shares', () => {
  test('nobody with a request of other rights, or with other arguments', async (t) => {
    const { ask, calls } = await open(t);
    const [red, blue] = ['red', 'blue'].map((color) => ({ args: { color } }));
    const options: AskOptions[] = [{}, { hops: 1 }, { ...red }, { ...blue }, { ...red, hops: 1 }];
    const askEach = () => options.map((one, index) => ask(`r${index}`, [index + 1], one));
    // Each kind has its own first call, and its own that waits.
    const lookups = [...askEach(), ...askEach(), ...askEach()];
    expect(idsOf(calls)).toEqual([[1], [2], [3], [4], [5]]);
    await answerAll(calls);
    expect(idsOf(calls).slice(5)).toEqual([[1], [2], [3], [4], [5]]);
    for (const [index, { color, travel, arrival }] of calls.entries()) {
      expect(color).toBe(options[index % 5]?.args?.color);
      expect(travel?.hops).toBe(options[index % 5]?.hops ?? 0);
      expect((await arrival)['x-hops']).toBe(`${(options[index % 5]?.hops ?? 0) + 1}`);
    }
    const each = [1, 2, 3, 4, 5].map((id) => toysOf(id));
    expect(await Promise.all(lookups)).toEqual([...each, ...each, ...each]);
  });

  test('requests with the same rights and arguments, also from afar', async (t) => {
    const { ask, calls } = await open(t);
    const lookups = [1, 2, 3].map((id) => ask(`r${id}`, [id], { hops: 2, args: { color: 'red' } }));
    await calls[0]?.answer();
    expect(idsOf(calls)).toEqual([[1], [2, 3]]);
    await calls[1]?.answer();
    expect(await Promise.all(lookups)).toEqual([toysOf(1), toysOf(2), toysOf(3)]);
  });

  test('also what runs outside of any request', async (t) => {
    const { ask, calls, lines } = await open(t);
    const lookups = [undefined, undefined, 'a', undefined].map((request, index) => ask(request, [index + 1]));
    await calls[0]?.answer();
    await calls[1]?.answer();
    expect(await Promise.all(lookups)).toEqual([toysOf(1), toysOf(2), toysOf(3), toysOf(4)]);
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4]]);
    const [shared] = linesOf(lines, 'shared call');
    expect(shared?.reqIds).toContain('a');
    expect((await calls[1]?.arrival)?.['x-request-id']).toBe(shared?.reqId);
  });
});

describe('the log', () => {
  test('has one line for a call that requests share, with its id and theirs, each once', async (t) => {
    const { ask, calls, lines } = await open(t);
    const lookups = [ask('a', [1]), ask('b', [1, 2]), ask('c', [3]), ask('b', [2, 4]), ask('d', [5])];
    await answerAll(calls);
    await Promise.all(lookups);
    expect(idsOf(calls)).toEqual([[1], [1, 2, 3, 4], [5]]);
    const ids = await Promise.all(calls.map(async ({ arrival }) => (await arrival)['x-request-id']));
    expect(ids).toEqual(['a', expect.stringMatching(/^[\w-]{36}$/), 'd']);
    const { level, time, ...line } = lines[0] as LogEntry;
    expect(line).toEqual({
      service: 'user',
      reqId: ids[1],
      reqIds: ['b', 'c'],
      peer: 'toy',
      operation: 'GET /toy/toys/',
      ids: 4,
      msg: 'shared call',
    });
    expect(lines).toHaveLength(1);
  });

  test('has none for the call of one request, however many lookups that makes at once', async (t) => {
    const { ask, calls, lines } = await open(t);
    const lookups = [ask('a', [1]), ask('a', [2]), ask('a', [3]), ask('a', [4, 5, 6])];
    await answerAll(calls);
    await Promise.all(lookups);
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4, 5], [6]]);
    for (const { arrival } of calls) expect((await arrival)['x-request-id']).toBe('a');
    expect(lines).toEqual([]);
  });

  test('has what a request says after its lookup under its own id, whoever it shared with and however it ended', async (t) => {
    const { ask, calls, lines, pass } = await open(t);
    const say = { onEnd: () => getLogger().info('ended') };
    for (const answer of [answerWell, faults[0]?.[1]]) {
      calls.length = 0;
      lines.length = 0;
      const lookups = ['a', 'b', 'c', 'd'].map((request, index) => ask(request, [index + 1], say));
      lookups.push(ask('late', [2], { ...say, deadline: 10 }));
      await pass(10);
      await answerAll(calls, answer);
      await Promise.all(lookups);
      expect(reqIdsOf(linesOf(lines, 'ended'))).toEqual(['a', 'b', 'c', 'd', 'late']);
      for (const line of lines) expect(line.service).toBe('user');
    }
  });

  test('follows every request through the whole product', async (t) => {
    const { send, logs } = await createExampleApp(t, { config: { calls: { deadline: 10_000 } } });
    await send('POST', '/user/users/', { name: 'Alice' });
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await send('POST', '/user/users/1/pets/1');
    const access = (service: string) => linesOf(logs, 'request').filter((line) => line.service === service);
    await until(() => expect([access('user').length, access('pet').length]).toEqual([2, 2]));
    logs.length = 0;
    const requests = Array.from({ length: 100 }, (_, index) => `r${index}`);
    await Promise.all(requests.map((id) => send('GET', '/user/users/1', undefined, { 'x-request-id': id })));
    const shared = linesOf(logs, 'shared call');
    await until(() => {
      expect(reqIdsOf(access('user'))).toEqual(requests.toSorted());
      const alone = access('pet').length - shared.length;
      expect(shared.flatMap(({ reqIds }) => reqIds).length + alone).toBe(100);
    });
    // Each of them is behind one call: its own, or one that has a line with its id.
    const own = reqIdsOf(access('pet')).filter((id) => requests.includes(id as string));
    const sharing = shared.flatMap(({ reqIds }) => reqIds as string[]);
    expect([...own, ...sharing].toSorted()).toEqual(requests.toSorted());
    const ids = reqIdsOf(shared);
    expect([...own, ...ids].toSorted()).toEqual(reqIdsOf(access('pet')));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { service } of shared) expect(service).toBe('user');
    expect(shared.length).toBeGreaterThan(0);
    expect(access('pet').length).toBeLessThan(100);
  });
});

describe('nothing is left behind', () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

  test('no timer, however a lookup ended', async (t) => {
    const { ask, calls } = await openLive(t, { deadline: 60_000 });
    const before = timers();
    for (const answer of [answerWell, faults[3]?.[1]]) {
      const lookups = [
        ask('a', [1]),
        ask('b', [2]),
        ask('c', [2], { deadline: 5 }),
        ask('d', [3, 4, 5, 6, 7]),
      ];
      expect(timers()).toBeGreaterThan(before);
      await lookups[2];
      await answerAll(calls, answer);
      await Promise.all(lookups);
      // One that was there before may have ended by itself.
      expect(timers()).toBeLessThanOrEqual(before);
      calls.length = 0;
    }
  });

  test('no arguments, answers or callers of lookups that have ended', async (t) => {
    const { ask, calls } = await openLive(t);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const ghosts: WeakRef<object>[] = [];
    async function askAll(count: number): Promise<void> {
      const args = { color: `color ${count}` };
      ghosts.push(new WeakRef(args));
      const lookups = [[1], [1, 2], [1, 2, 3, 4, 5]].map((ids) => ask('a', ids, { args }));
      const answer = count % 2 === 0 ? answerWell : faults[0]?.[1];
      await answerAll(calls, answer);
      await Promise.all(lookups);
      calls.length = 0;
    }
    for (let count = 0; count < 50; count += 1) await askAll(count);
    // A connection may still know its last call.
    const last = ask('a', [1]);
    await calls[0]?.answer();
    await last;
    const check = () => {
      collect();
      expect(ghosts.filter((ghost) => ghost.deref() !== undefined)).toEqual([]);
    };
    await until(check);
  });
});
