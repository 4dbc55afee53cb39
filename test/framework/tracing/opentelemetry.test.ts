import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from '@opentelemetry/semantic-conventions';
import { ATTR_DB_SYSTEM, ATTR_URL_TEMPLATE } from '@opentelemetry/semantic-conventions/incubating';
import { expect, type TestContext, test } from 'vitest';
import { openTraces } from '../../../src/framework/tracing/opentelemetry.ts';
import { captureLog, createExampleApp, findFreePort, sendRequest } from '../../support/app.ts';
import { makeTrace, startCollector } from '../../support/collector.ts';

/** The product with a collector; `collect` stops it, so that all it has recorded is there. */
async function buildTraced(t: TestContext, { ratio = 1, more = {} } = {}) {
  const collector = await startCollector(t);
  const built = await createExampleApp(t, { config: { traces: { url: collector.url, ratio }, ...more } });
  return {
    ...built,
    async collect() {
      await built.app.stop();
      return collector.spans;
    },
  };
}

/** What is no `traceparent`. */
const unreadable = [
  'rubbish',
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01, 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
];

/** A pet service that runs elsewhere, and keeps the headers of what it is asked. */
async function startPets(t: TestContext) {
  const asked: Record<string, unknown>[] = [];
  const server = createServer(({ url, headers }, response) => {
    // Not for its document.
    if (url?.startsWith('/pet/pets/')) asked.push(headers);
    response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const apps = {
    gateway: { port: await findFreePort(), services: ['user'] },
    pets: { port, services: ['pet'] },
  };
  return { asked, apps };
}

/** Has a service ask another: the pets of a user, who has one. */
async function askPets(url: string, headers: Record<string, string>): Promise<void> {
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  await sendRequest(`${url}/user/users/1`, 'PATCH', { pets_ids: [] });
  await sendRequest(`${url}/user/users/1/pets/1`, 'POST', undefined, headers);
}

test.for(unreadable)('a traceparent that cannot be read is as none: %s', async (traceparent, t) => {
  const { url, collect } = await buildTraced(t);
  expect((await sendRequest(`${url}/health`, 'GET', undefined, { traceparent })).status).toBe(200);
  const [span, ...others] = await collect();
  expect(others).toEqual([]);
  expect(span).toMatchObject({ service: 'gateway', parentSpanId: '' });
  expect(span?.traceId).not.toMatch(/^0af765/);
});

test('a traceparent of a version to come is read as far as it is known', async (t) => {
  const { url, collect } = await buildTraced(t);
  const traceparent = '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more';
  await sendRequest(`${url}/health`, 'GET', undefined, { traceparent });
  expect(await collect()).toMatchObject([
    { traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' },
  ]);
});

test('what a client does not want recorded is recorded nowhere, and every service is told', async (t) => {
  const { asked, apps } = await startPets(t);
  const { url, logs, collect } = await buildTraced(t, { more: { apps } });
  const { traceId, headers } = makeTrace('00');
  await askPets(url, { ...headers, tracestate: 'vendor=1' });
  expect(asked).toContainEqual(
    expect.objectContaining({
      traceparent: expect.stringMatching(`^00-${traceId}-[0-9a-f]{16}-00$`),
      tracestate: 'vendor=1',
    }),
  );
  expect((await collect()).filter((span) => span.traceId === traceId)).toEqual([]);
  expect(logs.filter((line) => line.trace_id === traceId)).toEqual([]);
});

test('what is forwarded carries the trace that begins here, and nothing of one that cannot be read', async (t) => {
  const { asked, apps } = await startPets(t);
  const { url, collect } = await buildTraced(t, { more: { apps } });
  await sendRequest(`${url}/pet/pets/`, 'GET', undefined, { traceparent: 'rubbish', tracestate: 'vendor=1' });
  const client = (await collect()).find(({ kind }) => kind === 3);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ traceparent: `00-${client?.traceId}-${client?.spanId}-01` });
  expect(asked[0]).not.toHaveProperty('tracestate');
});

test('what a client wants recorded is recorded as the ratio has it, and what our own want, always', async (t) => {
  const key = 'sixteen-or-more-characters';
  const { url, collect } = await buildTraced(t, { ratio: 0, more: { internal: { key } } });
  const outside = makeTrace();
  const inside = makeTrace();
  await sendRequest(`${url}/health`, 'GET', undefined, outside.headers);
  await sendRequest(`${url}/health`, 'GET', undefined, { ...inside.headers, 'x-internal': `gateway ${key}` });
  expect((await collect()).map(({ traceId }) => traceId)).toEqual([inside.traceId]);
});

test('of the traces that begin here, the ratio is recorded, each as a whole', async (t) => {
  const { url, collect } = await buildTraced(t, { ratio: 0.5 });
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  await Promise.all(Array.from({ length: 200 }, () => sendRequest(`${url}/pet/pets/1`, 'GET')));
  const spans = await collect();
  const reads = spans.filter(({ name }) => name === 'GET /pet/pets/:pet_id');
  // Of 200 at even odds: to be outside happens once in 10^9 runs.
  expect(reads.length).toBeGreaterThan(56);
  expect(reads.length).toBeLessThan(144);
  const statements = spans.filter(({ name }) => name === 'SELECT pet');
  expect(statements.map(({ parentSpanId }) => parentSpanId).sort()).toEqual(
    reads.map(({ spanId }) => spanId).sort(),
  );
});

test('attributes are named as the conventions have it, and are those of the request', async (t) => {
  const { url, collect } = await buildTraced(t);
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  await sendRequest(`${url}/user/users/1/pets/1?a=b`, 'POST');
  await sendRequest(`${url}/pet/nowhere`, 'GET');
  const spans = await collect();
  const of = (name: string, kind: number) => spans.find((span) => span.name === name && span.kind === kind);
  expect(of('POST /user/users/:user_id/pets/:pet_id', 2)?.attributes).toEqual({
    [ATTR_HTTP_REQUEST_METHOD]: 'POST',
    [ATTR_URL_SCHEME]: 'http',
    [ATTR_URL_PATH]: '/user/users/1/pets/1',
    [ATTR_HTTP_ROUTE]: '/user/users/:user_id/pets/:pet_id',
    [ATTR_HTTP_RESPONSE_STATUS_CODE]: 200,
  });
  expect(of('GET /pet/pets/', 3)?.attributes).toEqual({
    [ATTR_HTTP_REQUEST_METHOD]: 'GET',
    [ATTR_URL_TEMPLATE]: '/pet/pets/',
    [ATTR_SERVER_ADDRESS]: '127.0.0.1',
    [ATTR_SERVER_PORT]: Number(new URL(url).port),
    [ATTR_HTTP_RESPONSE_STATUS_CODE]: 200,
  });
  expect(of('INSERT adoption', 3)?.attributes).toEqual({
    [ATTR_DB_SYSTEM_NAME]: 'sqlite',
    [ATTR_DB_SYSTEM]: 'sqlite',
    [ATTR_DB_OPERATION_NAME]: 'INSERT',
    [ATTR_DB_QUERY_SUMMARY]: 'INSERT adoption',
    [ATTR_DB_QUERY_TEXT]: expect.stringMatching(/^insert into "adoption" .* values \(null, \?, \?\)/),
  });
  // A refusal is the client's error, not the service's.
  expect(of('GET', 2)).toMatchObject({
    isError: false,
    attributes: { [ATTR_HTTP_RESPONSE_STATUS_CODE]: 404 },
  });
});

test('a call that fails is an error, as is the request that needed it', async (t) => {
  const apps = {
    gateway: { port: await findFreePort(), services: ['user'] },
    pets: { port: await findFreePort(), services: ['pet'] },
  };
  const { url, logs, collect } = await buildTraced(t, { more: { apps } });
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  expect((await sendRequest(`${url}/user/users/1/pets/1`, 'POST')).status).toBe(503);
  expect((await sendRequest(`${url}/pet/pets/1`, 'GET')).status).toBe(503);
  const spans = await collect();
  const errors = spans.filter(({ isError }) => isError);
  expect(errors.map(({ name, attributes }) => [name, attributes[ATTR_ERROR_TYPE]]).sort()).toEqual([
    ['GET /pet/*', '503'],
    ['GET /pet/*', '503'],
    ['GET /pet/pets/', 'ServiceUnavailable'],
    ['POST /user/users/:user_id/pets/:pet_id', '503'],
    ['lookup GET /pet/pets/', 'ServiceUnavailable'],
  ]);
  const failed = logs.find(({ msg }) => msg === 'call failed');
  const server = spans.find(({ name }) => name.startsWith('POST /user/users/:user_id/pets'));
  expect([failed?.trace_id, failed?.span_id]).toEqual([server?.traceId, server?.spanId]);
});

test('a span says what kind of error it ended with, and not its message, which may quote a client', async (t) => {
  const collector = await startCollector(t);
  const log = (await captureLog('info')).logging.logger('gateway');
  const config = { url: collector.url, ratio: 1 };
  const tracer = await openTraces(config, { app: 'gateway', version: '0.0.0', log });
  const { span } = tracer.start('pet', { traceparent: undefined, isTrusted: false }, { name: 'work' });
  const error = Object.assign(new TypeError('the-secret'), { cause: new Error('the-secret') });
  span?.start({ name: 'statement' }).end(error);
  span?.end(Object.assign(new Error('the-secret'), { code: 'SQLITE_FULL' }));
  await tracer.close();
  expect(collector.spans.map(({ name, isError, attributes }) => [name, isError, attributes])).toEqual([
    ['statement', true, { [ATTR_ERROR_TYPE]: 'TypeError' }],
    ['work', true, { [ATTR_ERROR_TYPE]: 'SQLITE_FULL' }],
  ]);
  expect(collector.raw.join('')).not.toContain('the-secret');
});

test('where nothing is traced, a service hands on what it was sent, and reads nothing into what it cannot', async (t) => {
  const { asked, apps } = await startPets(t);
  const { url, logs } = await createExampleApp(t, { config: { apps } });
  const { headers } = makeTrace();
  await askPets(url, { ...headers, tracestate: 'vendor=1' });
  expect(asked).toContainEqual(expect.objectContaining({ ...headers, tracestate: 'vendor=1' }));
  // Forwarded by the gateway, too.
  await sendRequest(`${url}/pet/pets/?forwarded`, 'GET', undefined, { ...headers, tracestate: 'vendor=2' });
  expect(asked).toContainEqual(expect.objectContaining({ ...headers, tracestate: 'vendor=2' }));
  for (const traceparent of unreadable) {
    asked.length = 0;
    await sendRequest(`${url}/user/users/1/pets/1`, 'POST', undefined, {
      traceparent,
      tracestate: 'vendor=3',
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]).not.toHaveProperty('traceparent');
    expect(asked[0]).not.toHaveProperty('tracestate');
  }
  expect(logs.filter((line) => 'trace_id' in line)).toEqual([]);
});

test('a collector that is away costs the requests nothing, and the process ends all the same', async (t) => {
  const port = await findFreePort();
  const { app, url, logs } = await createExampleApp(t, {
    config: { traces: { url: `http://127.0.0.1:${port}` } },
  });
  const answers = await Promise.all(Array.from({ length: 50 }, () => sendRequest(`${url}/health`, 'GET')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  const begun = performance.now();
  await app.stop();
  expect(performance.now() - begun).toBeLessThan(8_000);
  expect(logs.filter(({ msg }) => /spans/.test(msg))).toMatchObject([
    { level: 'warn', service: 'gateway', msg: 'spans are lost: the collector does not take them' },
  ]);
});
