import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { checkReadiness } from '../../../src/framework/service/readiness.ts';
import pet from '../../../src/services/pet/index.ts';
import { createExampleApp, createTestApp } from '../../support/app.ts';
import { listInFlight, openSocket } from '../../support/sockets.ts';
import { until } from '../../support/until.ts';

const key = 'a-key-of-sixteen-or-more';

test('the gateway and each service list their checks and the results', async (t) => {
  const { send } = await createExampleApp(t);
  expect((await send('GET', '/ready')).body).toEqual({
    status: 'OK',
    checks: { 'pet.database': 'OK', 'user.database': 'OK', 'user.pet': 'OK' },
    degraded: [],
  });
  expect((await send('GET', '/pet/ready')).body.checks).toEqual({ database: 'OK' });
  expect((await send('GET', '/user/ready')).body.checks).toEqual({ database: 'OK', pet: 'OK' });
});

test('a gateway lists each service that it forwards to, and whether its app responds', async (t) => {
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port: 1, services: ['pet'] },
  };
  const { send } = await createExampleApp(t, { config: { apps } });
  expect((await send('GET', '/ready')).body).toEqual({
    status: 'OK',
    checks: { 'user.database': 'OK', 'user.pet': 'unreachable', 'gateway.pet': 'unreachable' },
    degraded: ['pet'],
  });
});

test('checks have the order of their declaration, not of their results', async () => {
  const slow = () => new Promise<'OK'>((resolve) => setTimeout(() => resolve('OK'), 30));
  const { checks } = await checkReadiness({
    database: async () => void (await slow()),
    peers: { slow, fast: async () => 'OK' },
  });
  expect(Object.keys(checks)).toEqual(['database', 'slow', 'fast']);
});

test('a failed check of a database does not reveal the reason', async () => {
  const database = () => {
    throw new Error('/secret/path/pet.db is gone');
  };
  expect(await checkReadiness({ database, peers: {} })).toEqual({
    status: 'failed',
    checks: { database: 'failed' },
    degraded: [],
  });
});

test('an unreachable peer leaves the service ready and degraded; a broken contract does not', async () => {
  const check = (peers: Parameters<typeof checkReadiness>[0]['peers']) =>
    checkReadiness({ database: async () => {}, peers });
  expect(await check({ toy: async () => 'unreachable', pet: async () => 'unreachable' })).toEqual({
    status: 'OK',
    checks: { database: 'OK', toy: 'unreachable', pet: 'unreachable' },
    degraded: ['pet', 'toy'],
  });
  expect(await check({ pet: async () => 'broken' })).toMatchObject({ status: 'failed', degraded: [] });
});

test('while the server stops, /health is 200 and /ready is 503 with the same checks', async (t) => {
  const { send, app, url } = await createExampleApp(t, { config: { internal: { key } } });
  // This request stays in flight, because its body is incomplete.
  const { write } = openSocket(t, url);
  write(
    'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{',
  );
  await until(() => expect(listInFlight(app.server)).toHaveLength(1));
  const drained = app.server.drain('refuse');
  expect((await send('GET', '/health')).status).toBe(200);
  expect((await send('GET', '/pet/health')).body).toEqual({ status: 'OK' });
  const { status, headers, body } = await send('GET', '/pet/ready');
  expect(status).toBe(503);
  expect(headers.get('retry-after')).toBe('1');
  expect(headers.get('connection')).toBe('close');
  expect(body).toMatchObject({
    status: 503,
    detail: 'The server is stopping',
    checks: { database: 'OK' },
    degraded: [],
  });

  const rejected = await send('GET', '/pet/pets/');
  expect(rejected.status).toBe(503);
  expect(rejected.body.detail).toBe('The server is stopping');
  // Requests in flight may still need the peers.
  const nested = (sent: string) =>
    send('GET', '/pet/pets/', undefined, { 'x-hops': '1', 'x-internal': sent });
  expect((await nested(`service ${key}`)).status).toBe(200);
  // Requests without the right key, and requests that a gateway forwards, come from clients.
  for (const sent of [`service ${key}x`, `gateway ${key}`, key, ''])
    expect((await nested(sent)).status).toBe(503);
  write('}');
  await drained;
});

