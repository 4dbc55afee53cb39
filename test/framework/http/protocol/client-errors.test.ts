import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, type TestContext, test } from 'vitest';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { createExampleApp, createTestApp } from '../../../support/app.ts';
import { openSocket, readResponses, until } from '../../../support/sockets.ts';

/** Sends bytes as they stand, and resolves with all that comes until the connection ends. */
async function exchange(t: TestContext, url: string, ...parts: string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.onTestFinished(() => void socket.destroy());
  const closed = once(socket, 'close');
  let text = '';
  socket.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  for (const part of parts) {
    socket.write(part);
    await new Promise((wake) => setTimeout(wake, 30));
  }
  await closed;
  return text;
}

test('a request whose headers do not come in time is a 408, as a problem', async (t) => {
  const { url } = await createExampleApp(t);
  const answer = await exchange(t, url, 'GET / HTTP/1.1\r\nhost: localhost\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(answer).toMatch(/content-type: application\/problem\+json/);
  expect(JSON.parse(answer.split('\r\n\r\n')[1] as string)).toMatchObject({
    status: 408,
    type: 'about:blank',
  });
});

test('what is malformed behind an answer that is on its way does not get into it', async (t) => {
  const { url, send } = await createExampleApp(t);
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  const answer = await exchange(
    t,
    url,
    'GET /pet/pets/1 HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'NONSENSE\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*"name":"Rex"[^{}]*\}HTTP\/1\.1 400 Bad Request\r\n/);
});

test('a client that resets its connection leaves the others alone', async (t) => {
  const { url, send, logs } = await createExampleApp(t);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{',
  );
  await new Promise((wake) => setTimeout(wake, 50));
  socket.resetAndDestroy();
  await new Promise((wake) => setTimeout(wake, 50));
  expect((await send('GET', '/health')).status).toBe(200);
  expect(logs.filter(({ level }) => level === 'error')).toEqual([]);
});

test.for([
  'content-type: application/json',
  'content-type: application/x-www-form-urlencoded',
  'x-nothing: said',
])('a POST without a length has no body, whatever its type: %s', async (header, t) => {
  const { url, send } = await createExampleApp(t);
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  const head = `POST /pet/pets/1/treat HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${header}\r\n\r\n`;
  expect(await exchange(t, url, head)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*"mood":"excited"/);
});

describe('CONNECT', () => {
  const get = 'GET /pet/pets/1 HTTP/1.1\r\nhost: localhost\r\n\r\n';
  const connects = [
    'CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\nmore',
    'CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\ncontent-length: 9\r\n\r\n{',
    'CONNECT /pet/pets/ HTTP/1.0\r\n\r\n',
    `${get.repeat(5)}CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  ];

  test.for(connects)('and a reset leave the server alive: %j', async (bytes, t) => {
    const { url, send, app } = await createExampleApp(t);
    for (let round = 0; round < 5; round += 1) {
      const { socket, write } = openSocket(t, url);
      await once(socket, 'connect');
      // The response stays unread, so the kernel sends a reset when the socket is closed.
      socket.pause();
      write(bytes);
      await new Promise((wake) => setTimeout(wake, 5 * round));
      socket.resetAndDestroy();
    }
    await until(() => expect(app.server.inFlight).toEqual([]));
    expect((await send('GET', '/health')).status).toBe(200);
  });

  test('is answered with a problem', async (t) => {
    const { url } = await createExampleApp(t);
    const [answer] = readResponses(await exchange(t, url, connects[0] as string));
    expect(answer?.status).toBe(400);
    expect(answer?.body).toMatchObject({ status: 400, detail: 'This is no proxy' });
  });

  test('behind requests without a response closes the connection, and none of them stays in flight', async (t) => {
    const silent = defineService({
      name: 'silent',
      description: 'Never responds',
      routes(scope) {
        scope.get('/never', { schema: { hide: true } }, () => new Promise(() => {}));
      },
    });
    const { url, app } = await createTestApp(t, { services: [silent] });
    const { write, closed } = openSocket(t, url);
    const never = 'GET /silent/never HTTP/1.1\r\nhost: localhost\r\n\r\n';
    // Some of them wait until others of their connection have a response.
    write(`${never.repeat(20)}${connects[0]}`);
    expect(await closed(15_000)).toBe('');
    await until(() => expect(app.server.inFlight).toEqual([]));
  });
});
