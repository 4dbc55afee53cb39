import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { Type } from '@sinclair/typebox';
import { Pool } from 'undici';
import { describe, expect, test } from 'vitest';
import type { paths } from '../../../generated/api.d.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { ServiceUnavailable } from '../../../src/framework/errors/problem.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import { type contract, createExampleApp, createTestApp } from '../../support/app.ts';
import { key, makeDatabase, makeNotes } from './helper.ts';
import { countPets, isReplayed, postRaw, rex } from './request-helpers.ts';

describe('a retried POST with the same key', () => {
  test('gets the stored response, and has one effect', async (t) => {
    const built = await createExampleApp(t);
    const first = await built.send('POST', '/pet/pets/', rex, key('"a"'));
    await sleep(2);
    const second = await built.send('POST', '/pet/pets/', rex, key('"a"'));
    expect([second.status, second.body]).toEqual([200, first.body]);
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect([isReplayed(first), isReplayed(second)]).toEqual([false, true]);
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(await countPets(built)).toBe(1);
    const other = await built.send('POST', '/pet/pets/', rex, key('"b"'));
    expect([other.body.id, isReplayed(other)]).toEqual([2, false]);
  });

  test('feeds, treats and hydrates once', async (t) => {
    const { send } = await createExampleApp(t);
    await send('POST', '/pet/pets/', rex);
    for (const verb of ['feed', 'treat', 'hydrate']) {
      const [one, two] = [
        await send('POST', `/pet/pets/1/${verb}`, undefined, key(verb)),
        await send('POST', `/pet/pets/1/${verb}`, '', key(verb)),
      ];
      expect([two.status, two.body, isReplayed(two)]).toEqual([200, one.body, true]);
    }
  });

  test('gets the stored response after the pet and the user were deleted', async (t) => {
    const { send } = await createExampleApp(t);
    await send('POST', '/pet/pets/', rex);
    await send('POST', '/user/users/', { name: 'Alice' });
    const first = await send('POST', '/user/users/1/pets/1', undefined, key('adopt'));
    await send('DELETE', '/pet/pets/1');
    await send('DELETE', '/user/users/1');
    const { status, body } = await send('POST', '/user/users/1/pets/1', undefined, key('adopt'));
    expect([status, body]).toEqual([200, first.body]);
  });

  test('runs again if it changed nothing, and its key is not stored', async (t) => {
    const database = makeDatabase(t);
    const { send } = await createExampleApp(t, { config: { services: { user: database.config } } });
    await send('POST', '/pet/pets/', rex);
    await send('POST', '/user/users/', { name: 'Alice' });
    await send('POST', '/user/users/1/pets/1');
    const adopt = () => send('POST', '/user/users/1/pets/1', undefined, key('a'));
    const first = await adopt();
    expect([first.status, first.body.pets]).toMatchObject([200, [{ name: 'Rex' }]]);
    expect(database.query('SELECT key FROM __idempotency_key')).toEqual([]);
    await send('PATCH', '/pet/pets/1', { name: 'Max' });
    const second = await adopt();
    expect([second.status, second.body.pets]).toMatchObject([200, [{ name: 'Max' }]]);
    expect(isReplayed(second)).toBe(false);
  });

  test('has one effect if its response is too large to store, and gets the current state', async (t) => {
    const database = makeDatabase(t);
    const { send } = await createExampleApp(t, { config: { services: { user: database.config } } });
    await send('POST', '/user/users/', { name: 'Alice' });
    for (let index = 1; index <= 30; index += 1) {
      await send('POST', '/pet/pets/', { ...rex, name: 'x'.repeat(200) });
      if (index < 30) await send('POST', `/user/users/1/pets/${index}`);
    }
    const adopt = () => send('POST', '/user/users/1/pets/30', undefined, key('a'));
    const first = await adopt();
    expect([first.status, first.body.pets.length]).toEqual([200, 30]);
    const sizes = 'SELECT length(key) + length(results) + ifnull(length(headers), 0) FROM __idempotency_key';
    expect(database.query('SELECT body FROM __idempotency_key')).toEqual([null]);
    expect(database.query(sizes)[0]).toBeLessThan(200);
    await send('PATCH', '/pet/pets/30', { name: 'Max' });
    const second = await adopt();
    expect([second.status, second.body.pets.at(-1).name, isReplayed(second)]).toEqual([200, 'Max', false]);
    expect(database.query('SELECT count(*) FROM adoption')).toEqual([30]);
  });

  test.for([
    ['[', ']'],
    ['{"a":', '}'],
  ] as const)(
    'has the same result with and without a key, for a body with deep nesting of %s',
    async ([open, close], t) => {
      const { send } = await createTestApp(t, { services: [pet] });
      for (const depth of [10, 3_000, 8_000]) {
        const more = `${open.repeat(depth)}0${close.repeat(depth)}`;
        const body = `{"name":"Rex","species":"dog","more":${more}}`;
        const plain = await send('POST', '/pet/pets/', body);
        const keyed = await send('POST', '/pet/pets/', body, key(`${depth}`));
        const again = await send('POST', '/pet/pets/', body, key(`${depth}`));
        expect([plain.status, keyed.status, again.status, isReplayed(again)]).toEqual([200, 200, 200, true]);
        const other = body.replace('0', '1');
        expect((await send('POST', '/pet/pets/', other, key(`${depth}`))).status).toBe(422);
      }
    },
  );

  test('is the same request with an explicit default, without the trailing slash, or with an empty query', async (t) => {
    const built = await createTestApp(t, { services: [pet] });
    const { send } = built;
    const first = await send('POST', '/pet/pets/', rex, key('a'));
    for (const [path, body] of [
      ['/pet/pets/', { ...rex, mood: 'happy', age: null }],
      ['/pet/pets', rex],
      ['/pet/pets?', rex],
      ['/pet/pets/?', rex],
      ['/pet/%70ets/', rex],
    ] as const) {
      const again = await send('POST', path, body, key('a'));
      expect([again.status, again.body, isReplayed(again)], path).toEqual([200, first.body, true]);
    }
    const feed = (path: string) => send('POST', path, undefined, key('feed'));
    expect((await feed('/pet/pets/1/feed')).body).toEqual((await feed('/pet/pets/1/feed/')).body);
    await send('POST', '/pet/pets/', rex);
    expect((await feed('/pet/pets/2/feed')).status).toBe(422);
    expect(await countPets(built)).toBe(2);
  });

  test('is the same request with its members reordered; a different body, path or query is 422', async (t) => {
    const built = await createExampleApp(t);
    const { send } = built;
    const nested = { ...rex, more: { a: [1, { b: 2, c: 3 }] } };
    const first = await send('POST', '/pet/pets/', nested, key('a'));
    const reordered = { more: { a: [1, { c: 3, b: 2 }] }, species: 'dog', name: 'Rex' };
    expect((await send('POST', '/pet/pets/', reordered, key('a'))).body).toEqual(first.body);
    const others: [string, unknown][] = [
      ['/pet/pets/', rex],
      ['/pet/pets/', { ...nested, more: { a: [{ b: 2, c: 3 }, 1] } }],
      ['/pet/pets/', { ...nested, mood: 'calm' }],
      ['/pet/pets/', { ...nested, more: '{"a":[1,{"b":2,"c":3}]}' }],
      ['/pet/pets/?a=1', nested],
      ['/pet/pets/1/feed', nested],
      ['/pet/pets/1/feed', undefined],
    ];
    for (const [path, body] of others) {
      const response = await send('POST', path, body, key('a'));
      expect([response.status, response.body.type]).toEqual([422, 'urn:problem-type:idempotency-key-reused']);
    }
    expect(await countPets(built)).toBe(1);
    // Each service has separate keys.
    expect((await send('POST', '/user/users/', { name: 'Alice' }, key('a'))).status).toBe(200);
  });

  test('runs again if the first attempt failed and changed nothing', async (t) => {
    const { send } = await createExampleApp(t);
    await send('POST', '/user/users/', { name: 'Alice' });
    const adopt = () => send('POST', '/user/users/1/pets/1', undefined, key('a'));
    const feed = () => send('POST', '/pet/pets/1/feed', undefined, key('a'));
    expect([(await adopt()).status, (await feed()).status]).toEqual([404, 404]);
    const create = (body: unknown) => send('POST', '/pet/pets/', body, key('create'));
    expect((await create({ name: 'Rex' })).status).toBe(422);
    expect((await create('{')).status).toBe(400);
    expect((await create(rex)).status).toBe(200);
    expect([(await adopt()).status, (await feed()).status]).toEqual([200, 200]);
  });

  test('gets the same response, compressed only for a client that accepts it', async (t) => {
    const { url, send } = await createExampleApp(t, { config: { compress: true } });
    await send('POST', '/user/users/', { name: 'Alice' });
    for (let index = 1; index <= 20; index += 1) {
      await send('POST', '/pet/pets/', { ...rex, name: 'x'.repeat(200) });
      if (index > 1) await send('POST', `/user/users/1/pets/${index}`);
    }
    const adopt = (encoding: string) =>
      postRaw(`${url}/user/users/1/pets/1`, { ...key('a'), 'accept-encoding': encoding });
    const gzipped = await adopt('gzip');
    await send('DELETE', '/pet/pets/1');
    const again = await adopt('gzip');
    const plain = await adopt('identity');
    expect(gzipped.headers['content-encoding']).toBe('gzip');
    expect(again.headers['content-encoding']).toBe('gzip');
    expect(plain.headers['content-encoding']).toBeUndefined();
    const text = gunzipSync(gzipped.body).toString();
    expect(gunzipSync(again.body).toString()).toBe(text);
    expect(plain.body.toString()).toBe(text);
    expect(JSON.parse(text).pets).toHaveLength(20);
  });

  test('is the only request that uses a key: other methods ignore it', async (t) => {
    const { send } = await createExampleApp(t);
    await send('POST', '/pet/pets/', rex);
    for (const mood of ['calm', 'wild']) {
      expect((await send('PATCH', '/pet/pets/1', { mood }, key('a'))).body.mood).toBe(mood);
    }
    expect((await send('GET', '/pet/pets/1', undefined, key('"'))).status).toBe(200);
  });
});

