import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Type } from '@sinclair/typebox';
import { expect, type TestContext, test } from 'vitest';
import { internalLimits } from '../../../../src/framework/config/limits.ts';
import { limitPipelines } from '../../../../src/framework/http/protocol/pipelining.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import pet from '../../../../src/services/pet/index.ts';
import { createTestApp } from '../../../support/app.ts';
import { scrape } from '../../../support/prometheus.ts';
import { openConnectedSocket } from '../../../support/sockets.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

/** Starts a server with a route that responds after `open()`; `begun` has the order in which requests began. */
async function start(t: TestContext, limits: object = {}) {
  const begun: number[] = [];
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const held = defineService({
    name: 'held',
    description: 'Responds when the test releases it.',
    routes(scope) {
      const params = Type.Object({ id: Type.Integer() });
      scope.get('/:id', { schema: { hide: true, params } }, async ({ params: { id } }) => {
        begun.push(id);
        await opened;
        return { id };
      });
    },
  });
  const built = await createTestApp(t, { services: [held, pet], config: { limits } });
  const accepted = once(built.app.server.server, 'connection') as Promise<[Socket]>;
  const client = await openConnectedSocket(t, built.url);
  const [socket] = await accepted;
  return { ...built, begun, open, client, socket };
}

const idsIn = (text: string) => [...text.matchAll(/\{"id":(\d+)\}/g)].map(([, id]) => Number(id));
const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('few requests of one connection are in progress, and all get their responses in order', async (t) => {
  const { app, begun, open, client } = await start(t);
  client.write(
    range(300)
      .map((id) => get(`/held/${id}`))
      .join(''),
  );
  await expect.poll(() => begun.length).toBe(internalLimits.pipeline);
  // A response on another connection shows that the server has read all earlier input.
  const other = await openConnectedSocket(
    t,
    `http://127.0.0.1:${(app.server.server.address() as { port: number }).port}`,
  );
  other.write(get('/pet/pets/'));
  await expect.poll(() => other.text()).toContain('200 OK');
  expect(begun).toEqual(range(internalLimits.pipeline));
  expect(app.server.inFlight.length).toBe(internalLimits.pipeline);
  open();
  await expect.poll(() => idsIn(client.text()).length).toBe(300);
  expect(idsIn(client.text())).toEqual(range(300));
  expect(begun).toEqual(range(300));
});

test('the server stops reading a connection while its requests wait', async (t) => {
  const { begun, open, client, socket } = await start(t);
  const count = 20_000;
  const bytes = range(count)
    .map((id) => get(`/held/${id}`))
    .join('');
  client.write(bytes);
  await expect.poll(() => begun.length).toBe(internalLimits.pipeline);
  let before = -1;
  await expect
    .poll(() => {
      const isStill = socket.bytesRead === before;
      before = socket.bytesRead;
      return isStill;
    })
    .toBe(true);
  // Node reads 64 KiB at a time.
  expect(socket.bytesRead).toBeLessThanOrEqual(2 * 65_536);
  expect(bytes.length).toBeGreaterThan(8 * 65_536);
  open();
  await expect.poll(() => socket.bytesRead, { timeout: 30_000 }).toBe(bytes.length);
  await expect.poll(() => idsIn(client.text()).length, { timeout: 30_000 }).toBe(count);
}, 90_000);

test('waiting requests of a disconnected client are dropped', async (t) => {
  const { app, begun, open, client } = await start(t);
  client.write(
    range(1_000)
      .map((id) => get(`/held/${id}`))
      .join(''),
  );
  await expect.poll(() => begun.length).toBe(internalLimits.pipeline);
  client.socket.destroy();
  open();
  // The server sees the disconnect when it sends the responses.
  await expect.poll(() => app.server.inFlight.length).toBe(0);
  expect(begun.length).toBeLessThan(500);
});

