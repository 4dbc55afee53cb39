import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { describe, expect, type TestContext, test } from 'vitest';
import { internalLimits } from '../../../../src/framework/config/limits.ts';
import { openConcurrencyLimit } from '../../../../src/framework/http/overload/concurrency-limit.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import pet from '../../../../src/services/pet/index.ts';
import user from '../../../../src/services/user/index.ts';
import { createExampleApp, sendRequest, type TestApp, type TestAppOptions } from '../../../support/app.ts';
import { scrape } from '../../../support/prometheus.ts';
import { listInFlight } from '../../../support/sockets.ts';

const key = 'sixteen-or-more-characters';

/** Responds after as many ms as its path says. */
const slow = defineService({
  name: 'slow',
  description: 'Takes its time.',
  routes(scope) {
    const params = Type.Object({ ms: Type.Integer({ minimum: 0, maximum: 20_000 }) });
    scope.get('/wait/:ms', { schema: { hide: true, params } }, async ({ params: { ms } }) => {
      await sleep(ms);
      return { ok: true };
    });
  },
});

const limited = (limits: object, config: object = {}): TestAppOptions => ({
  services: [slow, pet, user],
  config: { limits, ...config },
});

/** Returns a function that sends requests, each on a free connection or on a new one. */
const openClient =
  (url: string) =>
  (path: string, headers: Record<string, string> = {}) =>
    sendRequest(`${url}${path}`, 'GET', undefined, headers);

const count = (responses: readonly { readonly status: number }[], status: number) =>
  responses.filter((response) => response.status === status).length;

const untilInFlight = (app: TestApp['app'], requests: number) =>
  expect.poll(() => listInFlight(app.server).length).toBe(requests);

async function adoptPets({
  send,
}: {
  send: Awaited<ReturnType<typeof createExampleApp>>['send'];
}): Promise<void> {
  const ids: number[] = [];
  for (let index = 0; index < 3; index += 1)
    ids.push((await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' })).body.id);
  await send('POST', '/user/users/', { name: 'Alice' });
  expect((await send('PATCH', '/user/users/1', { pets_ids: ids })).status).toBe(200);
}

describe('with as many requests in progress as the limit', () => {
  test('the server rejects the next immediately with 503, Retry-After and a problem, and logs it once', async (t) => {
    const { app, url, logs } = await createExampleApp(t, limited({ requests: 2 }));
    const get = openClient(url);
    let ended = 0;
    const admitted = [get('/slow/wait/3000'), get('/slow/wait/3000')];
    for (const response of admitted) void response.then(() => (ended += 1));
    await untilInFlight(app, 2);
    const rejected = await get('/slow/wait/400?secret=1', { 'x-request-id': 'abc' });
    expect(ended).toBe(0);
    expect({ ...rejected, headers: Object.fromEntries(rejected.headers) }).toMatchObject({
      status: 503,
      headers: {
        'retry-after': '1',
        'x-request-id': 'abc',
        'content-type': 'application/problem+json; charset=utf-8',
        connection: 'keep-alive',
      },
    });
    expect(rejected.body).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'The server is busy',
      instance: '/slow/wait/400',
    });
    const odd = await get('/"[%zz]?secret=1');
    expect([odd.status, odd.body.instance]).toEqual([503, '/%22%5B%25zz%5D']);
    expect(count(await Promise.all(admitted), 200)).toBe(2);
    expect((await get('/slow/wait/0')).status).toBe(200);
    expect(logs.filter(({ reqId }) => reqId === 'abc')).toMatchObject([
      {
        msg: 'request',
        service: 'gateway',
        level: 'info',
        method: 'GET',
        path: '/slow/wait/400',
        status: 503,
      },
    ]);
    expect(logs.filter(({ msg }) => msg === 'request')).toHaveLength(5);
  });

  test('/health and /ready of the gateway and of each service respond, in every form of the path', async (t) => {
    const { app, url } = await createExampleApp(t, limited({ requests: 1 }));
    const get = openClient(url);
    get('/slow/wait/5000').catch(() => {});
    await untilInFlight(app, 1);
    for (const path of ['/health', '/health/', '/pet/health', '/user/health?x=/', '/ready', '/pet/ready/'])
      expect([path, (await get(path)).status]).toEqual([path, 200]);
    for (const path of ['/healthy', '/pet', '/docs', '/openapi.json'])
      expect([path, (await get(path)).status]).toEqual([path, 503]);
  });

  test('a request whose client disconnects no longer counts, so the next one is admitted', async (t) => {
    const { app, url } = await createExampleApp(t, limited({ requests: 1 }));
    const get = openClient(url);
    for (let time = 0; time < 5; time += 1) {
      const aborted = request(`${url}/slow/wait/3000`);
      aborted.on('error', () => {});
      aborted.end();
      await untilInFlight(app, 1);
      expect((await get('/slow/wait/0')).status).toBe(503);
      aborted.destroy();
      await expect.poll(async () => (await get('/slow/wait/0')).status).toBe(200);
    }
  });

  test('calls of a service for an admitted request are never rejected', async (t) => {
    const built = await createExampleApp(t, limited({ requests: 1 }, { calls: { deadline: 20_000 } }));
    await adoptPets(built);
    const get = openClient(built.url);
    // Of 50 concurrent requests the server admits one at a time, and each admitted request calls the pet service.
    const statuses = new Map<number, number>();
    for (let round = 0; round < 10; round += 1) {
      const responses = await Promise.all(Array.from({ length: 50 }, () => get('/user/users/1')));
      for (const { status, body } of responses) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200) expect(body.pets).toHaveLength(3);
        else expect(body.detail).toBe('The server is busy');
      }
    }
    expect([...statuses.keys()].sort()).toEqual([200, 503]);
    expect(statuses.get(200)).toBeGreaterThanOrEqual(10);
    expect(built.logs.filter(({ msg }) => msg === 'call failed')).toEqual([]);
  });

  test('a client that claims to be a service is rejected unless it sends the internal credential', async (t) => {
    const { app, url } = await createExampleApp(t, limited({ requests: 1 }, { internal: { key } }));
    const get = openClient(url);
    get('/slow/wait/5000').catch(() => {});
    await untilInFlight(app, 1);
    const statusWith = async (value: string) =>
      (await get('/pet/pets/', { 'x-hops': '1', 'x-internal': value })).status;
    for (const value of ['', key, 'service', `service ${key}x`, `service ${key.slice(1)}x`, `gateway ${key}`])
      expect([value, await statusWith(value)]).toEqual([value, 503]);
    expect(await statusWith(`service ${key}`)).toBe(200);
  });
});

