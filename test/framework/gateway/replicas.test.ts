import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, type TestContext, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import pet from '../../../src/services/pet/index.ts';
import {
  createExampleApp,
  createTestApp,
  findFreePort,
  type TestApp,
  type TestResponse,
} from '../../support/app.ts';
import { nameHosts } from '../../support/names.ts';
import { listInFlight, openSocket } from '../../support/sockets.ts';
import { until } from '../../support/until.ts';

const { handOverMs } = internalLimits;
const { refreshMs, pause } = internalLimits.addresses;
const setLimits = (limits: object) => Object.assign(internalLimits.addresses, limits);
afterEach(() => {
  setLimits({ refreshMs, pause });
  Object.assign(internalLimits, { handOverMs });
});

const key = 'a-key-of-sixteen-or-more';
const hosts = ['127.0.0.1', '127.0.0.2'] as const;

/** A gateway with the user service, and two replicas of the pet service at one name. */
async function start(t: TestContext, internal: object) {
  const names = nameHosts(t);
  names.set('pets.test', hosts);
  const port = await findFreePort();
  const appsFor = (host: string) => ({
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { host, port, url: `http://pets.test:${port}`, services: ['pet'] },
  });
  const startReplica = (host: string) =>
    createExampleApp(t, { config: { apps: appsFor(host), internal }, app: 'pets' });
  const [one, two] = await Promise.all(hosts.map(startReplica));
  const gateway = await createExampleApp(t, { config: { apps: appsFor(hosts[0]), internal } });
  return { names, gateway, replicas: [one, two] as [TestApp, TestApp], startReplica };
}

/** Sends writes through the gateway, and reads that call the pet service, until it is stopped. */
function startLoad({ send }: TestApp) {
  const statuses = new Map<string, number>();
  let isOver = false;
  const clients = Array.from({ length: 8 }, async (_, client) => {
    while (!isOver) {
      const { status }: TestResponse =
        client % 2 === 0
          ? await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' })
          : await send('GET', '/user/users/1');
      const name = `${client % 2 === 0 ? 'write' : 'read'} ${status}`;
      statuses.set(name, (statuses.get(name) ?? 0) + 1);
    }
  });
  return {
    statuses,
    async stop() {
      isOver = true;
      await Promise.all(clients);
    },
  };
}

const countPets = async ({ get }: TestApp) => ((await get('/pet/pets/')).body as unknown[]).length;

describe.for([
  ['with a common key', { key }],
  ['without one', {}],
] as const)('%s', ([, internal]) => {
  test('replicas that are replaced in turn lose no request', { timeout: 120_000 }, async (t) => {
    setLimits({ pause: { firstMs: 100, maxMs: 500 } });
    // On a busy machine, callers learn later that a replica stops.
    Object.assign(internalLimits, { handOverMs: 30_000 });
    const { gateway, replicas, startReplica } = await start(t, internal);
    for (const { post } of replicas) await post('/pet/pets/', { name: 'Rex', species: 'dog' });
    await gateway.post('/user/users/', { name: 'Alice' });
    await gateway.post('/user/users/1/pets/1');
    const load = startLoad(gateway);
    for (const [index, host] of [...hosts, ...hosts].entries()) {
      await sleep(300);
      await replicas[index % 2]?.app.stop();
      const replica = await startReplica(host);
      replicas[index % 2] = replica;
      await replica.post('/pet/pets/', { name: 'Rex', species: 'dog' });
      // The gateway uses it again within the longest pause.
      await expect.poll(() => countPets(replica), { timeout: 30_000 }).toBeGreaterThan(1);
    }
    await load.stop();
    expect([...load.statuses.keys()].sort()).toEqual(['read 200', 'write 200']);
  });
});

/** Sends a request of the gateway without the end of its body. */
async function holdRequest(t: TestContext, { url, app }: TestApp) {
  const held = openSocket(t, url);
  held.write(
    `POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\nx-internal: gateway ${key}\r\ncontent-length: 2\r\n`,
  );
  held.write('content-type: application/json\r\n\r\n{');
  await until(() => expect(listInFlight(app.server)).toHaveLength(1));
  return held;
}

