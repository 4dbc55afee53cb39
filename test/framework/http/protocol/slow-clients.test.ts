import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { internalLimits } from '../../../../src/framework/config/limits.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import {
  createExampleAppAt,
  listResponses,
  type PlacedExampleApp,
  places,
} from '../../../support/example-app-at.ts';
import { countConnections, openSocket, type RawConnection, readResponses } from '../../../support/sockets.ts';
import { until } from '../../../support/until.ts';

// Short time limits make the tests fast. Node adds one second to the idle time limit of a connection.
const config = { limits: { time: { headers: 300, request: 700, idle: 200 } } };
Object.assign(internalLimits, { checkEveryMs: 50 });

const json = 'host: localhost\r\ncontent-type: application/json\r\n';
const body = '{"name":"slow","species":"dog"}';
const post = `POST /pet/pets/ HTTP/1.1\r\n${json}`;

/** Sends `first`, and then repeats the bytes of `rest` one by one until the connection is closed. */
async function drip(wire: RawConnection, first: string, rest: string, pause = 20): Promise<void> {
  wire.write(first);
  for (let index = 0; wire.socket.writable; index += 1) {
    await sleep(pause);
    wire.write(rest[index % rest.length] as string);
  }
}

/** The actions of slow clients, and the status of the response to each; `none` if the connection closes without one. */
const clients: Readonly<Record<string, readonly [number | 'none', (wire: RawConnection) => unknown]>> = {
  'sends nothing': [408, () => {}],
  'sends half of its first line': [408, (wire) => wire.write('GET /pet')],
  'does not end its headers': [408, (wire) => wire.write('GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\n')],
  'sends its headers byte by byte': [
    408,
    (wire) => drip(wire, 'GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\nx: ', 'y'),
  ],
  'sends empty lines before its request': [408, (wire) => drip(wire, '\r\n', '\r\n')],
  'sends endless headers slowly': [
    408,
    (wire) => drip(wire, 'GET / HTTP/1.1\r\nhost: localhost\r\n', 'x: y\r\n'),
  ],
  'sends endless headers fast': [
    431,
    async (wire) => {
      wire.write('GET / HTTP/1.1\r\nhost: localhost\r\n');
      while (wire.socket.writable) {
        wire.write('x-y: zzzzzzzzzzzzzzzz\r\n'.repeat(200));
        await sleep(1);
      }
    },
  ],
  'sends an endless header': [
    431,
    async (wire) => {
      wire.write('GET / HTTP/1.1\r\nhost: localhost\r\nx: ');
      while (wire.socket.writable) {
        wire.write('y'.repeat(4_000));
        await sleep(1);
      }
    },
  ],
  'sends no body': [408, (wire) => wire.write(`${post}content-length: ${body.length}\r\n\r\n`)],
  'sends half of its body': [408, (wire) => wire.write(`${post}content-length: ${body.length}\r\n\r\n{"na`)],
  'sends its body byte by byte': [408, (wire) => drip(wire, `${post}content-length: 500\r\n\r\n{"na`, ' ')],
  'sends its chunks byte by byte': [
    408,
    (wire) => drip(wire, `${post}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'),
  ],
  'announces a chunk of 4 GB, and sends none': [
    408,
    (wire) => wire.write(`${post}transfer-encoding: chunked\r\n\r\nffffffff\r\n{`),
  ],
  'announces a body that is too large, and sends none': [
    413,
    (wire) => wire.write(`${post}content-length: 7000000\r\n\r\n`),
  ],
  'sends endless chunks': [
    413,
    async (wire) => {
      wire.write(`${post}transfer-encoding: chunked\r\n\r\n`);
      while (wire.socket.writable) {
        wire.write(`2000\r\n${' '.repeat(0x2000)}\r\n`);
        await sleep(1);
      }
    },
  ],
  'closes the connection in its headers': [
    400,
    async (wire) => {
      wire.write('GET /pet/pets/ HTTP/1.1\r\nhost');
      await sleep(50);
      wire.socket.end();
    },
  ],
  'closes the connection in its body': [
    400,
    async (wire) => {
      wire.write(`${post}content-length: ${body.length}\r\n\r\n{"na`);
      await sleep(50);
      wire.socket.end();
    },
  ],
  'resets the connection in its body': [
    'none',
    async (wire) => {
      wire.write(`${post}content-length: ${body.length}\r\n\r\n{"na`);
      await sleep(50);
      wire.socket.resetAndDestroy();
    },
  ],
};

describe('a slow client is disconnected, and does not delay other clients:', () => {
  test.for(places)('pets %s', async (place, t) => {
    const built = await createExampleAppAt(t, place, { config });
    const { url, send } = built;
    const ends = Object.entries(clients).map(async ([name, [status, act]]) => {
      const wire = openSocket(t, url);
      const action = act(wire);
      const text = await wire.closed(10_000).catch((error) => {
        throw new Error(name, { cause: error });
      });
      await action;
      const responses = readResponses(text);
      if (status === 'none') {
        expect(responses, name).toEqual([]);
        return;
      }
      expect(
        responses.map((response) => response.status),
        name,
      ).toEqual([status]);
      expect(responses[0]?.headers.get('content-type'), name).toMatch(/^application\/problem\+json/);
      expect(responses[0]?.body, name).toMatchObject({ status });
    });
    let hasEnded = false;
    const all = Promise.allSettled(ends).then(async () => {
      hasEnded = true;
      await Promise.all(ends);
    });
    let served = 0;
    while (!hasEnded) {
      expect((await send('GET', '/pet/pets/')).body).toEqual([]);
      served += 1;
      await sleep(20);
    }
    await all;
    expect(served).toBeGreaterThan(0);
    expectNoEffect(built);
  });
});

function expectNoEffect({ everyLog }: PlacedExampleApp): void {
  const effects = listResponses(everyLog()).filter((line) => !/^GET | 4\d\d$/.test(line));
  expect(effects).toEqual([]);
  expect(everyLog().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
}

test('an idle connection is closed', async (t) => {
  const { url } = await createExampleAppAt(t, 'in the same app', { config });
  const wire = openSocket(t, url);
  wire.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const responses = readResponses(await wire.closed());
  expect(responses.map(({ body }) => body)).toEqual([{ status: 'OK' }]);
});

test('slow responses are complete although an incomplete request follows', async (t) => {
  const { url, send } = await createExampleAppAt(t, 'in the same app', { config });
  const creations = Array.from({ length: 20 }, () => `${post}content-length: ${body.length}\r\n\r\n${body}`);
  const wire = openSocket(t, url);
  wire.write(`${creations.join('')}GET /pet/pets/ HTTP/1.1\r\nhost`);
  const responses = readResponses(await wire.closed());
  expect(responses.map(({ status }) => status)).toEqual([...Array(20).fill(200), 408]);
  expect((await send('GET', '/pet/pets/')).body).toHaveLength(20);
});

describe('a connection on which a request was rejected', () => {
  test('is closed although its client keeps its side open', async (t) => {
    const built = await createExampleAppAt(t, 'in the same app', { config });
    const socket = connect({ port: Number(new URL(built.url).port), host: '127.0.0.1', allowHalfOpen: true });
    t.onTestFinished(() => void socket.destroy());
    socket.resume().write('GET /health HTTP/1.1\r\nhost');
    await once(socket, 'end');
    expect(await countConnections(built)).toBe(1);
    await until(async () => expect(await countConnections(built)).toBe(0));
  });

  test('does not delay a stop, although its handler abandoned the body and responds later', async (t) => {
    // undici does the same with a forwarded body: the request loses its socket, and nothing reads that any more.
    const slow = defineService({
      name: 'slow',
      description: 'Abandons its body',
      routes(scope) {
        scope.removeAllContentTypeParsers();
        scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
        scope.post('/abandon', { schema: { hide: true } }, async ({ raw, raw: { socket } }) => {
          const parts = raw[Symbol.asyncIterator]();
          await parts.next();
          await parts.return?.();
          expect(raw.socket).toBe(null);
          await once(socket, 'finish');
          return {};
        });
      },
    });
    const built = await createExampleAppAt(t, 'in the same app', { config, services: [slow] });
    const wire = openSocket(t, built.url);
    await drip(wire, 'POST /slow/abandon HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500\r\n\r\n', 'x');
    const begun = performance.now();
    await built.app.stop();
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(built.logs.filter(({ path }) => path === '/slow/abandon')).toHaveLength(1);
  });
});
