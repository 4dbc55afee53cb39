import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import Fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { mergeExpositions } from '../../../src/framework/metrics/cluster.ts';
import { createMetrics } from '../../../src/framework/metrics/registry.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { allGroupings, type Grouping, startGrouping } from '../../e2e/groupings/helper.ts';
import { createExampleApp, createTestApp, makeFolder, sendRequest as sendTo } from '../../support/app.ts';
import { known, readKnown, readMetrics, scrape, sendKnown } from '../../support/prometheus.ts';

/** Responds after the number of milliseconds in its path. */
const slow = defineService({
  name: 'slow',
  description: 'Responds slowly.',
  routes(scope) {
    const params = Type.Object({ ms: Type.Integer({ minimum: 0, maximum: 5_000 }) });
    scope.get('/wait/:ms', { schema: { hide: true, params } }, async ({ params: { ms } }) => {
      await sleep(ms);
      return { ok: true };
    });
  },
});

/** Requests a path that fetch would normalize: `..` is sent unchanged. */
function requestUnchanged(url: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

const requests = ['service', 'method', 'route', 'status'] as const;
const countOf = 'http_request_duration_seconds_count';

describe('the metrics of known requests', () => {
  test('count exactly what was sent, and paths that a client invents create no series', async (t) => {
    const folder = makeFolder(t);
    const file = (name: string) => ({ database: `sqlite:${join(folder, name)}.db` });
    const { url } = await createExampleApp(t, {
      config: { services: { pet: file('pet'), user: file('user') } },
    });
    await sendKnown(url);
    await expect.poll(async () => readKnown(await scrape(url))).toEqual(known);
    const { sum } = await scrape(url);
    const sizeOf = (name: string) => statSync(join(folder, name)).size;
    const sizes = { pet: sizeOf('pet.db'), user: sizeOf('user.db') };
    const walSizes = { pet: sizeOf('pet.db-wal'), user: sizeOf('user.db-wal') };
    expect(walSizes.pet).not.toBe(sizes.pet);
    expect(sum('database_size_bytes', 'service')).toEqual(sizes);
    expect(sum('database_wal_size_bytes', 'service')).toEqual(walSizes);
    // Only series of requests: the process may get a new series meanwhile, for another kind of garbage collection.
    const countSeries = async () =>
      (await scrape(url)).series.filter(({ name }) => name.startsWith('http_request_duration')).length;
    const count = await countSeries();
    for (let index = 0; index < 50; index += 1) {
      await sendTo(`${url}/nowhere-${index}?${index}`, 'GET');
      await sendTo(`${url}/pet/pets/${10_000 + index}`, 'GET');
      await sendTo(`${url}/pet/%zz${index}`, 'GET');
    }
    // Two new series of the gateway: requests without a route, and requests with a malformed path.
    await expect
      .poll(async () => (await scrape(url)).sum(countOf, ...requests))
      .toMatchObject({
        'gateway GET unknown 404': 50,
        'pet GET /pet/pets/:pet_id 404': 52,
        'gateway GET unknown 400': 50,
      });
    expect((await countSeries()) - count).toBe(2 * 16);
  });

  test('count each of several concurrent writes that share a commit', async (t) => {
    const { url, send } = await createExampleApp(t);
    await Promise.all(
      Array.from({ length: 20 }, () => send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' })),
    );
    const { sum } = await scrape(url);
    // The consumer reads the feed meanwhile, which writes too.
    expect(sum('database_commit_writes_sum', 'service').pet).toBeGreaterThanOrEqual(20);
    expect(sum('database_commit_writes_count', 'service').pet).toBeLessThan(20);
    // A database in memory has no file, so no size.
    expect(sum('database_size_bytes', 'service')).toEqual({});
  });

  const apart = allGroupings.find(({ name }) => name === 'each service in a separate app') as Grouping;
  test('are the same with each service in a separate process, and clients of the gateway cannot read them', async (t) => {
    const { url, apps } = await startGrouping(t, apart, { files: true });
    const urls = [...apps.values()].map((app) => app.url);
    await sendKnown(url);
    const all = async () => {
      const texts = await Promise.all(urls.map(async (one) => (await scrape(one)).text));
      return readMetrics(mergeExpositions(texts));
    };
    await expect.poll(async () => readKnown(await all())).toEqual(known);
    const { sum } = await all();
    const forwarded = Object.entries(sum(countOf, 'service', 'route')).filter(([key]) =>
      /^gateway .*\*/.test(key),
    );
    const sent = Object.values(known.requests).reduce((total, count) => total + count, 0) - 7;
    expect(forwarded.map(([, count]) => count).reduce((total, count) => total + count, 0)).toBe(sent);

    const petMetrics = (await scrape(`${apps.get('pets')?.url}`)).text;
    expect(petMetrics).toContain('service="pets"');
    for (const path of [
      ...[
        '/pet/metrics',
        '/pet/metrics/',
        '/pet//metrics',
        '/pet/../metrics',
        '/pet/./../metrics',
        '/pet/%2e%2e/metrics',
      ],
      ...[
        '/pet/..%2fmetrics',
        '/pet/%2e%2e%2fmetrics',
        '/pet/..;/metrics',
        '/pet/..\\metrics',
        '/pets/metrics',
      ],
    ]) {
      const { status, body } = await requestUnchanged(url, path);
      expect(status, path).toBeGreaterThanOrEqual(400);
      expect(body, path).not.toContain('http_request_duration');
    }
  });
});

describe('the metrics of a running app', () => {
  test('count requests in flight by service, and a request whose client disconnected as aborted', async (t) => {
    const { url } = await createTestApp(t, { services: [slow] });
    const disconnect = new AbortController();
    const sent = [
      fetch(`${url}/slow/wait/4000`),
      fetch(`${url}/slow/wait/4000`, { signal: disconnect.signal }).catch(() => {}),
    ];
    const inFlight = async () => (await scrape(url)).sum('http_requests_in_flight', 'service');
    await expect.poll(inFlight).toEqual({ slow: 2, gateway: 1 });
    disconnect.abort();
    await Promise.all(sent);
    await expect.poll(inFlight).toEqual({ gateway: 1 });
    const { sum } = await scrape(url);
    expect(sum(countOf, 'route', 'status')).toMatchObject({
      '/slow/wait/:ms 200': 1,
      '/slow/wait/:ms aborted': 1,
    });
    expect(sum('http_request_duration_seconds_sum', 'route', 'status')['/slow/wait/:ms 200']).toBeGreaterThan(
      3.9,
    );
    // The unit is seconds, not milliseconds.
    expect(sum('http_request_duration_seconds_sum', 'route', 'status')['/slow/wait/:ms 200']).toBeLessThan(
      60,
    );
  });

  test('count rejected requests, and are themselves exempt from limits', async (t) => {
    const { url, send } = await createTestApp(t, {
      services: [slow],
      config: { limits: { requests: 1, rate: 3 } },
    });
    const busy = send('GET', '/slow/wait/5000');
    await expect.poll(async () => (await scrape(url)).sum('http_requests_in_flight', 'service').slow).toBe(1);
    for (let index = 0; index < 4; index += 1) expect((await send('GET', '/slow/')).status).toBe(503);
    expect((await scrape(url)).sum('http_requests_rejected_total', 'service', 'reason')).toEqual({
      'gateway requests': 4,
      'gateway connections': 0,
      'gateway unread': 0,
    });
    expect((await busy).status).toBe(200);
    // A client that exceeds its rate limit can still scrape.
    const statuses: number[] = [];
    for (let index = 0; index < 4; index += 1) statuses.push((await send('GET', '/slow/')).status);
    expect(statuses).toContain(429);
    await scrape(url);
  });

  test('show event-loop lag', async (t) => {
    const { url } = await createExampleApp(t);
    const end = performance.now() + 400;
    while (performance.now() < end);
    const countLate = async () => {
      const { sum } = await scrape(url);
      const [upTo, all] = ['0.25', '+Inf'].map((le) => sum('nodejs_eventloop_lag_seconds_bucket', 'le')[le]);
      return (all as number) - (upTo as number);
    };
    await expect.poll(countLate).toBeGreaterThanOrEqual(1);
    const { sum } = await scrape(url);
    expect(sum('nodejs_eventloop_lag_seconds_sum', 'service').gateway).toBeLessThan(60);
    expect(sum('process_resident_memory_bytes', 'service').gateway).toBeGreaterThan(1e7);
  });
});

test('metrics are rendered at most once a second, also for concurrent scrapes', async (t) => {
  const { url } = await createExampleApp(t);
  const begun = performance.now();
  const get = async () => (await sendTo(`${url}/metrics`, 'GET')).body;
  const texts = new Set(await Promise.all(Array.from({ length: 50 }, get)));
  for (let time = 0; time < 20; time += 1) texts.add(await get());
  // Each newly rendered text differs, because it contains the CPU time used so far.
  expect(texts.size).toBeLessThanOrEqual(Math.ceil((performance.now() - begun) / internalLimits.metricsMs));
  await sleep(internalLimits.metricsMs);
  expect(texts).not.toContain(await get());
});

test('scrapes that arrive while the text is being rendered share it', async (t) => {
  let gathered = 0;
  let text: Promise<string> = Promise.resolve('');
  const gather = () => {
    gathered += 1;
    return text;
  };
  const server = Fastify();
  let arrived = 0;
  server.addHook('preHandler', async () => {
    arrived += 1;
  });
  await server.register(async (scope) =>
    createMetrics({ label: 'gateway', maxAgeMs: internalLimits.metricsMs, gather }).addTo(scope),
  );
  t.onTestFinished(() => server.close());
  const url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/metrics`;
  await sendTo(url, 'GET');
  await sleep(internalLimits.metricsMs + 50);
  const { promise, resolve } = Promise.withResolvers<string>();
  text = promise;
  const responses = Array.from({ length: 5 }, () => sendTo(url, 'GET'));
  await expect.poll(() => arrived).toBe(6);
  resolve('up 1\n');
  for (const { body } of await Promise.all(responses)) expect(body).toBe('up 1\n');
  expect(gathered).toBe(2);
});

test('a service that uses an operation of a peer twice has one series, which counts each call once', async (t) => {
  const twice = defineService({
    name: 'user',
    description: 'Calls twice.',
    peers: ['pet'],
    routes(scope, { peers }) {
      const list = [peers.pet.listPets, peers.pet.listPets];
      scope.get('/both', { schema: { hide: true } }, async () => Promise.all(list.map((one) => one({}))));
    },
  });
  const { default: pet } = await import('../../../src/services/pet/index.ts');
  const { url, send } = await createTestApp(t, { services: [pet, twice] });
  expect((await send('GET', '/user/both')).body).toEqual([[], []]);
  expect((await scrape(url)).sum('service_call_duration_seconds_count', 'operation', 'outcome')).toEqual({
    'GET /pet/pets/ ok': 2,
  });
});

test('metrics can be disabled, and no OpenAPI document shows them', async (t) => {
  const { url, send } = await createExampleApp(t, { config: { metrics: false } });
  expect((await send('GET', '/metrics')).status).toBe(404);
  expect((await send('GET', '/pet/pets/')).status).toBe(200);
  expect((await sendTo(`${url}/openapi.json`, 'GET')).body.paths).not.toHaveProperty('/metrics');
  const on = await createExampleApp(t);
  expect(JSON.stringify((await on.send('GET', '/openapi.json')).body)).not.toContain('/metrics');
  await scrape(`${on.url}`);
  expect((await on.send('GET', '/metrics/')).status).toBe(200);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
test.skipIf(!hasPromtool)('promtool accepts the metrics', async (t) => {
  const { url } = await createExampleApp(t);
  await sendKnown(url);
  const { text } = await scrape(url);
  const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  expect(`${stdout}${stderr}`).toBe('');
  expect(status).toBe(0);
});
