import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { checkReadiness } from '../../../src/framework/service/readiness.ts';
import pet from '../../../src/services/pet/index.ts';
import { createExampleApp, createTestApp } from '../../support/app.ts';
import { openSocket } from '../../support/sockets.ts';

const key = 'a-key-of-sixteen-or-more';

test('the gateway and each service say what was checked, and how it went', async (t) => {
  const { send } = await createExampleApp(t);
  expect((await send('GET', '/ready')).body).toEqual({
    status: 'OK',
    checks: { 'pet.database': 'OK', 'user.database': 'OK', 'user.pet': 'OK' },
    degraded: [],
  });
  expect((await send('GET', '/pet/ready')).body.checks).toEqual({ database: 'OK' });
  expect((await send('GET', '/user/ready')).body.checks).toEqual({ database: 'OK', pet: 'OK' });
});

test('a gateway names each service that it forwards to, and whether the app of that service responds', async (t) => {
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

test('checks are listed in the order of their declaration, not in that of their results', async () => {
  const slow = () => new Promise<'OK'>((resolve) => setTimeout(() => resolve('OK'), 30));
  const { checks } = await checkReadiness({
    database: async () => void (await slow()),
    peers: { slow, fast: async () => 'OK' },
  });
  expect(Object.keys(checks)).toEqual(['database', 'slow', 'fast']);
});

test('a database that fails is a check that failed, named without the reason', async () => {
  const database = () => {
    throw new Error('/secret/path/pet.db is gone');
  };
  expect(await checkReadiness({ database, peers: {} })).toEqual({
    status: 'failed',
    checks: { database: 'failed' },
    degraded: [],
  });
});

test('a peer that is away leaves the service ready and degraded; a peer that breaks its contract does not', async () => {
  const check = (peers: Parameters<typeof checkReadiness>[0]['peers']) =>
    checkReadiness({ database: async () => {}, peers });
  expect(await check({ toy: async () => 'unreachable', pet: async () => 'unreachable' })).toEqual({
    status: 'OK',
    checks: { database: 'OK', toy: 'unreachable', pet: 'unreachable' },
    degraded: ['pet', 'toy'],
  });
  expect(await check({ pet: async () => 'broken' })).toMatchObject({ status: 'failed', degraded: [] });
});

test('while it stops, health answers and ready is a 503 with the same facts', async (t) => {
  const { send, app, url } = await createExampleApp(t, { config: { internal: { key } } });
  // In flight: half of its body has come.
  const { write } = openSocket(t, url);
  write(
    'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{',
  );
  await vi.waitFor(() => expect(app.server.inFlight).toHaveLength(1));
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

  const refused = await send('GET', '/pet/pets/');
  expect(refused.status).toBe(503);
  expect(refused.body.detail).toBe('The server is stopping');
  // Requests in flight may still need the peers.
  const nested = (sent: string) =>
    send('GET', '/pet/pets/', undefined, { 'x-hops': '1', 'x-internal': sent });
  expect((await nested(`service ${key}`)).status).toBe(200);
  // But what only says so is from outside, and so is what a gateway forwards.
  for (const sent of [`service ${key}x`, `gateway ${key}`, key, ''])
    expect((await nested(sent)).status).toBe(503);
  write('}');
  await drained;
});

test('where another instance takes over, what comes on an old connection is answered, and told it is the last', async (t) => {
  const { app, url } = await createExampleApp(t);
  const { Agent, request } = await import('node:http');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.onTestFinished(() => agent.destroy());
  const ask = () =>
    new Promise<[number | undefined, string | undefined]>((resolve, reject) => {
      request(`${url}/pet/pets/`, { agent }, (answer) => {
        answer.resume().on('end', () => resolve([answer.statusCode, answer.headers.connection]));
      })
        .on('error', reject)
        .end();
    });
  expect(await ask()).toEqual([200, 'keep-alive']);
  const stopped = app.stop('hand over');
  expect(await ask()).toEqual([200, 'close']);
  await stopped;
  await expect(ask()).rejects.toThrow('ECONNREFUSED');
});

test.for(['refuse', 'hand over'] as const)('nothing begins any more where it ends: %s', async (mode, t) => {
  const { app, url } = await createExampleApp(t, { config: { internal: { key } } });
  const [unused, new_] = [openSocket(t, url), openSocket(t, url)];
  unused.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(unused.socket, 'data');
  await app.server.drain(mode);
  if (mode === 'hand over') await unused.closed(100);
  // Of what it needs, something may be closed already.
  new_.write(`POST /pet/pets/1/treat HTTP/1.1\r\nhost: localhost\r\nx-internal: service ${key}\r\n\r\n`);
  expect(await new_.closed()).toMatch(/^HTTP\/1\.1 503 [\s\S]*The server is stopping/);
});

test('apps let go of the connections to each other that they do not use, so that no server has to cut one', async (t) => {
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
  // Half of what a server waits for while it hands over.
  await vi.waitFor(async () => expect(await count()).toBe(0), { timeout: 1_000 });
});

describe('of requests one behind the other on a connection, where another instance takes over', () => {
  const answersOf = (text: string) =>
    text
      .split('HTTP/1.1 ')
      .slice(1)
      .map((answer) => [Number(answer.slice(0, 3)), /^connection: (.*)$/im.exec(answer)?.[1]]);

  test('none behind that which is answered last is carried out', async (t) => {
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
    expect(answersOf(await writer.closed())).toEqual([
      [200, 'keep-alive'],
      [200, 'close'],
    ]);
    reader.write('GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const text = await reader.closed();
    expect(answersOf(text)).toEqual([
      [200, 'keep-alive'],
      [200, 'close'],
    ]);
    expect(text.match(/"id":/g)).toHaveLength(1);
    await stopped;
  });

  test('all that were in work are answered', async (t) => {
    const free = Promise.withResolvers<void>();
    let count = 0;
    const slow = defineService({
      name: 'slow',
      description: 'Answers when it is told to',
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
    await vi.waitFor(() => expect(count).toBe(3));
    const stopped = app.stop('hand over');
    wire.write('POST /slow/wait HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await sleep(50);
    free.resolve();
    const last = ['keep-alive', 'keep-alive', 'close'].map((connection) => [200, connection]);
    expect(answersOf(await wire.closed())).toEqual(last);
    expect(count).toBe(3);
    await stopped;
  });
});