test('a body after waiting requests is read when its request begins', async (t) => {
  const { begun, open, client, send } = await start(t);
  client.write(
    range(20)
      .map((id) => get(`/held/${id}`))
      .join(''),
  );
  const body = JSON.stringify({ name: 'Rex', species: 'dog' });
  client.write(
    `POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  await expect.poll(() => begun.length).toBe(internalLimits.pipeline);
  client.write(body + get('/held/21'));
  open();
  await expect.poll(() => client.text()).toContain('"name":"Rex"');
  await expect.poll(() => idsIn(client.text())).toEqual(range(21));
  expect((await send('GET', '/pet/pets/1')).status).toBe(200);
});

test('a malformed request after waiting requests gets its 400 after their responses', async (t) => {
  const { begun, open, client } = await start(t);
  client.write(
    `${range(20)
      .map((id) => get(`/held/${id}`))
      .join('')}NO HTTP\r\n\r\n`,
  );
  await expect.poll(() => begun.length).toBe(internalLimits.pipeline);
  open();
  await expect.poll(() => client.text()).toMatch(/HTTP\/1\.1 400 [\s\S]*This is not HTTP/);
  expect(idsIn(client.text())).toEqual(range(20));
});

test('if too many requests wait, the last response closes the connection, and a metric counts it', async (t) => {
  const { begun, open, client, url } = await start(t, { requests: 30 });
  client.write(
    range(100)
      .map((id) => get(`/held/${id}`))
      .join(''),
  );
  await expect.poll(() => begun.length).toBe(internalLimits.pipeline);
  open();
  await expect.poll(() => client.socket.closed).toBe(true);
  const responded = idsIn(client.text());
  expect(responded).toEqual(range(internalLimits.pipeline + 30));
  expect(begun).toEqual(responded);
  expect(client.text().match(/connection: close/gi)).toHaveLength(1);
  const { sum } = await scrape(url);
  expect(sum('http_connections_closed_total', 'reason').pipeline).toBe(1);
});

test('a server that stops closes a connection after the last of its responses', async (t) => {
  const { app, begun, open, client } = await start(t);
  client.write(
    range(3)
      .map((id) => get(`/held/${id}`))
      .join(''),
  );
  await expect.poll(() => begun.length).toBe(3);
  const drained = app.server.drain('refuse');
  open();
  await expect.poll(() => client.socket.closed).toBe(true);
  const responses = client.text().split(/(?=HTTP\/1\.1 )/);
  expect(responses.map((text) => idsIn(text)[0])).toEqual([1, 2, 3]);
  expect(responses.map((text) => /^connection: close\r$/im.test(text))).toEqual([false, false, true]);
  await drained;
});

test('the bound also holds for later requests of a connection that was idle in between', async (t) => {
  const inProgress: ServerResponse[] = [];
  let received = 0;
  const bounded = limitPipelines({ perConnection: 2, waiting: 100 }, (_request, response) => {
    inProgress.push(response);
  });
  const server = createServer((request, response) => {
    received += 1;
    bounded(request, response, false);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.onTestFinished(() => void server.close());
  const client = await openConnectedSocket(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  for (const count of [5, 10]) {
    client.write(get('/').repeat(5));
    await expect.poll(() => received).toBe(count);
    while (inProgress.length > 0) {
      expect(inProgress.length).toBeLessThanOrEqual(2);
      const response = inProgress.shift() as ServerResponse;
      response.end();
      await once(response, 'close');
    }
    await expect.poll(() => client.text().match(/200 OK/g)?.length).toBe(count);
  }
});

test.for(['POST /pet/pets/1/treat', 'GET /pet/pets/1'])(
  'responses that are complete are not kept while the connection is busy: %s',
  async (line, t) => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const { app, open, begun, client, post } = await start(t);
    await post('/pet/pets/', { name: 'Rex', species: 'dog' });
    const responses: WeakRef<ServerResponse>[] = [];
    app.server.server.on('request', (_request, response) => responses.push(new WeakRef(response)));
    client.write(`${line} HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(200) + get('/held/1'));
    await expect.poll(() => begun.length).toBe(1);
    await expect.poll(() => client.text().match(/200 OK/g)?.length).toBe(200);
    await expect
      .poll(() => {
        collectGarbage();
        return responses.filter((response) => response.deref() !== undefined).length;
      })
      .toBeLessThan(20);
    expect(responses.length).toBe(201);
    open();
    await expect.poll(() => client.text().match(/200 OK/g)?.length).toBe(201);
  },
);
