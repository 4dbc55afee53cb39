import { setImmediate as turn } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { openTurns } from '../../../../src/framework/http/overload/event-loop-turns.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../../support/app.ts';
import { countConnections, openConnectedSocket } from '../../../support/sockets.ts';

test('does deferred work in order, and shares the time between requests and responses', async () => {
  const turns = openTurns(0);
  const done: string[] = [];
  const work = (name: string) => () => {
    spin(1);
    done.push(name);
  };
  for (const name of ['a', 'b', 'c']) turns.defer('requests', work(name));
  turns.defer('responses', work('2'));
  turns.defer('responses', work('1'), true);
  expect([turns.count('requests'), turns.count('responses')]).toEqual([3, 2]);
  expect(done).toEqual([]);
  await turn();
  expect(done).toHaveLength(1);
  // New work waits behind work that is already deferred.
  expect(turns.isOver()).toBe(true);
  await expect.poll(() => done).toHaveLength(5);
  expect(done.slice(0, 2)).toEqual(['a', '1']);
  expect(done.filter((name) => name > '9')).toEqual(['a', 'b', 'c']);
  expect(done.filter((name) => name < '9')).toEqual(['1', '2']);
});

test('a turn is over when its budget is used up; the next turn has a new budget', async () => {
  const turns = openTurns(20);
  expect(turns.isOver()).toBe(false);
  const end = performance.now() + 25;
  while (performance.now() < end);
  expect(turns.isOver()).toBe(true);
  await turn();
  await turn();
  expect(turns.isOver()).toBe(false);
});

/** Keeps the event loop busy. */
function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('a health check does not wait for all heavy requests that arrived before it', async (t) => {
  let done = 0;
  const heavy = defineService({
    name: 'heavy',
    description: 'Is slow.',
    routes(scope) {
      scope.get('/spin', { schema: { hide: true } }, async () => {
        spin(25);
        done += 1;
        return { ok: true };
      });
    },
  });
  const built = await createTestApp(t, { services: [heavy] });
  const { url } = built;
  const clients = await Promise.all(Array.from({ length: 40 }, () => openConnectedSocket(t, url)));
  const probe = await openConnectedSocket(t, url);
  // The server accepts one connection per turn, and finds the input of all of them in one poll.
  await expect.poll(() => countConnections(built)).toBe(41);
  for (const client of clients) client.write('GET /heavy/spin HTTP/1.1\r\nhost: localhost\r\n\r\n');
  probe.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await expect.poll(() => probe.text(), { interval: 1 }).toContain('200 OK');
  expect(done).toBeLessThan(20);
  await expect.poll(() => clients.filter((client) => client.text().includes('200 OK')).length).toBe(40);
});

test('the event loop does other work between large responses', async (t) => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let turns = 0;
  let isOver = false;
  const seen = new Map<string, Set<number>>();
  const items = Array.from({ length: 100 }, (_, id) => ({ id }));
  const heavy = defineService({
    name: 'heavy',
    description: 'Has large responses.',
    routes(scope) {
      const params = Type.Object({ size: Type.Integer({ minimum: 0, maximum: 100 }) });
      scope.get('/items/:size', { schema: { hide: true, params } }, async ({ params: { size } }, reply) => {
        await released;
        const kind = size > 32 ? 'large' : 'small';
        reply.serializer(() => {
          spin(kind === 'large' ? 25 : 0);
          seen.set(kind, (seen.get(kind) ?? new Set()).add(turns));
          return '[]';
        });
        return items.slice(0, size);
      });
    },
  });
  const { app, url } = await createTestApp(t, { services: [heavy] });
  const get = async (size: number) => (await fetch(`${url}/heavy/items/${size}`)).status;
  const large = Array.from({ length: 20 }, () => get(100));
  const small = Array.from({ length: 5 }, () => get(3));
  await expect.poll(() => app.server.inFlight.length).toBe(25);
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  count();
  release();
  const statuses = await Promise.all([...large, ...small]);
  isOver = true;
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(seen.get('large')?.size).toBeGreaterThanOrEqual(10);
  // Small responses do not wait behind large ones.
  expect(seen.get('small')?.size).toBe(1);
});
