import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { checkConfig } from '../../../src/framework/config/config.ts';
import { rateOf } from '../../../src/framework/config/exposure.ts';
import { defaultRate, internalLimits, Limits } from '../../../src/framework/config/limits.ts';
import { getLogger } from '../../../src/framework/logging/logger.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import user from '../../../src/services/user/index.ts';
import { ask } from '../../e2e/groupings/helper.ts';
import { contract, createExampleApp, createTestApp } from '../../support/app.ts';

type Json = { readonly [key: string]: unknown };

/** The places of a document's requests where something without a bound may come in. */
function findUnbounded(document: Json): string[] {
  const found: string[] = [];
  const resolve = (node: Json): Json => {
    if (typeof node.$ref !== 'string') return node;
    const keys = node.$ref.slice(2).split('/');
    return keys.reduce((inner, key) => inner[key] as Json, document);
  };
  const look = (place: string, reference: Json): void => {
    const schema = resolve(reference);
    if ('const' in schema || 'enum' in schema) return;
    const need = (keyword: string) => keyword in schema || found.push(`${place}: ${keyword}`);
    const types = [schema.type].flat();
    const options = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => (schema[key] as Json[] | undefined) ?? []);
    for (const option of options) look(place, option);
    if (options.length === 0 && schema.type === undefined) found.push(`${place}: type`);
    if (types.includes('string')) need('maxLength');
    if (types.includes('integer') || types.includes('number'))
      for (const key of ['minimum', 'maximum']) need(key);
    if (types.includes('array')) {
      need('maxItems');
      look(`${place}/items`, schema.items as Json);
    }
    for (const [name, property] of Object.entries(schema.properties ?? {}))
      look(`${place}/${name}`, property);
    if (typeof schema.additionalProperties === 'object') {
      need('maxProperties');
      look(`${place}/*`, schema.additionalProperties as Json);
    }
  };
  for (const [path, item] of Object.entries(document.paths as Record<string, Json>)) {
    for (const [method, operation] of Object.entries(item as Record<string, Json>)) {
      const { parameters = [], requestBody } = operation as { parameters?: Json[]; requestBody?: Json };
      for (const parameter of parameters) {
        look(`${method} ${path} ${parameter.name}`, parameter.schema as Json);
      }
      const content = (requestBody === undefined ? {} : resolve(requestBody).content) as Record<string, Json>;
      for (const { schema } of Object.values(content)) look(`${method} ${path}`, schema as Json);
    }
  }
  return found;
}