test('a busy server admits only as many requests as end in time, until it is idle again', async (t) => {
  const limit = openConcurrencyLimit({
    ...{ requests: 1_000, wait: 50, unread: 1_048_576 },
    time: { handler: 15_000 },
  });
  t.onTestFinished(limit.close);
  for (let index = 0; index < 100; index += 1) limit.enter();
  const isFull = () => limit.findExcess() !== undefined;
  const begun = performance.now();
  while (!isFull() && performance.now() - begun < 10_000) {
    const end = performance.now() + 20;
    while (performance.now() < end);
    limit.leave();
    limit.enter();
    await new Promise((wake) => setImmediate(wake));
  }
  expect(isFull()).toBe(true);
  await expect.poll(isFull).toBe(false);
});

test('requests that wait for a timer or a peer do not lower the limit', async (t) => {
  const { app, url } = await createExampleApp(t, limited({ requests: 200, wait: 1 }));
  const get = openClient(url);
  // After this the requests are no longer a burst.
  await sleep(700);
  let isOver = false;
  const clients = Array.from({ length: 120 }, async () => {
    // If the machine is busy with other work, the server counts as busy too, and may reject some requests.
    while (!isOver && (await get('/slow/wait/5000')).status === 503) await sleep(50);
  });
  await expect.poll(() => app.server.inFlight.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(120);
  isOver = true;
  for (const { reply } of app.server.inFlight) reply.raw.destroy();
  await Promise.allSettled(clients);
});

describe('with more connections than the limit', () => {
  const open = async (t: TestContext, url: string): Promise<Socket> => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  const exchange = async (socket: Socket, path: string, header = ''): Promise<string> => {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${header}\r\n`);
    return String((await once(socket, 'data'))[0]);
  };

  test('a request on the next one gets 503 and the server closes it, until another connection is closed', async (t) => {
    const { url } = await createExampleApp(t, limited({ connections: 3 }));
    const sockets = [await open(t, url), await open(t, url), await open(t, url)];
    for (const socket of sockets) expect(await exchange(socket, '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
    const next = await open(t, url);
    const rejected = await exchange(next, '/pet/pets/');
    expect(rejected).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1\r\n[\s\S]*connection: close\r\n/i);
    expect(rejected).toContain('The server is busy');
    await once(next, 'close');
    // Connections within the limit still work.
    for (const socket of sockets) expect(await exchange(socket, '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
    const health = await exchange(await open(t, url), '/health');
    expect(health).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close\r\n/i);
    sockets[0]?.destroy();
    const isAdmitted = async () => (await exchange(await open(t, url), '/pet/pets/')).slice(0, 12);
    await expect.poll(isAdmitted).toBe('HTTP/1.1 200');
  });

  test('silent connections are limited too, and calls between services still succeed', async (t) => {
    const built = await createExampleApp(t, limited({ connections: 20 }));
    await adoptPets(built);
    // Connections of the helper that adopted pets may still be open, so open more than the limit.
    const silent: Socket[] = [];
    for (let index = 0; index < 100; index += 1) silent.push(await open(t, built.url));
    const alive = () => silent.filter(({ destroyed, readyState }) => !destroyed && readyState === 'open');
    await expect.poll(() => alive().length).toBeLessThanOrEqual(40);
    const [held] = alive() as [Socket];
    const responses = [await exchange(held, '/user/users/1'), await exchange(held, '/user/users/1')];
    for (const response of responses) expect(response).toMatch(/^HTTP\/1\.1 200 [\s\S]*"name":"Rex"/);
  });

  test('the connection that has been idle for the longest time is closed for a new one', async (t) => {
    const { app, url } = await createExampleApp(t, limited({ connections: 3 }));
    const sockets = [await open(t, url), await open(t, url), await open(t, url)];
    const [first, second, third] = sockets as [Socket, Socket, Socket];
    for (const socket of sockets) expect(await exchange(socket, '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
    // The first connection is older, but was used later than the second.
    expect(await exchange(first, '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
    /** Keeps a connection in use. */
    const hold = async (socket: Socket, held: number) => {
      socket.write('GET /slow/wait/20000 HTTP/1.1\r\nhost: localhost\r\n\r\n');
      await expect.poll(() => app.server.inFlight.length).toBe(held);
    };
    await hold(third, 1);
    await sleep(internalLimits.idleMs + 50);
    const closed = [once(second, 'close'), once(first, 'close')];
    await hold(await open(t, url), 2);
    await closed[0];
    expect(first.destroyed).toBe(false);
    await hold(await open(t, url), 3);
    await closed[1];
    // Now all three are in use.
    expect(await exchange(await open(t, url), '/pet/pets/')).toMatch(/^HTTP\/1\.1 503 /);
    const { sum } = await scrape(url);
    expect(sum('http_connections_closed_total', 'reason').idle).toBe(2);
  });

  test('a connection that has sent no request for a second is closed for a new one', async (t) => {
    const { url } = await createExampleApp(t, limited({ connections: 2 }));
    const [silent, slow] = [await open(t, url), await open(t, url)];
    slow.write('GET /pet/pets/ HTTP/1.1\r\n');
    await sleep(internalLimits.idleMs + 50);
    const closed = [once(silent, 'close'), once(slow, 'close')];
    const next = await open(t, url);
    expect(await exchange(next, '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
    await closed[0];
    expect(slow.destroyed).toBe(false);
    expect(await exchange(await open(t, url), '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
    await closed[1];
    // The count is right: two connections are open, and none has been idle for long enough.
    expect(await exchange(await open(t, url), '/pet/pets/')).toMatch(/^HTTP\/1\.1 503 /);
    expect(await exchange(next, '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('internal connections do not count', async (t) => {
    const { url } = await createExampleApp(t, limited({ connections: 2 }, { internal: { key } }));
    const internal: Socket[] = [];
    for (let index = 0; index < 6; index += 1) {
      const socket = await open(t, url);
      internal.push(socket);
      const caller = index % 2 === 0 ? 'service' : 'gateway';
      expect(await exchange(socket, '/pet/pets/', `x-internal: ${caller} ${key}\r\n`)).toMatch(
        /^HTTP\/1\.1 200 /,
      );
    }
    expect(await exchange(await open(t, url), '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await exchange(await open(t, url), '/pet/pets/')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await exchange(await open(t, url), '/pet/pets/')).toMatch(/^HTTP\/1\.1 503 /);
    for (const socket of internal) socket.destroy();
  });
});

describe('a client that sends more requests than limits.rate', () => {
  const get = async (url: string, path: string, headers = {}) =>
    sendRequest(`${url}${path}`, 'GET', undefined, headers);

  test('gets 429 with a problem and Retry-After, for every path that is not exempt', async (t) => {
    const { url, logs } = await createExampleApp(t, limited({ rate: 5 }));
    for (let index = 0; index < 5; index += 1) expect((await get(url, '/pet/pets/')).status).toBe(200);
    for (const path of ['/pet/pets/', '/nowhere', '/docs']) {
      const { status, headers, body } = await get(url, path);
      expect(status).toBe(429);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      expect(body).toMatchObject({ status: 429, title: 'Too Many Requests', instance: path });
    }
    expect((await get(url, '/health')).status).toBe(200);
    expect((await get(url, '/pet/ready')).status).toBe(200);
    const rejected = logs.filter(({ msg, status }) => msg === 'request' && status === 429);
    expect(rejected.map(({ path }) => path)).toEqual(['/pet/pets/', '/nowhere', '/docs']);
  });

  test('is identified by its address, and by x-forwarded-for only if a configured proxy sent it', async (t) => {
    const direct = await createExampleApp(t, limited({ rate: 3 }));
    const getAs = (url: string, client: string) => get(url, '/pet/', { 'x-forwarded-for': client });
    for (const client of ['1.1.1.1', '1.1.1.2', '1.1.1.3'])
      expect((await getAs(direct.url, client)).status).toBe(200);
    expect((await getAs(direct.url, '1.1.1.4')).status).toBe(429);

    const behind = await createExampleApp(t, limited({ rate: 1 }, { proxies: ['127.0.0.0/8'] }));
    for (const client of ['1.1.1.1', '1.1.1.2', '6.6.6.6, 1.1.1.3'])
      expect((await getAs(behind.url, client)).status).toBe(200);
    expect((await getAs(behind.url, '1.1.1.2')).status).toBe(429);
    // The client may send the header too; only the last address comes from the proxy.
    expect((await getAs(behind.url, '7.7.7.7, 1.1.1.3')).status).toBe(429);
    // Some proxies add the port of each connection.
    for (const client of ['1.1.1.1:4711', '1.1.1.2:80', '7.7.7.7:1, 1.1.1.3:2'])
      expect((await getAs(behind.url, client)).status).toBe(429);
    for (const client of ['[2001:db8::1]:80', '[2001:db8::2]:80'])
      expect((await getAs(behind.url, client)).status).toBe(200);
    expect((await getAs(behind.url, '[2001:db8::1]:81')).status).toBe(429);
    // Other spellings of 1.1.1.1 and of 2001:db8::1.
    for (const client of ['::ffff:101:101', '::FFFF:1.1.1.1', '[::ffff:101:101]:80', '2001:DB8:0:0::1'])
      expect([client, (await getAs(behind.url, client)).status]).toEqual([client, 429]);
  });

  test('does not count the calls that its requests cause', async (t) => {
    const built = await createExampleApp(t, limited({ rate: 20 }));
    await adoptPets(built);
    for (let index = 0; index < 10; index += 1)
      expect((await get(built.url, '/user/users/1')).status).toBe(200);
  });

  test('is not limited on loopback, where limits.rate is 0 by default', async (t) => {
    // On a machine that is busy with other tests the server would reject some requests.
    const { url } = await createExampleApp(t, limited({ wait: 60_000 }));
    const client = openClient(url);
    for (let round = 0; round < 70; round += 1)
      expect(count(await Promise.all(Array.from({ length: 100 }, () => client('/pet/'))), 200)).toBe(100);
  });
});
