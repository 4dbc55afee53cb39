import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { createExampleApp, createTestApp } from '../../../support/app.ts';
import { exchange, listInFlight, openSocket, readResponses } from '../../../support/sockets.ts';
import { until } from '../../../support/until.ts';

test('a request whose headers do not arrive in time gets 408 with a problem', async (t) => {
  const { url } = await createExampleApp(t);
  const { write, closed } = openSocket(t, url);
  write('GET / HTTP/1.1\r\nhost: localhost\r\n');
  const [response] = readResponses(await closed(60_000));
  expect(response?.status).toBe(408);
  expect(response?.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(response?.body).toMatchObject({ status: 408, type: 'about:blank' });
}, 90_000);

test('the 400 for malformed input does not interrupt an earlier response', async (t) => {
  const { url, send } = await createExampleApp(t);
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  const get = 'GET /pet/pets/1 HTTP/1.1\r\nhost: localhost\r\n\r\n';
  const responses = await exchange(t, url, get, 'NONSENSE\r\n\r\n');
  expect(responses.map(({ status }) => status)).toEqual([200, 400]);
  expect(responses[0]?.body.name).toBe('Rex');
});

test('a client that resets its connection does not affect other clients', async (t) => {
  const { url, send, logs, app } = await createExampleApp(t);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{',
  );
  await until(() => expect(listInFlight(app.server)).toHaveLength(1));
  socket.resetAndDestroy();
  await until(() => expect(listInFlight(app.server)).toEqual([]));
  expect((await send('GET', '/health')).status).toBe(200);
  expect(logs.filter(({ level, msg }) => level === 'error' || msg === 'malformed request rejected')).toEqual(
    [],
  );
});

test.for([
  'content-type: application/json',
  'content-type: application/x-www-form-urlencoded',
  'x-unknown: 1',
])('a POST without a length has no body, with header %s', async (header, t) => {
  const { url, send } = await createExampleApp(t);
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  const head = `POST /pet/pets/1/treat HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${header}\r\n\r\n`;
  const [response] = await exchange(t, url, head);
  expect(response?.status).toBe(200);
  expect(response?.body.mood).toBe('excited');
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

  test.for(connects)('and a reset do not stop the server: %j', async (bytes, t) => {
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
    await until(() => expect(listInFlight(app.server)).toEqual([]));
    expect((await send('GET', '/health')).status).toBe(200);
  });

  test('gets 400 with a problem', async (t) => {
    const { url } = await createExampleApp(t);
    const [response] = await exchange(t, url, connects[0] as string);
    expect(response?.status).toBe(400);
    expect(response?.body).toMatchObject({
      status: 400,
      detail: 'This server is not a proxy',
    });
  });

  test('after requests without a response closes the connection, and ends those requests', async (t) => {
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
    // Some of the requests wait for earlier requests of their connection.
    write(`${never.repeat(20)}${connects[0]}`);
    expect(await closed(15_000)).toBe('');
    await until(() => expect(listInFlight(app.server)).toEqual([]));
  });
});