describe('concurrent requests with one key', () => {
  // `.ci/run` runs 1,000 rounds, which take a minute. It selects the test by 'have one effect'.
  const rounds = Number(process.env.IDEMPOTENCY_ROUNDS ?? 20);

  test(`have one effect, and get the same response or a 409: 100 requests, ${rounds} rounds`, {
    timeout: 600_000,
  }, async (t) => {
    const database = makeDatabase(t);
    const { url } = await createTestApp(t, {
      services: [pet],
      config: { services: { pet: database.config }, log: { level: 'warn' } },
    });
    const pool = new Pool(url, { connections: 100 });
    t.onTestFinished(() => pool.destroy());
    const statuses = new Map<number, number>();
    for (let round = 1; round <= rounds; round += 1) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': `"round ${round}"` };
      const post = async () => {
        const response = await pool.request({
          path: '/pet/pets/',
          method: 'POST',
          headers,
          body: JSON.stringify(rex),
        });
        return { status: response.statusCode, body: await response.body.text() };
      };
      const responses = await Promise.all(Array.from({ length: 100 }, post));
      responses.push(await post());
      for (const { status } of responses) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const done = responses.filter(({ status }) => status === 200);
      expect(responses.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
      expect(new Set(done.map(({ body }) => body)).size, `round ${round}`).toBe(1);
      expect(done.at(-1)).toEqual(responses.at(-1));
    }
    expect(database.query('SELECT count(*) FROM pet')).toEqual([rounds]);
    console.log(
      `${rounds} rounds of 101 requests, by status: ${JSON.stringify(Object.fromEntries(statuses))}`,
    );
  });

  test('get 422 if they differ, and requests with other keys have separate effects', async (t) => {
    const built = await createTestApp(t, { services: [pet] });
    const post = (index: number) =>
      built.send('POST', '/pet/pets/', { ...rex, name: `n${index % 10}` }, key(`key-${index % 5}`));
    const responses = await Promise.all(Array.from({ length: 100 }, (_, index) => post(index)));
    const statuses = new Set(responses.map(({ status }) => status));
    expect([...statuses]).toEqual(expect.arrayContaining([200, 422]));
    expect([...statuses].filter((status) => ![200, 409, 422].includes(status))).toEqual([]);
    expect(await countPets(built)).toBe(5);
  });
});

