import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { openPeer } from '../../../src/framework/calls/client.ts';
import { isTemporary } from '../../../src/framework/events/handler.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { contract } from '../../support/app.ts';

type Respond = (response: ServerResponse) => void;
const json = { 'content-type': 'application/json' };
const withStatus =
  (status: number, body = '{}'): Respond =>
  (response) =>
    response.writeHead(status, json).end(body);

/** Returns a write and a read of a pet service whose server has received the request before it does `respond`. */
async function start(t: TestContext, respond: Respond) {
  const server = createServer((request, response) => {
    request.resume().on('end', () => respond(response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const document = contract as unknown as OpenApiDocument;
  const peer = openPeer('pet', { origin: () => origin, contract: document, deadline: 1_000 });
  t.onTestFinished(async () => {
    await peer.close();
    server.closeAllConnections();
    server.close();
  });
  const create = peer.createOperation('post', '/pet/pets/');
  const list = peer.createOperation('get', '/pet/pets/');
  return {
    server,
    write: () => create({ body: { name: 'Rex', species: 'dog' } }).catch((error) => error),
    read: () => list({}).catch((error) => error),
  };
}

test.for<[string, Respond]>([
  ['whose connection breaks', (response) => void response.socket?.resetAndDestroy()],
  [
    'whose response is cut',
    (response) =>
      response.writeHead(200, { ...json, 'content-length': 10 }).end('{', () => response.destroy()),
  ],
  ['whose response is not JSON', withStatus(200, '{')],
  ['whose success does not match the contract', withStatus(200)],
  ['whose peer responds with 303', withStatus(303)],
  ['whose peer responds with 500', withStatus(500)],
  ['whose peer responds with 504', withStatus(504)],
])('a write %s is 504, because its outcome is unknown; a read is 503', async ([, respond], t) => {
  const { write, read } = await start(t, respond);
  expect(await write()).toMatchObject({
    status: 504,
    message: expect.stringContaining('outcome is unknown'),
  });
  expect(await read()).toMatchObject({ status: 503 });
});

test.for([404, 409, 422, 503, 507])(
  'a write whose peer responds with %i has changed nothing: 503',
  async (status, t) => {
    const { write } = await start(t, withStatus(status));
    expect(await write()).toMatchObject({ status: 503 });
  },
);

test('a write with a malformed 404 has changed nothing: 503', async (t) => {
  const { write } = await start(t, withStatus(404, '<h1>Not found</h1>'));
  expect(await write()).toMatchObject({ status: 503 });
});

test('a write that no peer accepts has changed nothing: 503', async (t) => {
  const { server, write } = await start(t, withStatus(200));
  server.close();
  await once(server, 'close');
  expect(await write()).toMatchObject({ status: 503 });
});

test('a handler of an event tries again without a limit only if another response may come', async (t) => {
  const broken = await start(t, (response) => void response.socket?.resetAndDestroy());
  expect(isTemporary(await broken.write())).toBe(true);
  const other = await start(t, withStatus(200));
  expect(isTemporary(await other.write())).toBe(false);
});
