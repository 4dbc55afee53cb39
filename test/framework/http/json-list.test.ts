import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import Fastify from 'fastify';
import { expect, type TestContext, test } from 'vitest';
import { sendProblem } from '../../../src/framework/errors/error-handler.ts';
import { openJsonList } from '../../../src/framework/http/json-list.ts';
import { until } from '../../support/until.ts';

const item = (id: number, size = 10) => ({ id, text: 'é'.repeat(size), hidden: true });

type Item = ReturnType<typeof item>;

/** Starts a server whose list has these slices; `work` runs before the list is sent, `read` before each further slice. */
async function startServer(
  t: TestContext,
  slices: Item[][],
  maxHeldBytes?: number,
  work: () => unknown = () => {},
  read: () => unknown = () => {},
): Promise<string> {
  // Without this, a connection that `fetch` keeps open would delay the close by 72 s.
  const server = Fastify({ forceCloseConnections: true });
  server.setErrorHandler(sendProblem);
  const schema = Type.Object({ id: Type.Integer(), text: Type.String() });
  server.get('/', { schema: { response: { 200: Type.Array(schema) } } }, async (_request, reply) => {
    const list = openJsonList<Item>(reply, maxHeldBytes);
    for (const [index, slice] of slices.entries()) {
      if (index > 0) await read();
      list.add(slice);
    }
    await work();
    return list.send();
  });
  t.onTestFinished(() => server.close());
  return server.listen({ host: '127.0.0.1', port: 0 });
}

const visible = (slices: Item[][]) => slices.flat().map(({ hidden, ...rest }) => rest);

test.for([
  ['no slice', []],
  ['an empty slice', [[]]],
  ['one slice', [[item(1), item(2)]]],
  ['several slices', [[item(1), item(2)], [item(3)], [item(4), item(5)]]],
  ['empty slices between others', [[], [item(1)], [], [item(2)], []]],
] as [string, Item[][]][])('a list of %s is one array that matches the schema', async ([, slices], t) => {
  const url = await startServer(t, slices);
  const response = await fetch(url);
  const text = await response.text();
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
  expect(JSON.parse(text)).toEqual(visible(slices));
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('other requests are served while a large list is being sent', async (t) => {
  const slices = Array.from({ length: 40 }, (_, id) => [item(id, 100_000)]);
  const url = await startServer(t, slices);
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  const response = await fetch(url);
  count();
  expect(await response.json()).toEqual(visible(slices));
  isOver = true;
  expect(turns).toBeGreaterThan(20);
});

test('a list is 503 while all lists are too large together, until they are sent or their clients disconnect', async (t) => {
  const slices = [[item(1, 200_000)], [item(2, 200_000)], [item(3, 200_000)]];
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  const url = await startServer(t, slices, 1_600_000, () => {
    waiting += 1;
    return promise;
  });
  const first = fetch(url);
  await until(() => expect(waiting).toBe(1));
  const second = await fetch(url);
  expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
  resolve();
  expect(await (await first).json()).toEqual(visible(slices));
  // A client that disconnects before it has its list releases the bytes too.
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  await until(async () => {
    const response = await fetch(url);
    await response.text();
    expect(response.status).toBe(200);
  });
});

test('the rest of a list whose client has disconnected is not held', async (t) => {
  const slices = [[item(1, 400_000)], [item(2, 400_000)]];
  const gate = { wait: (): unknown => undefined };
  const url = await startServer(t, slices, 2_000_000, undefined, () => gate.wait());
  const { hostname, port } = new URL(url);
  for (let aborted = 0; aborted < 3; aborted += 1) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    gate.wait = () => {
      begun.resolve();
      return promise;
    };
    const socket = connect(Number(port), hostname);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await begun.promise;
    socket.destroy();
    await once(socket, 'close');
    await sleep(50);
    resolve();
    await sleep(10);
  }
  gate.wait = () => undefined;
  expect((await fetch(url)).status).toBe(200);
});

test('a HEAD request releases the bytes of its list once', async (t) => {
  const slices = [[item(1, 200_000)], [item(2, 200_000)], [item(3, 200_000)]];
  const gate = { wait: (): unknown => undefined };
  let waiting = 0;
  const url = await startServer(t, slices, 1_600_000, () => gate.wait());
  for (let count = 0; count < 5; count += 1) await fetch(url, { method: 'HEAD' });
  await sleep(100);
  const { promise, resolve } = Promise.withResolvers<void>();
  gate.wait = () => {
    waiting += 1;
    return promise;
  };
  const first = fetch(url);
  await until(() => expect(waiting).toBe(1));
  expect((await fetch(url)).status).toBe(503);
  resolve();
  await (await first).text();
});
