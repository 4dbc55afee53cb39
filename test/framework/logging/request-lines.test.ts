import { once } from 'node:events';
import { connect } from 'node:net';
import { Type } from '@sinclair/typebox';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { buildApp } from '../../../src/framework/app/app.ts';
import { checkConfig } from '../../../src/framework/config/config.ts';
import { openLogging } from '../../../src/framework/logging/logger.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { defineService, type Service } from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import user from '../../../src/services/user/index.ts';
import {
  contract,
  createExampleApp,
  createTestApp,
  type LogEntry,
  sendRequest,
  type TestResponse,
} from '../../support/app.ts';

/** The product, with its lines kept as they were written. */
async function startRaw(t: TestContext) {
  const services = new Map([pet, user].map((service) => [service.name, service as Service]));
  const database = 'sqlite::memory:';
  const config = checkConfig(
    {
      // However busy the machine is: this is about lines.
      calls: { deadline: 60_000 },
      services: { pet: { database }, user: { database } },
      apps: { gateway: { port: 0, services: ['pet', 'user'] } },
    },
    services,
    'config.yaml',
  );
  const raw: string[] = [];
  // That the event loop was blocked says something of the machine.
  const isOurs = (line: string) => !line.includes('the event loop was blocked');
  const stream = { write: (line: string) => void (isOurs(line) && raw.push(line)) };
  const logging = await openLogging({ level: 'trace', console: 'none', streams: [stream] });
  const app = await buildApp({
    config,
    name: 'gateway',
    services,
    logging,
    version: '0.0.0',
    contract: contract as unknown as OpenApiDocument,
  });
  const url = await app.listen();
  t.onTestFinished(() => app.stop());
  return { url, raw };
}

const isAccess = ({ msg }: LogEntry) => msg === 'request';

/** Waits until the lines hold: a request has its line when its answer has gone, which may be a little later. */
const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });

/**
 * The lines of a request, also of the calls that it shared with others: such a call has an id of its own, and a
 * line of the caller that has this id, and those of the requests as `reqIds`.
 */
function linesOf(lines: readonly LogEntry[], id: string): LogEntry[] {
  const calls = lines.filter(({ reqIds }) => (reqIds as string[] | undefined)?.includes(id));
  const ids = new Set([id, ...calls.map(({ reqId }) => reqId)]);
  return lines.filter(({ reqId }) => ids.has(reqId as string));
}

interface Case {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  /** The service that must have its line; its route, where there is one. */
  readonly service: string;
  readonly route?: string;
  /** Whether the pet service is asked too. */
  readonly asks?: boolean;
}

