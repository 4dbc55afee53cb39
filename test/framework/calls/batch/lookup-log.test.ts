import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { getLogger } from '../../../../src/framework/logging/logger.ts';
import { createExampleApp, type LogEntry } from '../../../support/app.ts';
import { answerWell, faults } from './helper.ts';
import { answerAll, idsOf, linesOf, open, openLive, reqIdsOf, until } from './lookup-helpers.ts';

describe('the log', () => {
  test('has an entry for each shared call, with its id and the ids of its requests', async (t) => {
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

  test('has no entry for a call of a single request', async (t) => {
    const { ask, calls, lines } = await open(t);
    const lookups = [ask('a', [1]), ask('a', [2]), ask('a', [3]), ask('a', [4, 5, 6])];
    await answerAll(calls);
    await Promise.all(lookups);
    expect(idsOf(calls)).toEqual([[1], [2, 3, 4, 5], [6]]);
    for (const { arrival } of calls) expect((await arrival)['x-request-id']).toBe('a');
    expect(lines).toEqual([]);
  });

  test('has later entries of a request under its own id, after a success or an error', async (t) => {
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

describe('cleanup', () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

  test('a lookup leaves no timer, after a success, an error or a timeout', async (t) => {
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

  test('an ended lookup keeps no arguments, responses or callers in memory', async (t) => {
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
