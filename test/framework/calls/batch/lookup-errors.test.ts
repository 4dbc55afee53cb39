import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { lookupByIds } from '../../../../src/framework/calls/batch/lookup.ts';
import type { Operation } from '../../../../src/framework/calls/operation.ts';
import type { CallInit } from '../../../../src/framework/calls/peers.ts';
import { createExampleApp } from '../../../support/app.ts';
import { faults, passTurns, respondWell } from './helper.ts';
import { entriesOf, idsOf, open, toysOf } from './lookup-helpers.ts';

describe('consistency', () => {
  test('a lookup sees an acknowledged write, also while an earlier call is in flight', async (t) => {
    const { lookUp, calls, versions } = await open(t);
    const before = lookUp('a', [1]);
    versions.set(1, 2);
    const after = [lookUp('b', [1]), lookUp('c', [1, 2])];
    await calls[0]?.respond();
    versions.set(1, 3);
    const later = lookUp('d', [1]);
    await calls[1]?.respond();
    await calls[2]?.respond();
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
    /** The last acknowledged treat of each pet. */
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
    expect(entriesOf(logs, 'shared call').length).toBeGreaterThan(50);
  });
});

describe('errors', () => {
  test.for(faults)(
    'an error affects only the lookups of its call: the peer %s',
    async ([, respond, status = 503], t) => {
      const { lookUp, calls, entries } = await open(t);
      const first = lookUp('a', [1]);
      const sharing = [lookUp('b', [1, 2]), lookUp('c', [2, 3])];
      await calls[0]?.respond();
      const waiting = lookUp('d', [2]);
      await calls[1]?.respond(respond);
      expect(await Promise.all(sharing)).toEqual([status, status]);
      await calls[2]?.respond();
      expect(await Promise.all([first, waiting])).toEqual([toysOf(1), toysOf(2)]);
      const next = lookUp('b', [1, 2]);
      await calls[3]?.respond();
      expect(await next).toEqual(toysOf(1, 2));
      const failed = [{ reqId: entriesOf(entries, 'shared call')[0]?.reqId, service: 'user' }];
      expect(entriesOf(entries, 'call failed')).toMatchObject(failed);
    },
  );

  test('a lookup of several calls fails if any call fails, and lookups of the other calls succeed', async (t) => {
    const { lookUp, calls } = await open(t);
    const fail = faults[0]?.[1];
    for (const broken of [1, 2]) {
      calls.length = 0;
      const lookups = [
        lookUp('a', [9]),
        lookUp('b', [1, 2, 3]),
        lookUp('c', [3, 4, 5]),
        lookUp('d', [5, 6, 7]),
      ];
      await turn();
      await calls[0]?.respond();
      await calls[1]?.respond(broken === 1 ? fail : respondWell);
      await calls[2]?.respond(broken === 2 ? fail : respondWell);
      expect(idsOf(calls)).toEqual([[9], [1, 2, 3, 4], [5, 6, 7]]);
      const ofFirst = broken === 1 ? 503 : toysOf(1, 2, 3);
      const ofSecond = broken === 2 ? 503 : toysOf(5, 6, 7);
      expect(await Promise.all(lookups)).toEqual([toysOf(9), ofFirst, 503, ofSecond]);
    }
  });

  test('an exception of the operation rejects its lookup, and the next lookup succeeds', async (t) => {
    const { list, calls } = await open(t);
    let isBroken = true;
    const options = { parameter: 'ids', key: 'id', as: 'service' } as const;
    const breaking = (init?: CallInit) => {
      if (isBroken) throw new Error('a defect');
      return list(init);
    };
    const lookUp = lookupByIds(Object.assign(breaking, list), options);
    for (const ids of [[1], [1, 2, 3, 4, 5, 6]]) await expect(lookUp(ids)).rejects.toThrow('a defect');
    expect(calls).toHaveLength(0);
    isBroken = false;
    await passTurns();
    const next = lookUp([1]);
    await calls[0]?.respond();
    expect((await next).get(1)).toEqual({ id: 1, version: 1 });

    const undeclared = { ...list, contract: undefined } as unknown as Operation;
    const early = lookupByIds(undeclared, options);
    await expect(early([1])).rejects.toThrow();
    expect(await early([])).toEqual(new Map());
  });

  test('closed connections reject all pending lookups, also those without a call', async (t) => {
    const { lookUp, calls, close } = await open(t);
    const lookups = [lookUp('a', [1]), lookUp('b', [2, 3]), lookUp('c', [3, 4])];
    await calls[0]?.arrival;
    await close();
    expect(await Promise.all(lookups)).toEqual([503, 503, 503]);
    expect(await lookUp('d', [1])).toBe(503);
  });
});
