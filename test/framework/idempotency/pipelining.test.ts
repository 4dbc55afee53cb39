import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect, type TestContext, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../support/app.ts';
import { listInFlight, openSocket } from '../../support/sockets.ts';
import { until } from '../../support/until.ts';
import { key, makeNotes } from './helper.ts';

Object.assign(internalLimits, { checkEveryMs: 50 });

/** A service whose `POST /note/slow` waits until the test releases it. */
async function start(t: TestContext, config: Record<string, unknown> = {}) {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  t.onTestFinished(() => release());
  const runs: string[] = [];
  const built = await createTestApp(t, { services: [makeNotes({ wait: () => promise, runs })], config });
  const post = (path: string, name: string) =>
    `POST /note/${path} HTTP/1.1\r\nhost: localhost\r\nidempotency-key: ${name}\r\ncontent-length: 0\r\n\r\n`;
  const wire = openSocket(t, built.url);
  wire.write(post('slow', 'first') + post('plain', 'second'));
  await until(() => expect(listInFlight(built.app.server)).toHaveLength(2));
  await until(() => expect(runs).toEqual(['/note/slow']));
  return { ...built, ...wire, runs, release };
}

test.for(['resetAndDestroy', 'destroy'] as const)(
  'when a connection closes (%s), the key of its waiting request is free; the key of its running request stays in use',
  async (close, t) => {
    const { socket, send, app, runs, release } = await start(t);
    socket[close]();
    await until(() => expect(listInFlight(app.server)).toEqual([]));
    expect((await send('POST', '/note/plain', '', key('second'))).status).toBe(200);
    expect((await send('POST', '/note/slow', '', key('first'))).status).toBe(409);
    release();
    await until(async () => {
      expect((await send('POST', '/note/slow', '', key('first'))).headers.get('idempotent-replayed')).toBe(
        'true',
      );
    });
    expect(runs).toEqual(['/note/slow', '/note/plain']);
  },
);

test('the key of a request that times out behind another one is free after its 504', async (t) => {
  const { send, closed, socket, runs } = await start(t, { limits: { time: { handler: 200 } } });
  await until(() => expect(socket.bytesRead).toBeGreaterThan(0));
  await until(async () => {
    expect((await send('POST', '/note/plain', '', key('second'))).status).toBe(200);
  });
  expect(runs).toEqual(['/note/slow', '/note/plain']);
  socket.end();
  expect((await closed()).match(/HTTP\/1.1 504/g)).toHaveLength(2);
});

test('a handler does not start after its client disconnected', async (t) => {
  const held = Promise.withResolvers<void>();
  let started = 0;
  const guarded = defineService({
    name: 'guarded',
    description: 'Waits before its handler starts',
    migrations: new URL('../../fixtures/note/migrations/', import.meta.url),
    routes(scope) {
      scope.addHook('preHandler', async ({ headers }) => headers['x-wait'] && held.promise);
      scope.post('/', { schema: { hide: true } }, async () => {
        started += 1;
        return {};
      });
    },
  });
  const { url, send, app } = await createTestApp(t, { services: [guarded] });
  const { socket, write } = openSocket(t, url);
  write(
    'POST /guarded HTTP/1.1\r\nhost: localhost\r\nidempotency-key: a\r\nx-wait: 1\r\ncontent-length: 0\r\n\r\n',
  );
  await until(() => expect(listInFlight(app.server)).toHaveLength(1));
  socket.resetAndDestroy();
  await until(() => expect(listInFlight(app.server)).toEqual([]));
  expect((await send('POST', '/guarded', '', key('a'))).status).toBe(200);
  held.resolve();
  await setImmediate();
  expect(started).toBe(1);
});

test('untilIdle resolves for each of two concurrent callers', async (t) => {
  const { app, release, socket } = await start(t);
  const waits = [app.server.untilIdle(), app.server.untilIdle()];
  release();
  socket.end();
  await once(socket, 'close');
  await Promise.all(waits);
});
