import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { getLogger } from '../../../../src/framework/logging/logger.ts';
import { createExampleApp, type LogEntry } from '../../../support/app.ts';
import { until } from '../../../support/until.ts';
import { faults, respondWell } from './helper.ts';
import { entriesOf, idsOf, open, openLive, reqIdsOf, respondAll } from './lookup-helpers.ts';

describe('the log', () => {
  test('has an entry for each shared call, with its id and the ids of its requests', async (t) => {
    const { lookUp, calls, entries } = await open(t);
    const lookups = [
      lookUp('a', [1]),
      lookUp('b', [1, 2]),
      lookUp('c', [3]),
      lookUp('b', [2, 4]),
      lookUp('d', [5]),
    ];
    await respondAll(calls);
    await Promise.all(lookups);
    expect(idsOf(calls)).toEqual([[1], [1, 2, 3, 4], [5]]);
    const ids = await Promise.all(calls.map(async ({ arrival }) => (await arrival)['x-request-id']));
    expect(ids).toEqual(['a', expect.stringMatching(/^[\w-]{36}$/), 'd']);
    const { level, time, ...fields } = entries[0] as LogEntry;
    expect(fields).toEqual({
      service: 'user',
      reqId: ids[1],
      reqIds: ['b', 'c'],
      peer: 'toy',
      operation: 'GET /toy/toys/',
      ids: 4,
      msg: 'shared call',
    });
    expect(entries).toHaveLength(1);
  });

  test('has no entry for a call of a single request', async (t) => {
    const { lookUp, calls, entries } = await open(t);
    const lookups = [lookUp('a', [1]), lookUp('a', [2]), lookUp('a', [3]), lookUp('a', [4, 5, 6])];
    await respondAll(calls);
    await Promise.all(lookups);
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4, 5], [6]]);
    for (const { arrival } of calls) expect((await arrival)['x-request-id']).toBe('a');
    expect(entries).toEqual([]);
  });

  test('has later entries of a request under its own id, after a success or an error', async (t) => {
    const { lookUp, calls, entries, pass } = await open(t);
    const logEnd = { onEnd: () => getLogger().info('ended') };
    for (const respond of [respondWell, faults[0]?.[1]]) {
      calls.length = 0;
      entries.length = 0;
      const lookups = ['a', 'b', 'c', 'd'].map((request, index) => lookUp(request, [index + 1], logEnd));
      lookups.push(lookUp('late', [2], { ...logEnd, deadline: 10 }));
      await pass(10);
      await respondAll(calls, respond);
      await Promise.all(lookups);
      expect(reqIdsOf(entriesOf(entries, 'ended'))).toEqual(['a', 'b', 'c', 'd', 'late']);
      for (const { service } of entries) expect(service).toBe('user');
    }
  });

  test('assigns every request to a private or a shared call, across services', async (t) => {
    const { send, logs } = await createExampleApp(t, { config: { calls: { deadline: 10_000 } } });
    await send('POST', '/user/users/', { name: 'Alice' });
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await send('POST', '/user/users/1/pets/1');
    const access = (service: string) =>
      entriesOf(logs, 'request').filter((entry) => entry.service === service);
    await until(() => expect([access('user').length, access('pet').length]).toEqual([2, 2]));
    logs.length = 0;
    const requests = Array.from({ length: 100 }, (_, index) => `r${index}`);
    await Promise.all(requests.map((id) => send('GET', '/user/users/1', undefined, { 'x-request-id': id })));
    const shared = entriesOf(logs, 'shared call');
    await until(() => {
      expect(reqIdsOf(access('user'))).toEqual(requests.toSorted());
      const alone = access('pet').length - shared.length;
      expect(shared.flatMap(({ reqIds }) => reqIds).length + alone).toBe(100);
    });
    // Each request has a private call, or is named by the entry of a shared call.
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

describe('cleanup', () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

  test('a lookup leaves no timer, after a success, an error or a timeout', async (t) => {
    const { lookUp, calls } = await openLive(t, { deadline: 60_000 });
    const before = timers();
    for (const respond of [respondWell, faults[3]?.[1]]) {
      const lookups = [
        lookUp('a', [1]),
        lookUp('b', [2]),
        lookUp('c', [2], { deadline: 5 }),
        lookUp('d', [3, 4, 5, 6, 7]),
      ];
      expect(timers()).toBeGreaterThan(before);
      await lookups[2];
      await respondAll(calls, respond);
      await Promise.all(lookups);
      // An earlier timer may have ended meanwhile.
      expect(timers()).toBeLessThanOrEqual(before);
      calls.length = 0;
    }
  });

  test('a lookup that has ended is garbage-collected', async (t) => {
    const { lookUp, calls } = await openLive(t);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const ghosts: WeakRef<object>[] = [];
    async function lookUpAll(count: number): Promise<void> {
      const lookups = [[1], [1, 2], [1, 2, 3, 4, 5]].map((ids) => {
        ghosts.push(new WeakRef(ids));
        return lookUp('a', ids);
      });
      const respond = count % 2 === 0 ? respondWell : faults[0]?.[1];
      await respondAll(calls, respond);
      await Promise.all(lookups);
      calls.length = 0;
    }
    for (let count = 0; count < 50; count += 1) await lookUpAll(count);
    // A connection may still refer to its last call.
    const last = lookUp('a', [1]);
    await calls[0]?.respond();
    await last;
    const check = () => {
      collect();
      expect(ghosts.filter((ghost) => ghost.deref() !== undefined)).toEqual([]);
    };
    await until(check);
  });
});
