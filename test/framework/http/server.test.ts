import Fastify from 'fastify';
import { expect, test, vi } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { drain } from '../../../src/framework/http/drain.ts';
import { createExampleApp } from '../../support/app.ts';
import { forwardTo } from '../../support/rogue.ts';
import { openSocket } from '../../support/sockets.ts';
import { until } from '../../support/until.ts';

Object.assign(internalLimits, { checkEveryMs: 50 });

test('a plugin that is registered before one it depends on stops the start', async () => {
  await expect(async () => Fastify().register(drain)).rejects.toThrow(
    "The dependency 'request-lifecycle' of plugin 'drain' is not registered",
  );
});

test('headers have a separate time limit, shorter than that of the request', async (t) => {
  const { url } = await createExampleApp(t, {
    config: { limits: { time: { headers: 200, request: 60_000 } } },
  });
  const { write, closed } = openSocket(t, url);
  write('GET / HTTP/1.1\r\nhost: localhost\r\n');
  expect(await closed(15_000)).toMatch(/^HTTP\/1\.1 408 /);
});

test.for(['/pet/docs/static/nothing.js', '/pet/nowhere', '/nowhere'])(
  'the 404 of %s does not contain the query',
  async (path, t) => {
    const { send } = await createExampleApp(t);
    const { status, body } = await send('GET', `${path}?token=secret`);
    expect([status, JSON.stringify(body).includes('secret')]).toEqual([404, false]);
  },
);

test('/health of a forwarded service responds while other requests are rejected', async (t) => {
  const received = vi.fn();
  const { url, send } = await forwardTo(
    t,
    (request, response) => (request.url === '/pet/health' ? response.end('{}') : received()),
    { calls: { deadline: 20_000 }, limits: { requests: 1 } },
  );
  openSocket(t, url).write('GET /pet/pets/1 HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => expect(received).toHaveBeenCalled());
  expect((await send('GET', '/pet/pets/2')).status).toBe(503);
  expect((await send('GET', '/pet/health')).status).toBe(200);
});
