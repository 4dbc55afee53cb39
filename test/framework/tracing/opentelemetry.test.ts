import { createServer } from 'node:http';
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
import { startListening } from '../../support/listening.ts';

/** Starts the product with a collector. `collect` stops the product first, so that the collector has every span. */
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

const malformed = [
  'rubbish',
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01, 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
];

/** Starts a pet service in another app, which keeps the headers of its requests. */
async function startPets(t: TestContext) {
  const received: Record<string, unknown>[] = [];
  const server = createServer(({ url, headers }, response) => {
    // The gateway also requests the OpenAPI document.
    if (url?.startsWith('/pet/pets/')) received.push(headers);
    response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
  });
  const { port } = await startListening(t, server);
  const apps = {
    gateway: { port: await findFreePort(), services: ['user'] },
    pets: { port, services: ['pet'] },
  };
  return { received, apps };
}

/** Sends a request for which the user service calls the pet service. */
async function causeCall(url: string, headers: Record<string, string>): Promise<void> {
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  await sendRequest(`${url}/user/users/1`, 'PATCH', { pets_ids: [] });
  await sendRequest(`${url}/user/users/1/pets/1`, 'POST', undefined, headers);
}

test.for(malformed)('a malformed traceparent is ignored: %s', async (traceparent, t) => {
  const { url, collect } = await buildTraced(t);
  expect((await sendRequest(`${url}/health`, 'GET', undefined, { traceparent })).status).toBe(200);
  const [span, ...others] = await collect();
  expect(others).toEqual([]);
  expect(span).toMatchObject({ service: 'gateway', parentSpanId: '' });
  expect(span?.traceId).not.toMatch(/^0af765/);
});

