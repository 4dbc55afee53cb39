import { describe, expect, test } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import {
  createExampleApp,
  createTestApp,
  type LogEntry,
  sendRequest,
  type TestResponse,
} from '../../support/app.ts';
import { until } from '../../support/until.ts';
import { type Case, entriesOf, isAccess, startRaw } from './request-line-helpers.ts';

describe('under a mixed load of hundreds of concurrent requests', () => {
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
      callsPet: true,
    },
    {
      method: 'POST',
      path: '/user/users/1/pets/1',
      status: 200,
      service: 'user',
      route: '/user/users/:user_id/pets/:pet_id',
      callsPet: true,
    },
    {
      method: 'POST',
      path: '/user/users/1/pets/999',
      status: 404,
      service: 'user',
      route: '/user/users/:user_id/pets/:pet_id',
      callsPet: true,
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

  test('every entry has the right service, and every request has one entry per service that served it', async (t) => {
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
    const entries = parse();

    for (const line of raw) {
      expect(line.match(/"service":/g), line).toHaveLength(1);
      expect(line.match(/"reqId":/g), line).toHaveLength(1);
    }
    for (const { id, method, path, status, service, route, callsPet } of sent) {
      const what = `${id}: ${method} ${path}`;
      expect(replies.get(id)?.status, what).toBe(status);
      expect(replies.get(id)?.headers.get('x-request-id'), what).toBe(id);

      const ofRequest = entriesOf(entries, id);
      const access = ofRequest.filter(isAccess);
      const served = callsPet ? ['pet', 'user'] : [service];
      expect(access.map((entry) => entry.service).sort(), what).toEqual(served);
      expect(new Set(ofRequest.map((entry) => entry.service)), what).toEqual(new Set(served));
      const entry = access.find((one) => one.service === service) as LogEntry;
      expect(entry, what).toMatchObject({
        level: 'info',
        reqId: id,
        method,
        status,
        path: path.split('?')[0],
      });
      expect(entry.ms, what).toBeTypeOf('number');
      expect(entry.ms, what).toBeGreaterThanOrEqual(0);
      expect(entry.route, what).toBe(route);
      expect(entry, what).not.toHaveProperty('aborted');
    }
    // Every entry belongs to a request.
    const known = new Set(sent.flatMap(({ id }) => entriesOf(entries, id)));
    expect(entries.filter((entry) => !known.has(entry))).toEqual([]);
  });
});

describe('the request id', () => {
  test('is the same in every service that takes part in an adoption', async (t) => {
    const { send, logs } = await createExampleApp(t);
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await send('POST', '/user/users/', { name: 'Alice' });
    logs.length = 0;
    const id = 'Adoption_1-of-many';
    const { status, headers } = await send('POST', '/user/users/1/pets/1', undefined, { 'x-request-id': id });
    expect(status).toBe(200);
    expect(headers.get('x-request-id')).toBe(id);
    await until(() => expect(logs.filter(isAccess)).toHaveLength(2));
    const access = entriesOf(logs, id).filter(isAccess);
    expect(access).toMatchObject([
      { service: 'pet', method: 'GET', path: '/pet/pets/', route: '/pet/pets/', status: 200 },
      { service: 'user', method: 'POST', path: '/user/users/1/pets/1', status: 200, reqId: id },
    ]);
    expect(entriesOf(logs, id)).toHaveLength(logs.length);
  });

  test.for(['a', '7', '_-', 'A1-b2_C3', 'x'.repeat(64), '0193d2c0-7c3e-7a52-8f4b-5f1d8a7c9e21'])(
    'is the id that the client sent: %s',
    async (id, t) => {
      const { send, logs } = await createExampleApp(t);
      const { headers } = await send('GET', '/pet/pets/', undefined, { 'x-request-id': id });
      expect(headers.get('x-request-id')).toBe(id);
      await until(() => expect(logs.filter(isAccess)).toMatchObject([{ reqId: id, service: 'pet' }]));
    },
  );

  test.for(['', 'a b', 'a.b', 'x'.repeat(65), 'a/b', '"a"', 'a,b', '{}', '\u00e9', 'a\tb'])(
    'is a new id if the client sent a malformed one: %j',
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

  test('is a different one for each request without an id, also for errors', async (t) => {
    const { send } = await createExampleApp(t);
    const paths = ['/', '/pet/pets/', '/nowhere', '/user/users/x', '/pet/%zz'];
    const replies = await Promise.all([...paths, ...paths].map((path) => send('GET', path)));
    const ids = replies.map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(/^[\w-]{1,64}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('a request whose client disconnected has one entry, with aborted: true', async (t) => {
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
  const disconnect = new AbortController();
  const request = fetch(`${url}/slow/wait`, {
    signal: disconnect.signal,
    headers: { 'x-request-id': 'gone' },
  });
  arrived.then(() => disconnect.abort());
  await expect(request).rejects.toThrow();
  await until(() => expect(logs).toHaveLength(1));
  release();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(logs).toMatchObject([
    { service: 'slow', reqId: 'gone', route: '/slow/wait', aborted: true, msg: 'request' },
  ]);
});

test('each entry of the start and the stop of an app is of the gateway or of a service', async (t) => {
  const { app, logs } = await createExampleApp(t);
  await app.stop();
  expect(logs.length).toBeGreaterThan(0);
  for (const { service } of logs) expect(['gateway', 'pet', 'user']).toContain(service);
});
