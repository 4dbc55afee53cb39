import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { Type } from '@sinclair/typebox';
import { Pool, request as undici } from 'undici';
import { describe, expect, type TestContext, test } from 'vitest';
import type { paths } from '../../../generated/api.d.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { ServiceUnavailable } from '../../../src/framework/errors/problem.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import { waitFor } from '../../e2e/groupings/helper.ts';
import {
  type contract,
  createExampleApp,
  createTestApp,
  sendRequest,
  type TestApp,
  type TestResponse,
} from '../../support/app.ts';
import { key, makeDatabase, makeNotes } from './helper.ts';

const rex = { name: 'Rex', species: 'dog' };
const isReplayed = ({ headers }: TestResponse) => headers.get('idempotent-replayed') === 'true';
const day = 24 * 60 * 60 * 1000;

async function countPets({ send }: TestApp): Promise<number> {
  return (await send('GET', '/pet/pets/')).body.length;
}

/** A POST whose answer is not decompressed. */
async function askRaw(url: string, headers: Record<string, string>) {
  const answer = await undici(url, { method: 'POST', headers });
  return { headers: answer.headers, body: Buffer.from(await answer.body.arrayBuffer()) };
}

describe('a POST that comes again with its key', () => {
  test('gets the same answer once more, and has one effect', async (t) => {
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

  test('gets the same answer when what it was made of is gone', async (t) => {
    const { send } = await createExampleApp(t);
    await send('POST', '/pet/pets/', rex);
    await send('POST', '/user/users/', { name: 'Alice' });
    const first = await send('POST', '/user/users/1/pets/1', undefined, key('adopt'));
    await send('DELETE', '/pet/pets/1');
    await send('DELETE', '/user/users/1');
    const { status, body } = await send('POST', '/user/users/1/pets/1', undefined, key('adopt'));
    expect([status, body]).toEqual([200, first.body]);
  });

  test('is computed again where it changed nothing, and nothing of it is kept', async (t) => {
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

  test('has one effect where its response is too large to be kept, and gets the state of now', async (t) => {
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
    const kept = 'SELECT length(key) + length(results) + ifnull(length(headers), 0) FROM __idempotency_key';
    expect(database.query('SELECT body FROM __idempotency_key')).toEqual([null]);
    expect(database.query(kept)[0]).toBeLessThan(200);
    await send('PATCH', '/pet/pets/30', { name: 'Max' });
    const second = await adopt();
    expect([second.status, second.body.pets.at(-1).name, isReplayed(second)]).toEqual([200, 'Max', false]);
    expect(database.query('SELECT count(*) FROM adoption')).toEqual([30]);
  });

  test.for([
    ['[', ']'],
    ['{"a":', '}'],
  ] as const)(
    'is the same outcome with a key and without, however deep a body of %s is',
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

  test('may spell out a default, leave out the last slash, or have an empty query', async (t) => {
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

  test('may have its members in another order, and not another body, path or query: 422', async (t) => {
    const built = await createExampleApp(t);
    const { send } = built;
    const nested = { ...rex, more: { a: [1, { b: 2, c: 3 }] } };
    const first = await send('POST', '/pet/pets/', nested, key('a'));
    const turned = { more: { a: [1, { c: 3, b: 2 }] }, species: 'dog', name: 'Rex' };
    expect((await send('POST', '/pet/pets/', turned, key('a'))).body).toEqual(first.body);
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
      const answer = await send('POST', path, body, key('a'));
      expect([answer.status, answer.body.type]).toEqual([422, 'urn:problem-type:idempotency-key-reused']);
    }
    expect(await countPets(built)).toBe(1);
    // Each service has keys of its own.
    expect((await send('POST', '/user/users/', { name: 'Alice' }, key('a'))).status).toBe(200);
  });

  test('is tried anew where it failed and changed nothing', async (t) => {
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

  test('gets the same answer where that is compressed, and where its client does not read that', async (t) => {
    const { url, send } = await createExampleApp(t, { config: { compress: true } });
    await send('POST', '/user/users/', { name: 'Alice' });
    for (let index = 1; index <= 20; index += 1) {
      await send('POST', '/pet/pets/', { ...rex, name: 'x'.repeat(200) });
      if (index > 1) await send('POST', `/user/users/1/pets/${index}`);
    }
    const adopt = (encoding: string) =>
      askRaw(`${url}/user/users/1/pets/1`, { ...key('a'), 'accept-encoding': encoding });
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

  test('counts for POST alone', async (t) => {
    const { send } = await createExampleApp(t);
    await send('POST', '/pet/pets/', rex);
    for (const mood of ['calm', 'wild']) {
      expect((await send('PATCH', '/pet/pets/1', { mood }, key('a'))).body.mood).toBe(mood);
    }
    expect((await send('GET', '/pet/pets/1', undefined, key('"'))).status).toBe(200);
  });
});

describe('the key', () => {
  const uuid = '8e03978e-40d5-43dd-bc93-6894a57f9324';
  const good: [string, string][] = [
    [`"${uuid}"`, uuid],
    [uuid, uuid],
    [`stripe-node-retry-${uuid}`, `stripe-node-retry-${uuid}`],
    ['a', 'a'],
    ['"a b"', 'a b'],
    ['"a, b; c"', 'a, b; c'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
    [`"${'\\"'.repeat(255)}"`, '"'.repeat(255)],
    [`!#$%&'()*+-./:<=>?@[]^_\`{|}~`, `!#$%&'()*+-./:<=>?@[]^_\`{|}~`],
  ];
  for (const [sent, kept] of good) {
    test(`may be ${sent.slice(0, 60)}`, async (t) => {
      const database = makeDatabase(t);
      const { send } = await createTestApp(t, {
        services: [pet],
        config: { services: { pet: database.config } },
      });
      expect((await send('POST', '/pet/pets/', rex, key(sent))).status).toBe(200);
      expect(database.query('SELECT key FROM __idempotency_key')).toEqual([kept]);
    });
  }

  const malformed = [
    ...[
      '',
      '""',
      '"',
      '"a',
      'a"',
      'a"b',
      '"a"b',
      '"a"b"',
      '"a\\b"',
      '"a\\"',
      'a\\b',
      'a b',
      'a,b',
      'a;b',
      'é',
      '"é"',
    ],
    ...['"a", "b"', '"a";b=1', 'a\tb', '"a\tb"', 'x'.repeat(256), `"${'x'.repeat(256)}"`],
  ];
  for (const sent of malformed) {
    test(`may not be ${JSON.stringify(sent).slice(0, 60)}: 400`, async (t) => {
      const built = await createExampleApp(t);
      const answer = await built.send('POST', '/pet/pets/', rex, key(sent));
      expect([answer.status, answer.body.type]).toEqual([400, 'urn:problem-type:idempotency-key-malformed']);
      expect(await countPets(built)).toBe(0);
    });
  }

  test('may not come twice', async (t) => {
    const { url } = await createExampleApp(t);
    const status = await new Promise((resolve, reject) => {
      const headers = [
        'host',
        'localhost',
        'idempotency-key',
        'a',
        'idempotency-key',
        'a',
        'content-type',
        'application/json',
      ];
      const asked = request(`${url}/pet/pets/`, { method: 'POST', headers: headers as never }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      });
      asked.on('error', reject).end(JSON.stringify(rex));
    });
    expect(status).toBe(400);
  });

  test('is the same with and without its quotes', async (t) => {
    const { send } = await createExampleApp(t);
    const first = await send('POST', '/pet/pets/', rex, key(uuid));
    expect((await send('POST', '/pet/pets/', rex, key(`"${uuid}"`))).body).toEqual(first.body);
  });

  test('is refused by a service that has nowhere to keep it', async (t) => {
    const echo = defineService({
      name: 'echo',
      description: 'Says it again',
      routes(scope) {
        const response = { 200: Type.Object({ ok: Type.Boolean() }) };
        scope.post('/', { schema: { operationId: 'echo', response } }, async () => ({ ok: true }));
      },
    });
    const { send } = await createTestApp(t, { services: [echo] });
    expect((await send('POST', '/echo/')).status).toBe(200);
    expect((await send('POST', '/echo/', undefined, key('a'))).status).toBe(400);
    const { paths } = (await send('GET', '/echo/openapi.json')).body;
    expect(paths['/'].post.parameters).toBeUndefined();
  });

  test('is kept for 24 hours, and then no longer', async (t) => {
    const database = makeDatabase(t);
    const built = await createTestApp(t, { services: [pet], config: { services: { pet: database.config } } });
    const create = (name: string) => built.send('POST', '/pet/pets/', rex, key(name));
    const count = () => database.query('SELECT count(*) FROM __idempotency_key')[0];
    for (let index = 0; index < 25; index += 1) await create(`key-${index}`);
    const age = (ms: number) =>
      database.query('UPDATE __idempotency_key SET created_at = ?', Date.now() - ms);
    age(day - 10_000);
    expect(isReplayed(await create('key-7'))).toBe(true);
    age(day + 10_000);
    const anew = await create('key-7');
    expect([anew.body.id, isReplayed(anew)]).toEqual([26, false]);
    expect([isReplayed(await create('key-7')), count()]).toEqual([true, 25]);
    for (const condition of ['created_at <= 1 ORDER BY created_at', 'created_at <= 1', 'rowid <= 9']) {
      const statement = `EXPLAIN QUERY PLAN SELECT rowid FROM __idempotency_key WHERE ${condition} LIMIT 10`;
      expect(database.query(statement), condition).toHaveLength(1);
    }
  });
});

describe('many at once with one key', () => {
  // A thousand rounds take a minute: .ci/run asks for them.
  const rounds = Number(process.env.IDEMPOTENCY_ROUNDS ?? 20);

  test(`have one effect, and get one answer or a 409: 100, ${rounds} times`, {
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
        const answer = await pool.request({
          path: '/pet/pets/',
          method: 'POST',
          headers,
          body: JSON.stringify(rex),
        });
        return { status: answer.statusCode, body: await answer.body.text() };
      };
      const answers = await Promise.all(Array.from({ length: 100 }, post));
      answers.push(await post());
      for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const done = answers.filter(({ status }) => status === 200);
      expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
      expect(new Set(done.map(({ body }) => body)).size, `round ${round}`).toBe(1);
      expect(done.at(-1)).toEqual(answers.at(-1));
    }
    expect(database.query('SELECT count(*) FROM pet')).toEqual([rounds]);
    console.log(`${rounds} rounds of 100 and one more: ${JSON.stringify(Object.fromEntries(statuses))}`);
  });

  test('that differ get a 422, and those with other keys their own', async (t) => {
    const built = await createTestApp(t, { services: [pet] });
    const post = (index: number) =>
      built.send('POST', '/pet/pets/', { ...rex, name: `n${index % 10}` }, key(`key-${index % 5}`));
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => post(index)));
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses]).toEqual(expect.arrayContaining([200, 422]));
    expect([...statuses].filter((status) => ![200, 409, 422].includes(status))).toEqual([]);
    expect(await countPets(built)).toBe(5);
  });
});

describe('a handler that', () => {
  async function start(t: TestContext, config: Record<string, unknown> = {}) {
    const gates: (() => void)[] = [];
    const stage = {
      runs: [] as string[],
      isOpen: false,
      wait: () => (stage.isOpen ? sleep(1) : new Promise<void>((resolve) => gates.push(resolve))),
    };
    const database = makeDatabase(t);
    const built = await createTestApp(t, {
      services: [makeNotes(stage)],

      config: { ...config, services: { note: database.config } },
    });
    t.onTestFinished(() => open());
    function open(): void {
      stage.isOpen = true;
      for (const gate of gates) gate();
    }
    const post = (path: string, name = 'a') => built.send('POST', `/note${path}`, undefined, key(name));
    /** Sends the retry until the request is over. Its effect is seen a moment before its response is stored. */
    const retry = async (path: string): Promise<TestResponse> => {
      const answer = await post(path);
      const isInUse = answer.body?.type === 'urn:problem-type:idempotency-key-in-use';
      return isInUse ? retry(path) : answer;
    };
    const notes = () => database.query('SELECT text FROM note ORDER BY id');
    return {
      ...built,
      post,
      retry,
      notes,
      database,
      stage,
      open,
      waits: () => waitFor(() => gates.length > 0),
    };
  }

  for (const [path, expected] of [
    ['/plain', ['plain']],
    ['/twice', ['first', 'second']],
    ['/both', ['one', 'other']],
    ['/sends', ['sent']],
    ['/callback', ['callback']],
    ['/bytes', ['bytes']],
    ['/unawaited', ['unawaited']],
    ['/refused', ['refused']],
  ] as const) {
    test(`writes and answers as ${path} does is run once, and its answer kept`, async (t) => {
      const { post, notes, stage, logs } = await start(t);
      const one = await post(path);
      const two = await post(path);
      expect([two.status, two.body, isReplayed(one), isReplayed(two)]).toEqual([
        one.status,
        one.body,
        false,
        true,
      ]);
      expect([notes(), stage.runs]).toEqual([expected, [`/note${path}`]]);
      for (const name of ['content-type', 'location', 'etag'])
        expect(two.headers.get(name)).toBe(one.headers.get(name));
      expect(logs.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    });
  }

  test('has not answered keeps its key in use: 409, and 422 for another request', async (t) => {
    const { post, notes, open, waits } = await start(t);
    const first = post('/slow');
    await waits();
    const second = await post('/slow');
    expect([second.status, second.body.type]).toEqual([409, 'urn:problem-type:idempotency-key-in-use']);
    expect((await post('/plain')).status).toBe(422);
    open();
    const { status, body } = await first;
    expect(status).toBe(200);
    expect([(await post('/slow')).body, notes()]).toEqual([body, ['slow']]);
  });

  test('waits between two writes does each once', async (t) => {
    const { post, notes, open, stage } = await start(t);
    open();
    const first = await post('/later');
    expect(first.body).toMatchObject({ isDate: true, first: { id: 1 }, second: { id: 2 } });
    expect([(await post('/later')).body, notes(), stage.runs.length]).toEqual([
      first.body,
      ['before', 'after'],
      1,
    ]);
  });

  test('fails with a 5xx after it has written goes on from there', async (t) => {
    const { post, notes, stage } = await start(t);
    expect((await post('/away')).status).toBe(503);
    expect(notes()).toEqual(['away', 'away too']);
    const second = await post('/away');
    expect([second.status, second.body, isReplayed(second)]).toEqual([
      200,
      { changes: 0, ids: [1, 2] },
      false,
    ]);
    const third = await post('/away');
    expect([third.body, isReplayed(third), notes()]).toEqual([second.body, true, ['away', 'away too']]);
    expect(stage.runs).toHaveLength(2);
  });

  test('answers with a stream is run again, and writes once', async (t) => {
    const { post, notes, stage } = await start(t);
    expect([(await post('/stream')).body, (await post('/stream')).body]).toEqual(['note 1', 'note 1']);
    expect([notes(), stage.runs.length]).toEqual([['stream'], 2]);
  });

  test('answers with nothing when its client has gone lets the key go', async (t) => {
    const { post, retry, notes, open, waits, url } = await start(t);
    const asked = request(`${url}/note/nothing`, { method: 'POST', headers: key('a') });
    asked.on('error', () => {}).end();
    await waits();
    asked.destroy();
    await sleep(50);
    expect((await post('/nothing')).status).toBe(409);
    open();
    await waitFor(() => notes().length === 1);
    const answer = await retry('/nothing');
    expect([answer.status, answer.body, isReplayed(answer), notes()]).toEqual([200, '', true, ['nothing']]);
  });

  test.for(['/slow', '/late-failure'] as const)(
    'is given up as %s is keeps its key in use until it ends, and a retry hears of it',
    async (path, t) => {
      const { post, retry, notes, open } = await start(t, { limits: { time: { handler: 300 } } });
      expect((await post(path)).status).toBe(504);
      expect((await post(path)).status).toBe(409);
      expect(notes()).toEqual([]);
      open();
      await waitFor(() => notes().length === 1);
      const answer = await retry(path);
      const expected = path === '/slow' ? { id: 1 } : { status: 409, detail: 'too late' };
      expect(answer.body).toMatchObject(expected);
      expect([(await post(path)).body, notes().length]).toEqual([answer.body, 1]);
    },
  );

  test('fails at COMMIT is answered so, and keeps nothing', async (t) => {
    const { send, database, logs, open } = await start(t);
    open();
    const answer = await send('POST', '/note/commit', { note: 7 }, key('a'));
    expect([answer.status, answer.body.title]).toEqual([500, 'Internal Server Error']);
    expect(logs.filter(({ msg }) => msg === 'request failed')).toHaveLength(1);
    expect(database.query('SELECT key FROM __idempotency_key')).toEqual([]);
    await send('POST', '/note/plain');
    const answers = [
      await send('POST', '/note/commit', { note: 1 }, key('a')),
      await send('POST', '/note/commit', { note: 1 }, key('b')),
      await send('POST', '/note/commit', { note: 1 }, key('b')),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(database.query('SELECT note FROM line')).toEqual([1, 1]);
  });

  test('writes nothing though it runs a statement is run again, and nothing of it is kept', async (t) => {
    const { post, database, stage } = await start(t);
    const [one, two] = [await post('/changes-nothing'), await post('/changes-nothing')];
    expect([one.body, two.body, isReplayed(two)]).toEqual([{ changes: 0 }, { changes: 0 }, false]);
    expect(stage.runs).toHaveLength(2);
    expect(database.query('SELECT key FROM __idempotency_key')).toEqual([]);
  });

  test('shares a turn with a statement that ends the transaction is written alone, and its response kept', async (t) => {
    const { send, post, notes, open, stage } = await start(t);
    await send('POST', '/note/plain');
    const answers = [
      post('/slow', 'a'),
      post('/slow', 'b'),
      send('POST', '/note/ends-the-transaction'),
      post('/slow', 'c'),
    ];
    await waitFor(() => stage.runs.length === 5);
    open();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 500, 200]);
    expect(notes()).toEqual(['plain', 'slow', 'slow', 'slow']);
    for (const name of ['a', 'b', 'c']) expect(isReplayed(await post('/slow', name))).toBe(true);
    expect(notes()).toHaveLength(4);
  });

  test('shares a transaction with a write that fails at COMMIT has its effect, and its response is kept', async (t) => {
    const { send, post, notes, database, open, stage } = await start(t);
    const answers = [
      post('/slow'),
      send('POST', '/note/commit', { note: 7 }, key('b')),
      send('POST', '/note/slow'),
    ];
    await waitFor(() => stage.runs.length === 3);
    open();
    const [slow, commit, unkeyed] = (await Promise.all(answers)) as [
      TestResponse,
      TestResponse,
      TestResponse,
    ];
    expect([slow.status, commit.status, unkeyed.status]).toEqual([200, 500, 200]);
    expect(database.query('SELECT key FROM __idempotency_key')).toEqual(['a']);
    const again = await post('/slow');
    expect([again.body, isReplayed(again), notes()]).toEqual([slow.body, true, ['slow', 'slow']]);
  });

  test('shares a transaction with others, with and without a key, is answered as they are', async (t) => {
    const { url, post, notes, open, stage } = await start(t);
    const answers = Array.from({ length: 20 }, (_, index) => post('/slow', `key-${index}`));
    answers.push(...Array.from({ length: 20 }, () => sendRequest(`${url}/note/slow`, 'POST')));
    await waitFor(() => stage.runs.length === 40);
    open();
    const ids = (await Promise.all(answers)).map(({ body }) => body.id as number);
    expect(new Set(ids).size).toBe(40);
    expect(notes()).toHaveLength(40);
  });

  test('finds that another process has answered gives that answer', async (t) => {
    const { post, notes, database, open, waits, stage } = await start(t);
    const other = await createTestApp(t, {
      services: [makeNotes(stage)],
      config: { services: { note: database.config } },
    });
    const first = post('/slow');
    await waits();
    const second = other.send('POST', '/note/slow', undefined, key('a'));
    const third = other.send('POST', '/note/plain', undefined, key('b'));
    await waitFor(() => stage.runs.length === 3);
    open();
    const [one, two] = await Promise.all([first, second]);
    expect([one.status, two.status, two.body]).toEqual([200, 200, one.body]);
    expect([isReplayed(one), isReplayed(two)].sort()).toEqual([false, true]);
    expect((await third).status).toBe(200);
    expect([...notes()].sort()).toEqual(['plain', 'slow']);
  });

  test('finds that another process has taken the key for another request writes nothing: 422', async (t) => {
    const { post, notes, database, open, waits, stage } = await start(t);
    const other = await createTestApp(t, {
      services: [makeNotes(stage)],
      config: { services: { note: database.config } },
    });
    const first = post('/slow');
    await waits();
    expect((await other.send('POST', '/note/plain', undefined, key('a'))).status).toBe(200);
    open();
    expect((await first).status).toBe(422);
    expect(notes()).toEqual(['plain']);
  });

  test('runs in two processes between two writes does each once', async (t) => {
    const { post, notes, database, open, waits, stage } = await start(t);
    const other = await createTestApp(t, {
      services: [makeNotes(stage)],
      config: { services: { note: database.config } },
    });
    const answers = [post('/first-nothing')];
    await waits();
    answers.push(other.send('POST', '/note/first-nothing', undefined, key('a')));
    await waitFor(() => stage.runs.length === 2);
    open();
    const [one, two] = (await Promise.all(answers)) as [TestResponse, TestResponse];
    expect([one.status, one.body, two.body]).toEqual([200, { changes: 0, id: 1 }, one.body]);
    expect(notes()).toEqual(['something']);
  });
});

test('a retry has one effect in a peer too, where its first try ended after the call to that', async (t) => {
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
  let isAway = true;
  const relay = defineService({
    name: 'relay',
    description: 'Has notes kept by another service.',
    migrations: new URL('../../fixtures/note/migrations/', import.meta.url),
    peers: ['note'] as never[],
    routes(scope, { peers }) {
      const { keep } = (peers as unknown as { note: { keep(init: object): Promise<unknown> } }).note;
      scope.post('/relay', { schema: { hide: true } }, async () => {
        const ids: unknown[] = [];
        for (const text of ['one', 'other']) ids.push(await keep({ body: { text } }));
        if (isAway) throw new ServiceUnavailable('not now');
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
  isAway = false;
  expect((await post()).body).toEqual([{ id: 1 }, { id: 2 }]);
  expect(database.query('SELECT text FROM note')).toEqual(['one', 'other']);
  await send('POST', '/relay/relay', undefined, key('b'));
  expect(database.query('SELECT text FROM note')).toHaveLength(4);
});

describe('the contract', () => {
  test('has the key with every POST, and with nothing else', async (t) => {
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

  test('does not ask a caller for it: the types say so', () => {
    type Sent = paths['/pet/pets/{pet_id}/feed']['post']['parameters'];
    const without: Sent = { path: { pet_id: 1 } };
    const withKey: Sent = { path: { pet_id: 1 }, header: { 'Idempotency-Key': '"a"' } };
    expect([without.header, withKey.header?.['Idempotency-Key']]).toEqual([undefined, '"a"']);
  });
});
