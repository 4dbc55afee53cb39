import { once } from 'node:events';
import { connect } from 'node:net';
import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createExampleApp, createTestApp, sendRequest } from '../../support/app.ts';
import { until } from '../../support/until.ts';
import { startRaw } from './request-line-helpers.ts';

describe('input that is rejected before it is a request', () => {
  /** Sends bytes on a new connection. Resolves with everything that is received until the connection is closed. */
  async function sendRaw(url: string, bytes: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = '';
    socket.on('data', (data) => {
      received += data;
    });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(bytes);
    await once(socket, 'close');
    return received;
  }

  function parseResponse(received: string) {
    const [head, body] = received.split('\r\n\r\n') as [string, string];
    const [first, ...fields] = head.split('\r\n');
    const headers = new Headers(fields.map((field) => field.split(': ') as [string, string]));
    return { status: Number(first?.split(' ')[1]), headers, body: JSON.parse(body) };
  }

  test.for([
    ['input that is not HTTP', 'NONSENSE\r\n\r\n'],
    ['an unknown method', 'FROB /pet/pets/ HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['a header without a colon', 'GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\nno colon here\r\n\r\n'],
    [
      'two content lengths',
      'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
    ],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ] as const)('is a 400 with one entry of the gateway: %s', async ([, bytes], t) => {
    const { url, logs } = await createExampleApp(t);
    logs.length = 0;
    const { status, headers, body } = parseResponse(await sendRaw(url, bytes));
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('connection')).toBe('close');
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: expect.any(String),
      instance: '/',
    });
    expect(logs).toMatchObject([{ service: 'gateway', status: 400, reqId: headers.get('x-request-id') }]);
  });

  test('is a 431 with one entry of the gateway: headers that are too large', async (t) => {
    const { url, logs } = await createExampleApp(t);
    logs.length = 0;
    const bytes = `GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\nx-large: ${'x'.repeat(40_000)}\r\n\r\n`;
    const { status, headers, body } = parseResponse(await sendRaw(url, bytes));
    expect(status).toBe(431);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ status: 431, title: 'Request Header Fields Too Large' });
    expect(logs).toMatchObject([{ service: 'gateway', status: 431, reqId: headers.get('x-request-id') }]);
  });

  test('is a 400 with one entry of the gateway: a path that cannot be decoded', async (t) => {
    const { send, logs } = await createExampleApp(t);
    logs.length = 0;
    const { status, headers, body } = await send('GET', '/pet/%zz?token=hunter2');
    expect(status).toBe(400);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ status: 400, title: 'Bad Request' });
    await until(() => expect(logs).toHaveLength(1));
    expect(logs).toMatchObject([
      { service: 'gateway', status: 400, method: 'GET', reqId: headers.get('x-request-id') },
    ]);
    expect(JSON.stringify([logs, body])).not.toContain('hunter2');
  });
});

describe('no log entry and no response contains a secret that a client sends', () => {
  const secret = 'hunter2-xyzzy';
  const headers = {
    authorization: `Bearer ${secret}`,
    cookie: `session=${secret}`,
    'x-api-key': secret,
    'proxy-authorization': secret,
  };

  test.for<[string, string, string, unknown?]>([
    ['a success', 'GET', '/pet/pets/?limit=1'],
    ['a success across services', 'GET', '/user/users/1?limit=1'],
    ['an unknown route', 'GET', '/pet/nowhere?a=1'],
    ['a method that is not allowed', 'PUT', '/user/users/?a=1', {}],
    ['an invalid query', 'GET', '/pet/pets/?limit=none'],
    ['an invalid body', 'POST', '/pet/pets/?a=1', { name: 7, password: secret, token: secret }],
    ['a valid body', 'POST', '/user/users/?a=1', { name: 'Bob', password: secret }],
    ['a body that is not JSON', 'POST', '/pet/pets/?a=1', `{"password": ${secret}`],
    ['an unknown user', 'GET', '/user/users/999?a=1'],
  ])('%s', async ([, method, path, body], t) => {
    const { url, raw } = await startRaw(t);
    await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
    await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
    await sendRequest(`${url}/user/users/1/pets/1`, 'POST');
    const before = raw.length;
    const reply = await sendRequest(
      `${url}${path}&token=${secret}&password=${secret}`,
      method,
      body,
      headers,
    );
    await until(() => expect(raw.slice(before).join('')).toContain('"msg":"request"'));
    expect(raw.join('')).not.toContain(secret);
    expect(JSON.stringify(reply.body)).not.toContain(secret);
  });

  test('a defect: the response has nothing but the request id', async (t) => {
    const broken = defineService({
      name: 'broken',
      description: 'Fails.',
      routes(scope) {
        const schema = { body: Type.Object({ password: Type.String({ maxLength: 200 }) }) };
        scope.post('/fail', { schema: { ...schema, hide: true } }, async () => {
          throw Object.assign(new Error('SQL at 10.0.0.7 failed'), {
            headers: { authorization: secret, cookie: secret },
            password: secret,
          });
        });
      },
    });
    const { send, logs } = await createTestApp(t, { services: [broken] });
    logs.length = 0;
    const reply = await send('POST', '/broken/fail?a=1', { password: secret }, headers);
    const id = reply.headers.get('x-request-id');
    expect(reply.status).toBe(500);
    expect(reply.body).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: `Request ${id} failed`,
      instance: '/broken/fail',
    });
    await until(() => expect(logs).toHaveLength(2));
    expect(logs).toMatchObject([
      { level: 'error', service: 'broken', reqId: id, err: { message: 'SQL at 10.0.0.7 failed' } },
      { level: 'info', service: 'broken', reqId: id, status: 500, msg: 'request' },
    ]);
    expect(JSON.stringify(logs)).not.toContain(secret);
  });
});
