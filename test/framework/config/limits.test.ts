import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { checkConfig } from '../../../src/framework/config/config.ts';
import { rateOf } from '../../../src/framework/config/exposure.ts';
import { defaultRate, internalLimits, Limits } from '../../../src/framework/config/limits.ts';
import { getLogger } from '../../../src/framework/logging/logger.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import user from '../../../src/services/user/index.ts';
import { contract, createExampleApp, createTestApp, sendRequest } from '../../support/app.ts';
import { startPetServer } from '../../support/rogue.ts';

type Json = { readonly [key: string]: unknown };

/** Finds unbounded inputs in the operations of a document. */
function findUnbounded(document: Json): string[] {
  const found: string[] = [];
  const resolve = (node: Json): Json => {
    if (typeof node.$ref !== 'string') return node;
    const keys = node.$ref.slice(2).split('/');
    return keys.reduce((inner, key) => inner[key] as Json, document);
  };
  const check = (location: string, reference: Json): void => {
    const schema = resolve(reference);
    if ('const' in schema || 'enum' in schema) return;
    const need = (keyword: string) => keyword in schema || found.push(`${location}: ${keyword}`);
    const types = [schema.type].flat();
    const options = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => (schema[key] as Json[] | undefined) ?? []);
    for (const option of options) check(location, option);
    if (options.length === 0 && schema.type === undefined) found.push(`${location}: type`);
    if (types.includes('string')) need('maxLength');
    if (types.includes('integer') || types.includes('number'))
      for (const key of ['minimum', 'maximum']) need(key);
    if (types.includes('array')) {
      need('maxItems');
      check(`${location}/items`, schema.items as Json);
    }
    for (const [name, property] of Object.entries(schema.properties ?? {}))
      check(`${location}/${name}`, property);
    if (typeof schema.additionalProperties === 'object') {
      need('maxProperties');
      check(`${location}/*`, schema.additionalProperties as Json);
    }
  };
  for (const [path, item] of Object.entries(document.paths as Record<string, Json>)) {
    for (const [method, operation] of Object.entries(item as Record<string, Json>)) {
      const { parameters = [], requestBody } = operation as { parameters?: Json[]; requestBody?: Json };
      for (const parameter of parameters) {
        check(`${method} ${path} ${parameter.name}`, parameter.schema as Json);
      }
      const content = (requestBody === undefined ? {} : resolve(requestBody).content) as Record<string, Json>;
      for (const { schema } of Object.values(content)) check(`${method} ${path}`, schema as Json);
    }
  }
  return found;
}

describe('the merged document', () => {
  test('has only bounded inputs', () => {
    expect(Object.keys(contract.paths).length).toBeGreaterThan(10);
    expect(findUnbounded(contract as unknown as Json)).toEqual([]);
  });

  test('is checked by a function that finds unbounded inputs', () => {
    const schema = (properties: Json) => ({ type: 'object', properties });
    const paths = {
      '/toys/': {
        post: {
          parameters: [{ name: 'page', in: 'query', schema: { type: 'integer', minimum: 1 } }],
          requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Toy' } } } },
        },
      },
    };
    const Toy = schema({
      name: { type: 'string' },
      age: { type: ['integer', 'null'] },
      kind: { enum: ['ball'] },
      tags: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
      any: {},
      more: { type: 'object', additionalProperties: { type: 'number', minimum: 0, maximum: 1 } },
    });
    expect(findUnbounded({ paths, components: { schemas: { Toy } } })).toEqual([
      'post /toys/ page: maximum',
      'post /toys//name: maxLength',
      'post /toys//age: minimum',
      'post /toys//age: maximum',
      'post /toys//tags: maxItems',
      'post /toys//tags/items: maxLength',
      'post /toys//any: type',
      'post /toys//more: maxProperties',
    ]);
  });
});