describe('under a mixed load of hundreds of requests at once', () => {
  const rex = { name: 'Rex', species: 'dog' };
  const text = { 'content-type': 'text/plain' };
  const cases: readonly Case[] = [
    { method: 'POST', path: '/pet/pets/', body: rex, status: 200, service: 'pet', route: '/pet/pets/' },
    {
      method: 'POST',
      path: '/user/users/',
      body: { name: 'Bob' },
      status: 200,
      service: 'user',
      route: '/user/users/',
    },
    { method: 'GET', path: '/pet/pets/?limit=2', status: 200, service: 'pet', route: '/pet/pets/' },
    { method: 'GET', path: '/pet/pets/1', status: 200, service: 'pet', route: '/pet/pets/:pet_id' },
    {
      method: 'POST',
      path: '/pet/pets/1/feed',
      status: 200,
      service: 'pet',
      route: '/pet/pets/:pet_id/feed',
    },
    {
      method: 'GET',
      path: '/user/users/1',
      status: 200,
      service: 'user',
      route: '/user/users/:user_id',
      asks: true,
    },
    {
      method: 'POST',
      path: '/user/users/1/pets/1',
      status: 200,
      service: 'user',
      route: '/user/users/:user_id/pets/:pet_id',
      asks: true,
    },
    {
      method: 'POST',
      path: '/user/users/1/pets/999',
      status: 404,
      service: 'user',
      route: '/user/users/:user_id/pets/:pet_id',
      asks: true,
    },
    { method: 'GET', path: '/pet/pets/999', status: 404, service: 'pet', route: '/pet/pets/:pet_id' },
    { method: 'GET', path: '/user/users/999', status: 404, service: 'user', route: '/user/users/:user_id' },
    { method: 'GET', path: '/pet/nowhere', status: 404, service: 'pet' },
    { method: 'POST', path: '/user/nowhere', body: {}, status: 404, service: 'user' },
    { method: 'GET', path: '/nowhere', status: 404, service: 'gateway' },
    { method: 'GET', path: '/petition', status: 404, service: 'gateway' },
    {
      method: 'POST',
      path: '/pet/pets/',
      body: '{"name":',
      status: 400,
      service: 'pet',
      route: '/pet/pets/',
    },
    {
      method: 'PATCH',
      path: '/user/users/1',
      body: '{',
      status: 400,
      service: 'user',
      route: '/user/users/:user_id',
    },
    {
      method: 'POST',
      path: '/pet/pets/',
      body: { name: 7 },
      status: 422,
      service: 'pet',
      route: '/pet/pets/',
    },
    { method: 'GET', path: '/user/users/none', status: 422, service: 'user', route: '/user/users/:user_id' },
    {
      method: 'POST',
      path: '/user/users/',
      body: 'x',
      headers: text,
      status: 415,
      service: 'user',
      route: '/user/users/',
    },
    {
      method: 'POST',
      path: '/pet/pets/',
      body: { name: 'x'.repeat(70_000) },
      status: 413,
      service: 'pet',
      route: '/pet/pets/',
    },
    { method: 'PUT', path: '/pet/pets/1', body: {}, status: 405, service: 'pet' },
    { method: 'DELETE', path: '/user/users/', status: 405, service: 'user' },
    { method: 'POST', path: '/health', status: 405, service: 'gateway' },
    { method: 'PUT', path: '/pet/', body: {}, status: 405, service: 'pet' },
    { method: 'PUT', path: '/user', body: {}, status: 405, service: 'user' },
    { method: 'GET', path: '/pet/health', status: 200, service: 'pet', route: '/pet/health' },
    { method: 'GET', path: '/user', status: 200, service: 'user', route: '/user' },
    { method: 'GET', path: '/', status: 200, service: 'gateway', route: '/' },
    { method: 'GET', path: '/pet/openapi.json', status: 200, service: 'pet', route: '/pet/openapi.json' },
    { method: 'GET', path: '/openapi.json', status: 200, service: 'gateway', route: '/openapi.json' },
  ];

  test('every line has one service, which is right, and every request one line per service that served it', async (t) => {
    const { url, raw } = await startRaw(t);
    await sendRequest(`${url}/pet/pets/`, 'POST', rex);
    await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
    await sendRequest(`${url}/user/users/1/pets/1`, 'POST');
    await until(() => expect(raw.filter((line) => line.includes('"msg":"request"'))).toHaveLength(4));
    raw.length = 0;

    const rounds = 12;
    const sent = Array.from({ length: rounds }, (_, round) =>
      cases.map((one, index) => ({ ...one, id: `load-${round}-${index}` })),
    ).flat();
    expect(sent.length).toBeGreaterThanOrEqual(300);
    const replies = new Map<string, TestResponse>();
    await Promise.all(
      sent.map(async ({ method, path, body, headers, id }) => {
        replies.set(id, await sendRequest(`${url}${path}`, method, body, { ...headers, 'x-request-id': id }));
      }),
    );
    const parse = () => raw.map((line) => JSON.parse(line) as LogEntry);
    await until(() => {
      const done = new Set(
        parse()
          .filter(isAccess)
          .map(({ reqId }) => reqId),
      );
      expect(sent.filter(({ id }) => !done.has(id))).toEqual([]);
    });
    const lines = parse();

    for (const line of raw) {
      expect(line.match(/"service":/g), line).toHaveLength(1);
      expect(line.match(/"reqId":/g), line).toHaveLength(1);
    }
    for (const { id, method, path, status, service, route, asks } of sent) {
      const what = `${id}: ${method} ${path}`;
      expect(replies.get(id)?.status, what).toBe(status);
      expect(replies.get(id)?.headers.get('x-request-id'), what).toBe(id);

      const own = linesOf(lines, id);
      const access = own.filter(isAccess);
      const served = asks ? ['pet', 'user'] : [service];
      expect(access.map((line) => line.service).sort(), what).toEqual(served);
      expect(new Set(own.map((line) => line.service)), what).toEqual(new Set(served));
      const line = access.find((one) => one.service === service) as LogEntry;
      expect(line, what).toMatchObject({
        level: 'info',
        reqId: id,
        method,
        status,
        path: path.split('?')[0],
      });
      expect(line.ms, what).toBeTypeOf('number');
      expect(line.ms, what).toBeGreaterThanOrEqual(0);
      expect(line.route, what).toBe(route);
      expect(line, what).not.toHaveProperty('aborted');
    }
    // No line belongs to nothing.
    const known = new Set(sent.flatMap(({ id }) => linesOf(lines, id)));
    expect(lines.filter((line) => !known.has(line))).toEqual([]);
  });
});

