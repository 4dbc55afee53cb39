import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, type TestContext, test, vi } from 'vitest';
import { openTransport, type TransportLimits } from '../../../src/framework/calls/transport.ts';
import { startListening } from '../../support/listening.ts';
import { listenAndStop } from '../../support/stopped.ts';
import { until } from '../../support/until.ts';

interface Arrival {
  readonly path: string;
  readonly isOpen: boolean;
  respond(): void;
}

/** Opens a server that responds when the test calls `respond`, and a transport to it. */
async function open(t: TestContext, limits: TransportLimits) {
  const arrivals: Arrival[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    arrivals.push({
      path: request.url as string,
      get isOpen() {
        return !response.closed;
      },
      respond: () => void response.end('done'),
    });
  });
  const { url: origin } = await startListening(t, server);
  const { send, close } = openTransport(limits);
  t.onTestFinished(close);
  const call = (name: string, timeout = 30_000, request?: { isOver: boolean }) => {
    const url = `${origin}/${name}`;
    return send({ url, method: 'GET', headers: {}, timeout, ...(request && { request }) });
  };
  const pathsOf = () => arrivals.map(({ path }) => path);
  /** Responds to the next `count` requests. */
  async function respondAll(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      await until(() => expect(arrivals.length).toBeGreaterThan(index));
      arrivals[index]?.respond();
    }
  }
  return { call, arrivals, pathsOf, respondAll, server };
}

test('calls beyond the maximum of connections wait for a connection, and all succeed', async (t) => {
  const { call, arrivals, respondAll, server } = await open(t, { connections: 2 });
  const calls = ['a', 'b', 'c', 'd', 'e'].map((name) => call(name));
  await until(() => expect(arrivals).toHaveLength(2));
  for (let turns = 0; turns < 20; turns += 1) await turn();
  expect(arrivals).toHaveLength(2);
  const connections = await new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
  expect(connections).toBe(2);
  await respondAll(5);
  for (const response of await Promise.all(calls))
    expect(response).toMatchObject({ status: 200, content: 'done' });
});

test('a call that times out ends its request', async (t) => {
  const { call, arrivals } = await open(t, {});
  const late = expect(call('late', 300)).rejects.toMatchObject({ name: 'Error' });
  await until(() => expect(arrivals).toHaveLength(1));
  expect(arrivals[0]?.isOpen).toBe(true);
  await late;
  await until(() => expect(arrivals[0]?.isOpen).toBe(false));
});

test('a waiting call is not sent if it times out or its request is over', async (t) => {
  const { call, pathsOf, respondAll } = await open(t, { connections: 1 });
  const request = { isOver: false };
  const first = call('first');
  await until(() => expect(pathsOf()).toEqual(['/first']));
  const late = call('late', 20);
  const over = expect(call('over', 30_000, request)).rejects.toMatchObject({ name: 'RequestEnded' });
  const last = call('last');
  await expect(late).rejects.toThrow();
  request.isOver = true;
  await respondAll(2);
  await Promise.all([first, last, over]);
  expect(pathsOf()).toEqual(['/first', '/last']);
});

test.runIf(process.platform === 'linux')(
  'opening a connection times out after `connect` ms, so that further calls are possible',
  async (t) => {
    const port = await listenAndStop(t);
    const { send, close } = openTransport({ connections: 1, open: 1, connect: 300 });
    t.onTestFinished(close);
    const call = () =>
      send({ url: `http://127.0.0.1:${port}/`, method: 'GET', headers: {}, timeout: 20 }).catch(
        ({ message }: Error) => message,
      );
    expect(await call()).toBe('');
    expect(await call()).toBe('too many calls wait for a connection');
    // The default timeout of undici is 10 s.
    await vi.waitFor(async () => expect(await call()).toBe(''), { timeout: 8_000, interval: 50 });
  },
);

test('calls beyond the maximum fail immediately, and succeed after others have ended', async (t) => {
  const { call, pathsOf, respondAll } = await open(t, { connections: 1, open: 2 });
  const first = call('first');
  await until(() => expect(pathsOf()).toEqual(['/first']));
  // A timed-out call counts until a connection is free.
  await expect(call('late', 20)).rejects.toThrow();
  await expect(call('more')).rejects.toThrow('too many calls wait for a connection');
  await respondAll(1);
  await first;
  const next = [call('next'), call('last')];
  await respondAll(3);
  await Promise.all(next);
  expect(pathsOf()).toEqual(['/first', '/next', '/last']);
});
