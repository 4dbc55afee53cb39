import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { lookupByIds } from '../../../../src/framework/calls/batch/lookup.ts';
import type { Operation } from '../../../../src/framework/calls/operation.ts';
import { createExampleApp } from '../../../support/app.ts';
import { answerWell, faults, type Toy, turns } from './helper.ts';
import { idsOf, linesOf, open, toysOf } from './lookup-helpers.ts';

describe('consistency', () => {
  test('a lookup sees an acknowledged write, also while an earlier call is in flight', async (t) => {
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

  test('a read sees an earlier treat while many readers read the same user', async (t) => {
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
    'an error affects only the lookups of its call: the peer %s',
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

  test('a lookup of several calls fails if any call fails, and lookups of the other calls succeed', async (t) => {
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

  test('an exception in `ask` rejects its lookup, and the next lookup succeeds', async (t) => {
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

  test('closed connections reject all pending lookups, also those without a call', async (t) => {
    const { ask, calls, close } = await open(t);
    const lookups = [ask('a', [1]), ask('b', [2, 3]), ask('c', [3, 4])];
    await calls[0]?.arrival;
    await close();
    expect(await Promise.all(lookups)).toEqual([503, 503, 503]);
    expect(await ask('d', [1])).toBe(503);
  });
});
