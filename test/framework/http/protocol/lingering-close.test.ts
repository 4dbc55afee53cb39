import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, type TestContext, test, vi } from 'vitest';
import { internalLimits } from '../../../../src/framework/config/limits.ts';
import { createExampleAppAt, isAccess, places } from '../../../support/example-app-at.ts';
import { startListening } from '../../../support/listening.ts';
import { countConnections, openSocket, readResponses } from '../../../support/sockets.ts';
import { until } from '../../../support/until.ts';

// More than the kernel buffers for a connection whose two sides do not read.
const size = 24_000_000;
const length = `content-length: ${size}\r\n\r\n`;
const post = 'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

test('Node closes a connection after its last response by socket.destroySoon', async (t) => {
  const called = vi.fn();
  const server = createServer((request, response) => {
    const { socket } = request;
    const destroySoon = socket.destroySoon.bind(socket);
    socket.destroySoon = () => {
      called();
      destroySoon();
    };
    response.setHeader('connection', 'close').end('ok');
  });
  const { port } = await startListening(t, server);
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  client.resume();
  await once(client, 'close');
  expect(
    called,
    'this Node closes connections in a different way: see lingering-close.ts',
  ).toHaveBeenCalledTimes(1);
});

beforeEach(() => void Object.assign(internalLimits, { lingerMs: 1_000 }));

/** Opens a connection that keeps its side open, and does not read until `resume`. */
function openPaused(t: TestContext, url: string): Socket {
  const port = Number(new URL(url).port);
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).pause();
  t.onTestFinished(() => void socket.destroy());
  return socket.on('error', () => {});
}

/** Resolves when the kernel has accepted all bytes; rejects if the server closes the connection before that. */
function writeAll(socket: Socket, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

describe('a client that reads only after it has sent its complete request gets the early response:', () => {
  const heads = {
    'a body that is too large': [`${post}${length}`, 413],
    'chunks that are too large': [`${post}transfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n`, 413],
    'a body after two hosts': [`POST / HTTP/1.1\r\nhost: x\r\nhost: y\r\n${length}`, 400],
    'a body for an unknown route, with connection: close': [
      `PUT /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${length}`,
      404,
    ],
    'headers that are too large': ['GET / HTTP/1.1\r\nhost: localhost\r\nx: ', 431],
  } as const;

  test.for(places)('pets %s', async (place, t) => {
    Object.assign(internalLimits, { lingerMs: 20_000 });
    const built = await createExampleAppAt(t, place);
    for (const [name, [head, status]] of Object.entries(heads)) {
      const socket = openPaused(t, built.url);
      for (const part of [head, ...Array<Buffer>(4).fill(Buffer.alloc(size / 4, 'x'))]) {
        await writeAll(socket, part).catch((cause) => {
          throw new Error(name, { cause });
        });
        // The response arrives in this time.
        await sleep(30);
      }
      let text = '';
      socket.setEncoding('latin1').on('data', (data) => {
        text += data;
      });
      if (name.startsWith('chunks')) socket.write('\r\n0\r\n\r\n');
      await once(socket.resume(), 'end');
      const statuses = readResponses(text).map((response) => response.status);
      expect(statuses, name).toEqual([status]);
      // The server cannot see where endless headers end, so the client closes its side.
      if (status === 431) socket.end();
      await until(async () => expect(await countConnections(built), name).toBe(0));
    }
  });
});

test.for([
  ['never ends its body', ''],
  ['sends an endless body', 'x'.repeat(1_000)],
] as const)('the server closes the connection of a client that %s', async ([, more], t) => {
  const built = await createExampleAppAt(t, 'in the same app');
  const socket = openPaused(t, built.url);
  socket.write(`${post}${length}`);
  const sending = setInterval(() => socket.write(more), 20);
  t.onTestFinished(() => clearInterval(sending));
  await once(socket.resume(), 'end');
  expect(await countConnections(built)).toBe(1);
  await until(async () => expect(await countConnections(built)).toBe(0));
});

test('input after the last response is discarded', async (t) => {
  const { url, send, logs } = await createExampleAppAt(t, 'in the same app');
  const wire = openSocket(t, url);
  const body = '{"name":"Rex","species":"dog"}';
  wire.write(`${post}${length}`);
  await once(wire.socket, 'data');
  wire.write(`${'x'.repeat(size)}${post}content-length: ${body.length}\r\n\r\n${body}`);
  expect(readResponses(await wire.closed()).map(({ status }) => status)).toEqual([413]);
  expect((await send('GET', '/pet/pets/')).body).toEqual([]);
  expect(logs.filter(isAccess).map(({ status }) => status)).toEqual([413, 200]);
});