test('a retry has one effect in a peer if the first attempt failed after the call to the peer', async (t) => {
  const database = makeDatabase(t);
  const stage = { runs: [] as string[], wait: async () => {} };
  const body = Type.Object({ text: Type.String({ maxLength: 200 }) });
  const note = defineService({
    ...makeNotes(stage),
    routes(scope, { database }) {
      const insert = database.prepare(
        sql`INSERT INTO note (text) VALUES (${sql.placeholder('text')}) RETURNING id`,
      );
      const schema = { body, response: { 200: Type.Object({ id: Type.Integer() }) } };
      scope.post('/notes/', { schema: { operationId: 'keep', ...schema } }, async (request) => {
        const [id] = (await insert.get({ text: request.body.text })) as [number];
        return { id };
      });
    },
  });
  let isUnavailable = true;
  const relay = defineService({
    name: 'relay',
    description: 'Stores notes in a peer.',
    migrations: new URL('../../fixtures/note/migrations/', import.meta.url),
    peers: ['note'] as never[],
    routes(scope, { peers }) {
      const { keep } = (peers as unknown as { note: { keep(init: object): Promise<unknown> } }).note;
      scope.post('/relay', { schema: { hide: true } }, async () => {
        const ids: unknown[] = [];
        for (const text of ['one', 'other']) ids.push(await keep({ body: { text } }));
        if (isUnavailable) throw new ServiceUnavailable('not now');
        return ids;
      });
    },
  });
  const services = { config: { services: { note: database.config } } };
  const alone = await createTestApp(t, { ...services, services: [note] });
  const document = (await alone.send('GET', '/openapi.json')).body;
  const { send } = await createTestApp(t, { ...services, services: [note, relay], contract: document });
  const post = () => send('POST', '/relay/relay', undefined, key('a'));
  expect([(await post()).status, (await post()).status]).toEqual([503, 503]);
  isUnavailable = false;
  expect((await post()).body).toEqual([{ id: 1 }, { id: 2 }]);
  expect(database.query('SELECT text FROM note')).toEqual(['one', 'other']);
  await send('POST', '/relay/relay', undefined, key('b'));
  expect(database.query('SELECT text FROM note')).toHaveLength(4);
});

describe('the contract', () => {
  test('describes the key for every POST, and for no other method', async (t) => {
    const { send } = await createExampleApp(t);
    const { paths } = (await send('GET', '/openapi.json')).body as typeof contract;
    const operations = Object.values(paths).flatMap((path) => Object.entries(path));
    expect(operations.length).toBeGreaterThan(10);
    for (const [method, operation] of operations) {
      const { parameters = [], responses } = operation as {
        parameters?: { name: string; in: string; required?: boolean }[];
        responses: Record<string, unknown>;
      };
      const found = parameters.filter(({ name }) => name === 'Idempotency-Key');
      expect(found).toHaveLength(method === 'post' ? 1 : 0);
      if (method !== 'post') continue;
      expect([found[0]?.in, found[0]?.required]).toEqual(['header', false]);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '409', '422']));
    }
  });

  test('makes the key optional in the generated types', () => {
    type Sent = paths['/pet/pets/{pet_id}/feed']['post']['parameters'];
    const without: Sent = { path: { pet_id: 1 } };
    const withKey: Sent = { path: { pet_id: 1 }, header: { 'Idempotency-Key': '"a"' } };
    expect([without.header, withKey.header?.['Idempotency-Key']]).toEqual([undefined, '"a"']);
  });
});