test('every limit of the config has a unit, and a default within its bounds', () => {
  let count = 0;
  const check = (schema: Json): void => {
    for (const part of Object.values((schema.properties ?? {}) as Record<string, Json>)) check(part);
    if (schema.type === 'object') return;
    count += 1;
    const { minimum, maximum, default: standard, description } = schema as Record<string, number>;
    expect(minimum).toBeLessThan(maximum as number);
    expect(description).toMatch(/, (in|a) \w/);
    // The default of `rate` depends on the host of the app.
    if (schema === (Limits.properties.rate as unknown)) return;
    expect(standard).toBeGreaterThanOrEqual(minimum as number);
    expect(standard).toBeLessThanOrEqual(maximum as number);
  };
  check(Limits as unknown as Json);
  expect(count).toBeGreaterThan(10);
});

test('internal limits have the documented values', () => {
  expect(defaultRate).toBe(6_000);
  const { backlog: _backlog, ...rest } = internalLimits;
  expect(rest).toMatchObject({
    hops: 3,
    pipeline: 8,
    turnMs: 20,
    unreadMs: 2_000,
    idleMs: 1_000,
    metricsMs: 1_000,
    lingerMs: 1_000,
    checkMs: 500,
    handOverMs: 2_000,
    addresses: { refreshMs: 10_000, pause: { firstMs: 1_000, maxMs: 10_000 } },
    spans: { batch: 512, waiting: 4_096, everyMs: 1_000, timeoutMs: 3_000 },
    stopMs: 10_000,
  });
});

test('without an internal key, only the gateway limits rates', () => {
  const config = (internal: object, limits: object = {}) =>
    checkConfig(
      {
        services: { user: { database: 'sqlite::memory:' } },
        apps: {
          gateway: { port: 1, services: [] },
          users: { host: '0.0.0.0', port: 2, services: ['user'] },
        },
        ...{ internal, limits },
      },
      new Map([['user', user as never]]),
      'config.yaml',
    );
  const key = 'sixteen-or-more-characters';
  expect(rateOf(config({}, { rate: 7 }), 'users')).toBe(0);
  expect(rateOf(config({ key }, { rate: 7 }), 'users')).toBe(7);
  expect(rateOf(config({ key }), 'users')).toBe(defaultRate);
  expect(rateOf(config({}, { rate: 7 }), 'gateway')).toBe(7);
  expect(rateOf(config({}), 'gateway')).toBe(0);
});

describe('the size of a request', () => {
  const config = { limits: { body: 1_024, headers: 12_288, url: 8_192, parameter: 40 } };
  const post = (size: number) => {
    const name = 'x'.repeat(size - '{"name":"A","x":""}'.length);
    return { method: 'POST', path: '/user/users/', body: `{"name":"A","x":"${name}"}` };
  };
  const json = { 'content-type': 'application/json' };
  interface Request {
    readonly method: string;
    readonly path: string;
    readonly body?: string;
    readonly headers?: Record<string, string>;
  }
  const send = (url: string, { method, path, body, headers }: Request) =>
    sendRequest(`${url}${path}`, method, body, headers);

  test.for([
    ['a body', { ...post(1_025), headers: json }, 413],
    ['a body in chunks', { ...post(1_025), headers: { ...json, 'transfer-encoding': 'chunked' } }, 413],
    ['headers', { method: 'GET', path: '/health', headers: { 'x-a': 'a'.repeat(12_400) } }, 431],
    ['a URL', { method: 'GET', path: `/pet/pets/?x=${'a'.repeat(8_180)}` }, 414],
    ['a parameter', { method: 'GET', path: `/pet/pets/${'1'.repeat(41)}` }, 414],
  ] as const)('above the limit is rejected with a problem: %s', async ([, request, status], t) => {
    const { url } = await createExampleApp(t, { config });
    const response = await send(url, request);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  });

  test.for([
    ['a body', { ...post(1_024), headers: json }, 200],
    ['headers', { method: 'GET', path: '/health', headers: { 'x-a': 'a'.repeat(11_900) } }, 200],
    ['a URL', { method: 'GET', path: `/pet/pets/?x=${'a'.repeat(8_179)}` }, 200],
    ['a parameter', { method: 'GET', path: `/pet/pets/${'1'.repeat(40)}` }, 422],
  ] as const)('at the limit is accepted: %s', async ([, request, status], t) => {
    const { url } = await createExampleApp(t, { config });
    expect((await send(url, request)).status).toBe(status);
  });
});

