import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { createExampleApp } from '../../support/app.ts';
import { createExampleAppAt } from '../../support/example-app-at.ts';
import { forwardTo } from '../../support/rogue.ts';
import { listInFlight, openSocket, readResponses } from '../../support/sockets.ts';
import { listenAndStop } from '../../support/stopped.ts';
import { until } from '../../support/until.ts';

Object.assign(internalLimits, { checkEveryMs: 50 });

const json = { 'content-type': 'application/json' };
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
const post = 'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

test('slow request bodies occupy no connection to a service: other requests get their response first', async (t) => {
  const { url, send, app } = await createExampleAppAt(t, 'in a separate app', {
    config: { limits: { forwards: { connections: 8 }, time: { request: 20_000 } } },
  });
  const slow = Array.from({ length: 40 }, (_, index) => {
    const wire = openSocket(t, url);
    wire.write(`${post}${index % 2 ? 'content-length: 900' : 'transfer-encoding: chunked'}\r\n\r\n`);
    wire.write(index % 2 ? '{"name":' : '8\r\n{"name":\r\n');
    return wire;
  });
  const ends = slow.map(({ socket }) => once(socket, 'data').then(() => 'a slow body ended'));
  await until(() => expect(listInFlight(app.server)).toHaveLength(40));
  for (const [method, path, body] of [
    ['GET', '/pet/pets/', undefined],
    ['POST', '/pet/pets/', { name: 'Rex', species: 'dog' }],
    ['GET', '/pet/health', undefined],
    ['GET', '/pet/ready', undefined],
  ] as const) {
    const { status } = (await Promise.race([send(method, path, body), ...ends])) as { status: number };
    expect([path, status]).toEqual([path, 200]);
  }
});