test('a traceparent of a later version is read up to its known fields', async (t) => {
  const { url, collect } = await buildTraced(t);
  const traceparent = '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more';
  await sendRequest(`${url}/health`, 'GET', undefined, { traceparent });
  expect(await collect()).toMatchObject([
    { traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' },
  ]);
});

test('a trace that the client does not sample is recorded by no service', async (t) => {
  const { received, apps } = await startPets(t);
  const { url, logs, collect } = await buildTraced(t, { more: { apps } });
  const { traceId, headers } = makeTrace('00');
  await causeCall(url, { ...headers, tracestate: 'vendor=1' });
  expect(received).toContainEqual(
    expect.objectContaining({
      traceparent: expect.stringMatching(`^00-${traceId}-[0-9a-f]{16}-00$`),
      tracestate: 'vendor=1',
    }),
  );
  expect((await collect()).filter((span) => span.traceId === traceId)).toEqual([]);
  expect(logs.filter((line) => line.trace_id === traceId)).toEqual([]);
});

test('a forwarded request has the new trace, and nothing of a malformed one', async (t) => {
  const { received, apps } = await startPets(t);
  const { url, collect } = await buildTraced(t, { more: { apps } });
  await sendRequest(`${url}/pet/pets/`, 'GET', undefined, { traceparent: 'rubbish', tracestate: 'vendor=1' });
  const client = (await collect()).find(({ kind }) => kind === 3);
  expect(received).toHaveLength(1);
  expect(received[0]).toMatchObject({ traceparent: `00-${client?.traceId}-${client?.spanId}-01` });
  expect(received[0]).not.toHaveProperty('tracestate');
});

test('the ratio decides about traces that clients sample; traces of internal callers are always recorded', async (t) => {
  const key = 'sixteen-or-more-characters';
  const { url, collect } = await buildTraced(t, { ratio: 0, more: { internal: { key } } });
  const outside = makeTrace();
  const inside = makeTrace();
  await sendRequest(`${url}/health`, 'GET', undefined, outside.headers);
  await sendRequest(`${url}/health`, 'GET', undefined, { ...inside.headers, 'x-internal': `gateway ${key}` });
  expect((await collect()).map(({ traceId }) => traceId)).toEqual([inside.traceId]);
});

test('a client cannot choose trace ids that are always recorded', async (t) => {
  const { url, collect } = await buildTraced(t, { ratio: 1e-6 });
  for (let index = 1; index <= 20; index += 1) {
    // The sampler of OpenTelemetry joins the four parts of an id by XOR, and records low results: these give 0.
    const part = index.toString(16).padStart(8, '0');
    const traceparent = `00-${part.repeat(4)}-b7ad6b7169203331-01`;
    await sendRequest(`${url}/health`, 'GET', undefined, { traceparent });
  }
  expect(await collect()).toEqual([]);
});

test('the ratio decides about new traces, and each recorded trace is complete', async (t) => {
  const { url, collect } = await buildTraced(t, { ratio: 0.5 });
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  await Promise.all(Array.from({ length: 200 }, () => sendRequest(`${url}/pet/pets/1`, 'GET')));
  const spans = await collect();
  const reads = spans.filter(({ name }) => name === 'GET /pet/pets/:pet_id');
  // For 200 traces and a ratio of 0.5, a count outside of these bounds has a probability of 10^-9.
  expect(reads.length).toBeGreaterThan(56);
  expect(reads.length).toBeLessThan(144);
  const statements = spans.filter(({ name }) => name === 'SELECT pet');
  expect(statements.map(({ parentSpanId }) => parentSpanId).sort()).toEqual(
    reads.map(({ spanId }) => spanId).sort(),
  );
});

test('spans have the attributes of the request, with the names of the semantic conventions', async (t) => {
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
  // A 404 is an error of the client, not of the service.
  expect(of('GET', 2)).toMatchObject({
    isError: false,
    attributes: { [ATTR_HTTP_RESPONSE_STATUS_CODE]: 404 },
  });
});

test('the spans of a failed call and of the request that needed it are errors', async (t) => {
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

test('a span records the type of its error, and not the message, which may quote a client', async (t) => {
  const collector = await startCollector(t);
  const log = (await captureLog('info')).logging.logger('gateway');
  const config = { url: collector.url, ratio: 1 };
  const tracer = await openTraces(config, { app: 'gateway', version: '0.0.0', log, secret: 'x' });
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

test('without tracing, calls propagate a valid trace context and drop a malformed one', async (t) => {
  const { received, apps } = await startPets(t);
  const { url, logs } = await createExampleApp(t, { config: { apps } });
  const { headers } = makeTrace();
  await causeCall(url, { ...headers, tracestate: 'vendor=1' });
  expect(received).toContainEqual(expect.objectContaining({ ...headers, tracestate: 'vendor=1' }));
  // The gateway propagates it too when it forwards a request.
  await sendRequest(`${url}/pet/pets/?forwarded`, 'GET', undefined, { ...headers, tracestate: 'vendor=2' });
  expect(received).toContainEqual(expect.objectContaining({ ...headers, tracestate: 'vendor=2' }));
  for (const traceparent of malformed) {
    received.length = 0;
    await sendRequest(`${url}/user/users/1/pets/1`, 'POST', undefined, {
      traceparent,
      tracestate: 'vendor=3',
    });
    expect(received).toHaveLength(1);
    expect(received[0]).not.toHaveProperty('traceparent');
    expect(received[0]).not.toHaveProperty('tracestate');
  }
  expect(logs.filter((line) => 'trace_id' in line)).toEqual([]);
});

test('an unreachable collector fails no request and does not prevent the stop', async (t) => {
  const port = await findFreePort();
  const { app, url, logs } = await createExampleApp(t, {
    config: { traces: { url: `http://127.0.0.1:${port}` } },
  });
  const responses = await Promise.all(Array.from({ length: 50 }, () => sendRequest(`${url}/health`, 'GET')));
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
  const begun = performance.now();
  await app.stop();
  expect(performance.now() - begun).toBeLessThan(8_000);
  expect(logs.filter(({ msg }) => /spans/.test(msg))).toMatchObject([
    { level: 'warn', service: 'gateway', msg: 'spans are lost: the collector does not accept them' },
  ]);
});