test('a request that an app rejects because it stops is handled by another replica', async (t) => {
  const { replicas, gateway } = await start(t, { key });
  const [stopping, other] = replicas;
  const held = await holdRequest(t, stopping);
  // Callers have no time to learn that it stops.
  Object.assign(internalLimits, { handOverMs: 0 });
  const drained = stopping.app.server.drain('refuse');
  for (let count = 0; count < 4; count += 1)
    expect((await gateway.post('/pet/pets/', { name: 'Rex', species: 'dog' })).status).toBe(200);
  expect(await countPets(other)).toBe(4);
  held.write('}');
  await drained;
});

test('an app that stops responds to other apps for a while, and tells them to leave', async (t) => {
  const { replicas, gateway } = await start(t, { key });
  const [stopping] = replicas;
  Object.assign(internalLimits, { handOverMs: 60_000 });
  // In flight until the test says so.
  const held = await holdRequest(t, stopping);
  const drained = stopping.app.server.drain('refuse');
  const ask = (sent: string) => stopping.get('/pet/pets/', { 'x-internal': sent });
  for (const caller of ['gateway', 'service']) {
    const { status, headers } = await ask(`${caller} ${key}`);
    expect([status, headers.get('x-draining'), headers.get('connection')]).toEqual([200, '1', 'close']);
  }
  expect((await stopping.get('/pet/pets/')).status).toBe(503);
  expect((await stopping.get('/pet/ready')).status).toBe(503);
  // Clients of the gateway do not see the header.
  for (let count = 0; count < 4; count += 1) {
    const { status, headers } = await gateway.get('/pet/pets/');
    expect([status, headers.get('x-draining')]).toEqual([200, null]);
  }
  held.write('}');
  expect(await held.closed()).toMatch(/^HTTP\/1\.1 422 [\s\S]*x-draining: 1\r\n/);
  await drained;
  await expect(ask(`gateway ${key}`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect((await gateway.post('/pet/pets/', { name: 'Rex', species: 'dog' })).status).toBe(200);
});

test('a service is reachable while one of its addresses is', async (t) => {
  const { gateway, replicas } = await start(t, {});
  const degraded = async () => (await gateway.get('/ready')).body.degraded;
  expect(await degraded()).toEqual([]);
  await replicas[0].app.stop();
  for (let count = 0; count < 4; count += 1) expect(await degraded()).toEqual([]);
  await replicas[1].app.stop();
  expect(await degraded()).toEqual(['pet']);
  const { status, headers } = await gateway.post('/pet/pets/', { name: 'Rex', species: 'dog' });
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
});

test('requests that wait for a connection use an address that comes back', async (t) => {
  setLimits({ pause: { firstMs: 20, maxMs: 20 } });
  const { gateway, replicas, startReplica } = await start(t, {});
  await replicas[0].app.stop();
  const load = startLoad(gateway);
  const replica = await startReplica(hosts[0]);
  await until(async () => expect(await countPets(replica)).toBeGreaterThan(5));
  await load.stop();
  expect(load.statuses.get('write 200')).toBeGreaterThan(5);
  expect([...load.statuses.keys()].filter((name) => name.startsWith('write'))).toEqual(['write 200']);
});

test('a forwarded write whose connection breaks is sent once, and its outcome is unknown', async (t) => {
  const names = nameHosts(t);
  names.set('pets.test', hosts);
  const { createServer } = await import('node:http');
  const port = await findFreePort();
  const seen: string[] = [];
  for (const host of hosts) {
    const server = createServer((request) => {
      if (request.url?.startsWith('/pet/pets')) seen.push(`${request.method}`);
      request.socket.destroy();
    }).listen(port, host);
    t.onTestFinished(() => void server.close());
  }
  const { send } = await createTestApp(t, {
    services: [],
    peers: { pet },
    config: {
      services: { pet: { database: 'sqlite::memory:' } },
      apps: {
        gateway: { port: 0, url: 'http://127.0.0.1:1', services: [] },
        pets: { port, url: `http://pets.test:${port}`, services: ['pet'] },
      },
    },
  });
  expect((await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' })).status).toBe(504);
  expect(seen).toEqual(['POST']);
  expect((await send('GET', '/pet/pets/')).status).toBe(503);
  expect(seen).toEqual(['POST', 'GET', 'GET']);
});