describe('while all connections to a service are in use', () => {
  /** Starts a service that holds its responses back until the test sends them. */
  async function startHolding(t: Parameters<typeof forwardTo>[0], time: Record<string, number> = {}) {
    const held: ServerResponse[] = [];
    const paths: string[] = [];
    const built = await forwardTo(
      t,
      (request, response) => {
        paths.push(request.url as string);
        if (/^\/pet\/(health|ready|next)/.test(request.url as string)) response.end('{}');
        else if (request.url === '/pet/large') response.end(Buffer.alloc(40_000_000));
        else held.push(response);
      },
      { calls: { deadline: 20_000 }, limits: { forwards: { connections: 2 }, time } },
    );
    const isSent = () => expect(held).toHaveLength(2);
    return { ...built, held, paths, isSent };
  }

  test('further requests wait for a connection', async (t) => {
    const { send, held, paths, isSent } = await startHolding(t);
    const all = Promise.all(['a', 'b', 'c', 'd'].map((name) => send('GET', `/pet/${name}`)));
    await until(isSent);
    for (let count = 0; count < 4; count += 1) {
      await until(() => expect(held).not.toHaveLength(0));
      expect(held.length).toBeLessThanOrEqual(2);
      held.shift()?.writeHead(200, json).end('{}');
    }
    expect((await all).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(paths.filter((path) => path !== '/pet/health')).toEqual(['/pet/a', '/pet/b', '/pet/c', '/pet/d']);
  });

  test('probes of the service get a response', async (t) => {
    const { url, send, isSent } = await startHolding(t);
    for (const name of ['a', 'b', 'c']) openSocket(t, url).write(get(`/pet/${name}`));
    await until(isSent);
    expect((await send('GET', '/pet/health')).status).toBe(200);
    expect((await send('GET', '/pet/ready/')).status).toBe(200);
  });

  test('a request whose client disconnected, or that timed out, is never sent', async (t) => {
    const { url, send, app, paths } = await startHolding(t, { handler: 3_000 });
    // The clients of these two requests read nothing, so the requests keep their connections.
    const large = [openSocket(t, url), openSocket(t, url)];
    for (const { socket, write } of large) {
      socket.pause();
      write(get('/pet/large'));
    }
    await until(() => expect(paths.filter((path) => path === '/pet/large')).toHaveLength(2));
    const gone = openSocket(t, url);
    gone.write(get('/pet/gone').repeat(3));
    await until(() => expect(listInFlight(app.server)).toHaveLength(5));
    gone.socket.resetAndDestroy();
    expect((await send('GET', '/pet/late')).status).toBe(504);
    for (const { socket } of large) socket.destroy();
    expect((await send('GET', '/pet/next')).status).toBe(200);
    expect(paths).not.toContain('/pet/gone');
    expect(paths).not.toContain('/pet/late');
  });
});

test('polls of a feed end with 504 if the service hangs, also those that wait for a connection', async (t) => {
  Object.assign(internalLimits, { pollMs: 300 });
  const { send } = await forwardTo(t, () => {}, {
    calls: { deadline: 20_000 },
    limits: { forwards: { connections: 1 }, time: { handler: 300 } },
  });
  const polls = await Promise.all([1, 2, 3].map(() => send('GET', '/pet/events')));
  expect(polls.map(({ status }) => status)).toEqual([504, 504, 504]);
});

test('the log entry of a failed request has its id, also if the request waited for a connection', async (t) => {
  const { send, logs } = await forwardTo(t, (request) => void request.socket.destroy(), {
    limits: { forwards: { connections: 1 } },
  });
  const failed = await Promise.all([1, 2, 3].map((pet) => send('DELETE', `/pet/pets/${pet}`)));
  const logged = logs.filter(({ msg }) => msg === 'request could not be served');
  expect(logged.map(({ reqId }) => reqId).sort()).toEqual(
    failed.map(({ headers }) => headers.get('x-request-id')).sort(),
  );
});

test('a response after the timeout of its request is dropped, also with pipelined requests', async (t) => {
  const held: ServerResponse[] = [];
  const { url, send } = await forwardTo(
    t,
    (_request, response) => void held.push(response.writeHead(200, json)),
    { calls: { deadline: 20_000 }, limits: { time: { handler: 300 } } },
  );
  const { socket, write, closed, text } = openSocket(t, url);
  write(get('/pet/a') + get('/pet/b'));
  await until(() => expect(held).toHaveLength(2));
  await until(() => expect(text().match(/HTTP\/1\.1 504/g)).toHaveLength(2));
  for (const response of held) response.end('{"late":true}');
  socket.end();
  expect(readResponses(await closed()).map(({ status }) => status)).toEqual([504, 504]);
  expect((await send('GET', '/health')).status).toBe(200);
});

test('a request of a client that disconnects is cancelled at the service', async (t) => {
  const { promise: sent, resolve } = Promise.withResolvers<ServerResponse>();
  const { url } = await forwardTo(t, (request, response) => request.url === '/pet/a' && resolve(response), {
    calls: { deadline: 20_000 },
  });
  const { socket, write } = openSocket(t, url);
  write(get('/pet/a'));
  const response = await sent;
  socket.destroy();
  await once(response, 'close');
});

describe('a client that reads slowly', () => {
  // The first size fits into the buffers of the kernel and the gateway. The second does not.
  for (const size of [3_000_000, 24_000_000]) {
    const body = Buffer.alloc(size, 'x');

    test(`gets the complete response of ${size} bytes, however long it takes`, async (t) => {
      const { url } = await forwardTo(t, (_request, response) => response.writeHead(200).end(body), {
        calls: { deadline: 1_500 },
      });
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      t.onTestFinished(() => void socket.destroy());
      socket.write('GET /pet/large HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
      let received = 0;
      socket.on('data', (part) => {
        received += part.length;
      });
      await once(socket, 'data');
      socket.pause();
      // Longer than the timeout of the service, 3 s.
      await sleep(3_500);
      socket.resume();
      await once(socket, 'end');
      expect(received).toBeGreaterThan(size);
    });
  }

  test('is disconnected after limits.time.answer if it never reads to the end, and its connection is closed', async (t) => {
    const { url, logs, connections } = await forwardTo(
      t,
      (_request, response) => response.writeHead(200).end(Buffer.alloc(40_000_000)),
      { limits: { time: { answer: 1_000 } } },
    );
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.onTestFinished(() => void socket.destroy());
    socket.on('error', () => {}).pause();
    socket.write(get('/pet/large'));
    await until(() =>
      expect(logs.find(({ path }) => path === '/pet/large')).toMatchObject({ aborted: true }),
    );
    await until(() => expect(connections.size).toBe(0));
  });

  test('is disconnected if the service stops in the middle of its response', async (t) => {
    const { url } = await forwardTo(
      t,
      (_request, response) =>
        void response.writeHead(200, { 'content-length': 40_000_000 }).write(Buffer.alloc(20_000_000)),
      { calls: { deadline: 2_000 } },
    );
    const { socket, write } = openSocket(t, url);
    write(get('/pet/large'));
    await once(socket, 'close');
  });
});

test.runIf(process.platform === 'linux')('a connection attempt to a service has a timeout', async (t) => {
  const port = await listenAndStop(t);
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port, services: ['pet'] },
  };
  const { send } = await createExampleApp(t, { config: { apps, calls: { deadline: 250 } } });
  const begun = performance.now();
  const { status } = await send('GET', '/pet/pets/1');
  expect(status).toBe(503);
  // Without a separate timeout the request would take limits.time.handler, 15 s.
  expect(performance.now() - begun).toBeLessThan(10_000);
});