test('during a handover, a request on an old connection succeeds, and its response closes the connection', async (t) => {
  const { app, url } = await createExampleApp(t);
  const { Agent, request } = await import('node:http');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.onTestFinished(() => agent.destroy());
  const listPets = () =>
    new Promise<[number | undefined, string | undefined]>((resolve, reject) => {
      request(`${url}/pet/pets/`, { agent }, (response) => {
        response.resume().on('end', () => resolve([response.statusCode, response.headers.connection]));
      })
        .on('error', reject)
        .end();
    });
  expect(await listPets()).toEqual([200, 'keep-alive']);
  const stopped = app.stop('hand over');
  expect(await listPets()).toEqual([200, 'close']);
  await stopped;
  await expect(listPets()).rejects.toThrow('ECONNREFUSED');
});

test.for(['refuse', 'hand over'] as const)('a drained server rejects requests: %s', async (mode, t) => {
  const { app, url } = await createExampleApp(t, { config: { internal: { key } } });
  const [unused, new_] = [openSocket(t, url), openSocket(t, url)];
  unused.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(unused.socket, 'data');
  await app.server.drain(mode);
  if (mode === 'hand over') await unused.closed(100);
  // Databases and peers may be closed already.
  new_.write(`POST /pet/pets/1/treat HTTP/1.1\r\nhost: localhost\r\nx-internal: service ${key}\r\n\r\n`);
  expect(await new_.closed()).toMatch(/^HTTP\/1\.1 503 [\s\S]*The server is stopping/);
});

test('an app closes unused connections to other apps before their servers do', async (t) => {
  const pets = await createTestApp(t, { services: [pet] });
  const { port } = new URL(pets.url);
  const { send } = await createExampleApp(t, {
    config: {
      apps: {
        gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
        pets: { port: Number(port), services: ['pet'] },
      },
    },
  });
  const count = () => new Promise((resolve) => pets.app.server.server.getConnections((_, n) => resolve(n)));
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  await send('POST', '/user/users/', { name: 'Alice' });
  expect((await send('POST', '/user/users/1/pets/1')).status).toBe(200);
  expect(await count()).toBeGreaterThan(1);
  // A server closes unused connections after 72 s, and at the end of a handover. A connection for events stays in use.
  await until(async () => expect(await count()).toBe(1));
  expect(internalLimits.unusedMs).toBeLessThanOrEqual(internalLimits.handOverMs / 2);
});

describe('pipelined requests during a handover', () => {
  const responsesOf = (text: string) =>
    text
      .split('HTTP/1.1 ')
      .slice(1)
      .map((response) => [Number(response.slice(0, 3)), /^connection: (.*)$/im.exec(response)?.[1]]);

  test('are not executed after the last response of their connection', async (t) => {
    const { app, url } = await createExampleApp(t);
    const [writer, reader] = [openSocket(t, url), openSocket(t, url)];
    for (const { write, socket } of [writer, reader]) {
      write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
      await once(socket, 'data');
    }
    const stopped = app.stop('hand over');
    const body = '{"name":"Rex","species":"dog"}';
    const head = `POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    writer.write(`${head}\r\n\r\n${body}`.repeat(3));
    expect(responsesOf(await writer.closed())).toEqual([
      [200, 'keep-alive'],
      [200, 'close'],
    ]);
    reader.write('GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const text = await reader.closed();
    expect(responsesOf(text)).toEqual([
      [200, 'keep-alive'],
      [200, 'close'],
    ]);
    expect(text.match(/"id":/g)).toHaveLength(1);
    await stopped;
  });

  test('get their responses if they are in progress', async (t) => {
    const free = Promise.withResolvers<void>();
    let count = 0;
    const slow = defineService({
      name: 'slow',
      description: 'Responds when the test tells it to',
      migrations: new URL('../../../src/services/user/migrations/', import.meta.url),
      routes(scope) {
        const wait = async () => {
          count += 1;
          await free.promise;
          return {};
        };
        scope.get('/wait', { schema: { hide: true } }, wait);
        scope.post('/wait', { schema: { hide: true } }, wait);
      },
    });
    const { app, url } = await createTestApp(t, { services: [slow] });
    const wire = openSocket(t, url);
    wire.write('GET /slow/wait HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(3));
    await until(() => expect(count).toBe(3));
    const stopped = app.stop('hand over');
    wire.write('POST /slow/wait HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await sleep(50);
    free.resolve();
    const last = ['keep-alive', 'keep-alive', 'close'].map((connection) => [200, connection]);
    expect(responsesOf(await wire.closed())).toEqual(last);
    expect(count).toBe(3);
    await stopped;
  });
});