describe('the id of a request', () => {
  test('is one in every service that an adoption passes', async (t) => {
    const { send, logs } = await createExampleApp(t);
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await send('POST', '/user/users/', { name: 'Alice' });
    logs.length = 0;
    const id = 'Adoption_1-of-many';
    const { status, headers } = await send('POST', '/user/users/1/pets/1', undefined, { 'x-request-id': id });
    expect(status).toBe(200);
    expect(headers.get('x-request-id')).toBe(id);
    await until(() => expect(logs.filter(isAccess)).toHaveLength(2));
    const access = linesOf(logs, id).filter(isAccess);
    expect(access).toMatchObject([
      { service: 'pet', method: 'GET', path: '/pet/pets/', route: '/pet/pets/', status: 200 },
      { service: 'user', method: 'POST', path: '/user/users/1/pets/1', status: 200, reqId: id },
    ]);
    expect(linesOf(logs, id)).toHaveLength(logs.length);
  });

  test.for(['a', '7', '_-', 'A1-b2_C3', 'x'.repeat(64), '0193d2c0-7c3e-7a52-8f4b-5f1d8a7c9e21'])(
    'is the one that it came with: %s',
    async (id, t) => {
      const { send, logs } = await createExampleApp(t);
      const { headers } = await send('GET', '/pet/pets/', undefined, { 'x-request-id': id });
      expect(headers.get('x-request-id')).toBe(id);
      await until(() => expect(logs.filter(isAccess)).toMatchObject([{ reqId: id, service: 'pet' }]));
    },
  );

  test.for(['', 'a b', 'a.b', 'x'.repeat(65), 'a/b', '"a"', 'a,b', '{}', '\u00e9', 'a\tb'])(
    'is a new one where it came with what is none: %j',
    async (id, t) => {
      const { send, logs } = await createExampleApp(t);
      const { status, headers } = await send('GET', '/user/nowhere', undefined, { 'x-request-id': id });
      expect(status).toBe(404);
      const given = headers.get('x-request-id') as string;
      expect(given).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      expect(given).not.toBe(id);
      await until(() => expect(logs.filter(isAccess)).toMatchObject([{ reqId: given, service: 'user' }]));
    },
  );

  test('is another for every request that brings none, errors included', async (t) => {
    const { send } = await createExampleApp(t);
    const paths = ['/', '/pet/pets/', '/nowhere', '/user/users/x', '/pet/%zz'];
    const replies = await Promise.all([...paths, ...paths].map((path) => send('GET', path)));
    const ids = replies.map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(/^[\w-]{1,64}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('what is refused before it is a request', () => {
  /** Sends these bytes on a connection of their own; resolves with all that comes back until it is closed. */
  async function sendRaw(url: string, bytes: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(bytes);
    await once(socket, 'close');
    return answer;
  }

  function readAnswer(answer: string) {
    const [head, body] = answer.split('\r\n\r\n') as [string, string];
    const [first, ...fields] = head.split('\r\n');
    const headers = new Headers(fields.map((field) => field.split(': ') as [string, string]));
    return { status: Number(first?.split(' ')[1]), headers, body: JSON.parse(body) };
  }

  test.for([
    ['no HTTP at all', 'NONSENSE\r\n\r\n'],
    ['a method that there is not', 'FROB /pet/pets/ HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['a header that is none', 'GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\nno colon here\r\n\r\n'],
    [
      'two lengths',
      'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
    ],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ] as const)('is a 400 with one line of the gateway: %s', async ([, bytes], t) => {
    const { url, logs } = await createExampleApp(t);
    logs.length = 0;
    const { status, headers, body } = readAnswer(await sendRaw(url, bytes));
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

  test('is a 431 with one line of the gateway: headers that are too large', async (t) => {
    const { url, logs } = await createExampleApp(t);
    logs.length = 0;
    const bytes = `GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\nx-large: ${'x'.repeat(40_000)}\r\n\r\n`;
    const { status, headers, body } = readAnswer(await sendRaw(url, bytes));
    expect(status).toBe(431);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ status: 431, title: 'Request Header Fields Too Large' });
    expect(logs).toMatchObject([{ service: 'gateway', status: 431, reqId: headers.get('x-request-id') }]);
  });

  test('is a 400 with one line of the gateway: a path that cannot be decoded', async (t) => {
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

describe('a secret that a client sends reaches neither a line nor an answer:', () => {
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
    ['a route that there is not', 'GET', '/pet/nowhere?a=1'],
    ['a method that there is not', 'PUT', '/user/users/?a=1', {}],
    ['a query that does not fit', 'GET', '/pet/pets/?limit=none'],
    ['a body that does not fit', 'POST', '/pet/pets/?a=1', { name: 7, password: secret, token: secret }],
    ['a body that fits', 'POST', '/user/users/?a=1', { name: 'Bob', password: secret }],
    ['a body that cannot be read', 'POST', '/pet/pets/?a=1', `{"password": ${secret}`],
    ['something that is not there', 'GET', '/user/users/999?a=1'],
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

  test('a defect, of which the client hears nothing but the id of its request', async (t) => {
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

test('a request whose client has gone has its one line all the same, and says so', async (t) => {
  let release = () => {};
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const slow = defineService({
    name: 'slow',
    description: 'Waits.',
    routes(scope) {
      scope.get('/wait', { schema: { hide: true } }, async () => {
        await new Promise<void>((resolve) => {
          release = resolve;
          arrive();
        });
        return { ok: true };
      });
    },
  });
  const { url, logs } = await createTestApp(t, { services: [slow] });
  logs.length = 0;
  const leave = new AbortController();
  const request = fetch(`${url}/slow/wait`, { signal: leave.signal, headers: { 'x-request-id': 'gone' } });
  arrived.then(() => leave.abort());
  await expect(request).rejects.toThrow();
  await until(() => expect(logs).toHaveLength(1));
  release();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(logs).toMatchObject([
    { service: 'slow', reqId: 'gone', route: '/slow/wait', aborted: true, msg: 'request' },
  ]);
});

test('what an app says of itself while it starts and stops is of the gateway or of a service', async (t) => {
  const { app, logs } = await createExampleApp(t);
  await app.stop();
  expect(logs.length).toBeGreaterThan(0);
  for (const { service } of logs) expect(['gateway', 'pet', 'user']).toContain(service);
});