/** A service that responds never, late, or with a large body. */
const slow = defineService({
  name: 'slow',
  description: 'Takes its time.',
  routes(scope) {
    scope.get('/never', { schema: { hide: true } }, () => new Promise(() => {}));
    scope.get('/late', { schema: { hide: true } }, async () => {
      await sleep(900);
      getLogger().info('at last');
      return { ok: true };
    });
    scope.get('/much', { schema: { hide: true } }, () => 'x'.repeat(64_000_000));
  },
});

describe('the timeouts of the config', () => {
  const time = { headers: 200, request: 300, handler: 200, answer: 800, idle: 100 };
  const start = (t: TestContext) => createTestApp(t, { services: [slow], config: { limits: { time } } });

  test('a slow handler gets 504 as a problem, and its late response is dropped', async (t) => {
    const { send, logs } = await start(t);
    for (const path of ['/slow/never', '/slow/late']) {
      const begun = performance.now();
      const { status, body, headers } = await send('GET', path);
      expect(status).toBe(504);
      expect(body.detail).toBe('There was no response in time: the outcome is unknown');
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(performance.now() - begun).toBeLessThan(10_000);
    }
    await expect.poll(() => logs.some(({ msg }) => msg === 'at last')).toBe(true);
    await sleep(50);
    expect((await send('GET', '/health')).status).toBe(200);
    const access = logs.filter(({ msg, path }) => msg === 'request' && path === '/slow/late');
    expect(access).toMatchObject([{ status: 504, service: 'slow' }]);
  });

  test('a client that does not read its response is disconnected', async (t) => {
    const { url, logs } = await start(t);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.write('GET /slow/much HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const cut = () => logs.find(({ msg, path }) => msg === 'request' && path === '/slow/much');
    await expect.poll(cut, { timeout: 5_000 }).toMatchObject({ aborted: true });
  });

  test('an incomplete request gets 408', async (t) => {
    const { url } = await createExampleApp(t, {
      config: { limits: { time: { ...time, handler: 5_000, answer: 5_000 } } },
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.onTestFinished(() => void socket.destroy());
    socket.write(
      'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    const [response] = await once(socket, 'data');
    expect(String(response)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('an idle connection is closed', async (t) => {
    const { url } = await start(t);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.onTestFinished(() => void socket.destroy());
    socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(socket, 'data');
    const begun = performance.now();
    socket.resume();
    await once(socket, 'close');
    expect(performance.now() - begun).toBeLessThan(4_000);
  });
});

test('a response of a peer above the limit counts as no response', async (t) => {
  const pets = Array.from({ length: 100 }, (_, index) => ({
    ...{ id: index + 1, name: 'x'.repeat(200), species: 'x'.repeat(200), age: null, mood: 'x'.repeat(200) },
    ...{ last_fed: '2024-12-18T21:03:51.790256Z', last_interaction: '2024-12-18T21:03:51.790256Z' },
  }));
  const apps = await startPetServer(t, (request, reply) => {
    const ids = new URL(request.url ?? '', 'http://x').searchParams.getAll('ids');
    reply.setHeader('content-type', 'application/json');
    reply.end(JSON.stringify(pets.filter(({ id }) => ids.includes(String(id)))));
  });
  const limits = { calls: { answer: 65_536 } };
  const pet = defineService({ name: 'pet', description: 'Unreachable.', routes() {} });
  const { send } = await createTestApp(t, {
    services: [user, pet],
    config: { apps, limits },
  });
  await send('POST', '/user/users/', { name: 'Alice' });
  const adopt = (count: number) =>
    send('PATCH', '/user/users/1', { pets_ids: pets.slice(0, count).map(({ id }) => id) });
  // Several times, because a limit for all responses of a connection together would reject a later one.
  for (let time = 0; time < 3; time += 1) expect((await adopt(50)).status).toBe(200);
  expect((await adopt(100)).status).toBe(503);
  expect((await adopt(50)).status).toBe(200);
});