describe('in the merged document', () => {
  test('everything that comes in has bounds', () => {
    expect(Object.keys(contract.paths).length).toBeGreaterThan(10);
    expect(findUnbounded(contract as unknown as Json)).toEqual([]);
  });

  test('what comes in without them would be seen', () => {
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

test('every limit that can be set says its unit, and has a default within its bounds', () => {
  let count = 0;
  const look = (schema: Json): void => {
    for (const part of Object.values((schema.properties ?? {}) as Record<string, Json>)) look(part);
    if (schema.type === 'object') return;
    count += 1;
    const { minimum, maximum, default: standard, description } = schema as Record<string, number>;
    expect(minimum).toBeLessThan(maximum as number);
    expect(description).toMatch(/, (in|a) \w/);
    // Where there is none, it follows from where the app is bound.
    if (schema === (Limits.properties.rate as unknown)) return;
    expect(standard).toBeGreaterThanOrEqual(minimum as number);
    expect(standard).toBeLessThanOrEqual(maximum as number);
  };
  look(Limits as unknown as Json);
  expect(count).toBeGreaterThan(10);
});

test('limits that cannot be set are as they were measured or documented', () => {
  expect(defaultRate).toBe(6_000);
  const { backlog: _backlog, ...rest } = internalLimits;
  expect(rest).toMatchObject({
    hops: 3,
    pipeline: 8,
    turn: 20,
    unread: 2_000,
    idle: 1_000,
    metrics: 1_000,
    linger: 1_000,
    look: 500,
    handOver: 2_000,
    addresses: { refresh: 10_000, pause: { first: 1_000, max: 10_000 } },
    spans: { batch: 512, waiting: 4_096, every: 1_000, timeout: 3_000 },
    stop: 10_000,
  });
});

test('an app without a key in common leaves the rates to its gateway', () => {
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

describe('what is larger than the config allows', () => {
  const config = { limits: { body: 1_024, headers: 12_288, url: 8_192, parameter: 40 } };
  const post = (size: number) => {
    const name = 'x'.repeat(size - '{"name":"A","x":""}'.length);
    return { method: 'POST', path: '/user/users/', body: `{"name":"A","x":"${name}"}` };
  };
  const json = { 'content-type': 'application/json' };

  test.for([
    ['a body', { ...post(1_025), headers: json }, 413],
    ['a body in chunks', { ...post(1_025), headers: { ...json, 'transfer-encoding': 'chunked' } }, 413],
    ['headers', { method: 'GET', path: '/health', headers: { 'x-a': 'a'.repeat(12_400) } }, 431],
    ['a URL', { method: 'GET', path: `/pet/pets/?x=${'a'.repeat(8_180)}` }, 414],
    ['a parameter', { method: 'GET', path: `/pet/pets/${'1'.repeat(41)}` }, 414],
  ] as const)('%s, is refused with a problem', async ([, request, status], t) => {
    const { url } = await createExampleApp(t, { config });
    const answer = await ask(url, request);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  test.for([
    ['a body', { ...post(1_024), headers: json }, 200],
    ['headers', { method: 'GET', path: '/health', headers: { 'x-a': 'a'.repeat(11_900) } }, 200],
    ['a URL', { method: 'GET', path: `/pet/pets/?x=${'a'.repeat(8_179)}` }, 200],
    ['a parameter', { method: 'GET', path: `/pet/pets/${'1'.repeat(40)}` }, 422],
  ] as const)('but %s that just fits is read', async ([, request, status], t) => {
    const { url } = await createExampleApp(t, { config });
    expect((await ask(url, request)).status).toBe(status);
  });
});

/** Answers as its query says: never, late, or with more than anybody wants. */
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

describe('what is later than the config allows', () => {
  const time = { headers: 200, request: 300, handler: 200, answer: 800, idle: 100 };
  const start = (t: TestContext) => createTestApp(t, { services: [slow], config: { limits: { time } } });

  test('a handler, is a 504, as a problem; its answer is dropped when it comes', async (t) => {
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

  test('a client that does not take its answer, loses its connection', async (t) => {
    const { url, logs } = await start(t);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.write('GET /slow/much HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const cut = () => logs.find(({ msg, path }) => msg === 'request' && path === '/slow/much');
    await expect.poll(cut, { timeout: 5_000 }).toMatchObject({ aborted: true });
  });

  test('the rest of a request, is a 408', async (t) => {
    const { url } = await createExampleApp(t, {
      config: { limits: { time: { ...time, handler: 5_000, answer: 5_000 } } },
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.onTestFinished(() => void socket.destroy());
    socket.write(
      'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('the next request of a connection, finds it closed', async (t) => {
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

test('an answer of a neighbour that is larger than the config allows counts as none', async (t) => {
  const pets = Array.from({ length: 100 }, (_, index) => ({
    ...{ id: index + 1, name: 'x'.repeat(200), species: 'x'.repeat(200), age: null, mood: 'x'.repeat(200) },
    ...{ last_fed: '2024-12-18T21:03:51.790256Z', last_interaction: '2024-12-18T21:03:51.790256Z' },
  }));
  const server = createServer((asked, reply) => {
    const ids = new URL(asked.url ?? '', 'http://x').searchParams.getAll('ids');
    reply.setHeader('content-type', 'application/json');
    reply.end(JSON.stringify(pets.filter(({ id }) => ids.includes(String(id)))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number };
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port, services: ['pet'] },
  };
  const limits = { calls: { answer: 65_536 } };
  const pet = defineService({ name: 'pet', description: 'Away.', routes() {} });
  const { send } = await createTestApp(t, {
    services: [user, pet],
    config: { apps, limits },
  });
  await send('POST', '/user/users/', { name: 'Alice' });
  const adopt = (count: number) =>
    send('PATCH', '/user/users/1', { pets_ids: pets.slice(0, count).map(({ id }) => id) });
  // Twice, since a limit that counted all answers of a connection together would refuse the second.
  for (let time = 0; time < 3; time += 1) expect((await adopt(50)).status).toBe(200);
  expect((await adopt(100)).status).toBe(503);
  expect((await adopt(50)).status).toBe(200);
});
