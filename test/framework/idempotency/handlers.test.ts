import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { waitFor } from '../../e2e/groupings/helper.ts';
import { createTestApp, sendRequest, type TestResponse } from '../../support/app.ts';
import { key, makeDatabase, makeNotes } from './helper.ts';
import { isReplayed } from './request-helpers.ts';

describe('the handler of a POST with an idempotency key', () => {
  async function start(t: TestContext, config: Record<string, unknown> = {}) {
    const waiting: (() => void)[] = [];
    const stage = {
      runs: [] as string[],
      isReleased: false,
      wait: () => (stage.isReleased ? sleep(1) : new Promise<void>((resolve) => waiting.push(resolve))),
    };
    const database = makeDatabase(t);
    const startApp = () =>
      createTestApp(t, {
        services: [makeNotes(stage)],
        config: { ...config, services: { note: database.config } },
      });
    const built = await startApp();
    t.onTestFinished(() => release());
    function release(): void {
      stage.isReleased = true;
      for (const resolve of waiting) resolve();
    }
    const post = (path: string, name = 'a') => built.send('POST', `/note${path}`, undefined, key(name));
    /** Retries while the key is in use, because the effect is visible before the response is stored. */
    const retry = async (path: string): Promise<TestResponse> => {
      const response = await post(path);
      const isInUse = response.body?.type === 'urn:problem-type:idempotency-key-in-use';
      return isInUse ? retry(path) : response;
    };
    const notes = () => database.query('SELECT text FROM note ORDER BY id');
    return {
      ...built,
      post,
      retry,
      notes,
      database,
      stage,
      release,
      /** Starts an app with the same database, as another process would. */
      startOther: startApp,
      untilHeld: () => waitFor(() => waiting.length > 0),
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
    ['/conflict', ['conflict']],
  ] as const) {
    test(`runs once, and a retry gets its response: ${path}`, async (t) => {
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

  test('keeps its key in use until it responds: 409 for the same request, 422 for a different one', async (t) => {
    const { post, notes, release, untilHeld } = await start(t);
    const first = post('/slow');
    await untilHeld();
    const second = await post('/slow');
    expect([second.status, second.body.type]).toEqual([409, 'urn:problem-type:idempotency-key-in-use']);
    expect((await post('/plain')).status).toBe(422);
    release();
    const { status, body } = await first;
    expect(status).toBe(200);
    expect([(await post('/slow')).body, notes()]).toEqual([body, ['slow']]);
  });

  test('runs each write once if it waits between two writes', async (t) => {
    const { post, notes, release, stage } = await start(t);
    release();
    const first = await post('/later');
    expect(first.body).toMatchObject({ isDate: true, first: { id: 1 }, second: { id: 2 } });
    expect([(await post('/later')).body, notes(), stage.runs.length]).toEqual([
      first.body,
      ['before', 'after'],
      1,
    ]);
  });

  test.for([
    ['/unavailable', 503],
    ['/defect', 500],
  ] as const)(
    'continues from its stored results if it failed with a 5xx after its writes: %s',
    async ([path, status], t) => {
      const { post, notes, stage } = await start(t);
      expect((await post(path)).status).toBe(status);
      expect(notes()).toEqual(['one', 'other']);
      const second = await post(path);
      expect([second.status, second.body, isReplayed(second)]).toEqual([
        200,
        { changes: 0, ids: [1, 2] },
        false,
      ]);
      const third = await post(path);
      expect([third.body, isReplayed(third), notes()]).toEqual([second.body, true, ['one', 'other']]);
      expect(stage.runs).toHaveLength(2);
    },
  );

  test('runs again but writes once if it responds with a stream', async (t) => {
    const { post, notes, stage } = await start(t);
    expect([(await post('/stream')).body, (await post('/stream')).body]).toEqual(['note 1', 'note 1']);
    expect([notes(), stage.runs.length]).toEqual([['stream'], 2]);
  });

  test('frees its key if it resolves with nothing after the client disconnected', async (t) => {
    const { post, retry, notes, release, untilHeld, url } = await start(t);
    const aborted = request(`${url}/note/nothing`, { method: 'POST', headers: key('a') });
    aborted.on('error', () => {}).end();
    await untilHeld();
    aborted.destroy();
    await sleep(50);
    expect((await post('/nothing')).status).toBe(409);
    release();
    await waitFor(() => notes().length === 1);
    const response = await retry('/nothing');
    expect([response.status, response.body, isReplayed(response), notes()]).toEqual([
      200,
      '',
      true,
      ['nothing'],
    ]);
  });

  test.for(['/slow', '/late-failure'] as const)(
    'keeps its key in use after a 504 until it ends, and a retry gets its response: %s',
    async (path, t) => {
      const { post, retry, notes, release } = await start(t, { limits: { time: { handler: 300 } } });
      expect((await post(path)).status).toBe(504);
      expect((await post(path)).status).toBe(409);
      expect(notes()).toEqual([]);
      release();
      await waitFor(() => notes().length === 1);
      const response = await retry(path);
      const expected = path === '/slow' ? { id: 1 } : { status: 409, detail: 'too late' };
      expect(response.body).toMatchObject(expected);
      expect([(await post(path)).body, notes().length]).toEqual([response.body, 1]);
    },
  );

  test('gets 500 if its COMMIT fails, and its key is not stored', async (t) => {
    const { send, database, logs, release } = await start(t);
    release();
    const response = await send('POST', '/note/commit', { note: 7 }, key('a'));
    expect([response.status, response.body.title]).toEqual([500, 'Internal Server Error']);
    expect(logs.filter(({ msg }) => msg === 'request failed')).toHaveLength(1);
    expect(database.query('SELECT key FROM __idempotency_key')).toEqual([]);
    await send('POST', '/note/plain');
    const responses = [
      await send('POST', '/note/commit', { note: 1 }, key('a')),
      await send('POST', '/note/commit', { note: 1 }, key('b')),
      await send('POST', '/note/commit', { note: 1 }, key('b')),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(database.query('SELECT note FROM line')).toEqual([1, 1]);
  });

  test('runs again if its statement changed nothing, and its key is not stored', async (t) => {
    const { post, database, stage } = await start(t);
    const [one, two] = [await post('/changes-nothing'), await post('/changes-nothing')];
    expect([one.body, two.body, isReplayed(two)]).toEqual([{ changes: 0 }, { changes: 0 }, false]);
    expect(stage.runs).toHaveLength(2);
    expect(database.query('SELECT key FROM __idempotency_key')).toEqual([]);
  });

  test('has its effect and stores its response if a concurrent statement ends their transaction', async (t) => {
    const { send, post, notes, release, stage } = await start(t);
    await send('POST', '/note/plain');
    const responses = [
      post('/slow', 'a'),
      post('/slow', 'b'),
      send('POST', '/note/ends-the-transaction'),
      post('/slow', 'c'),
    ];
    await waitFor(() => stage.runs.length === 5);
    release();
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 200, 500, 200]);
    expect(notes()).toEqual(['plain', 'slow', 'slow', 'slow']);
    for (const name of ['a', 'b', 'c']) expect(isReplayed(await post('/slow', name))).toBe(true);
    expect(notes()).toHaveLength(4);
  });

  test('has its effect and stores its response if a write of the same transaction fails at COMMIT', async (t) => {
    const { send, post, notes, database, release, stage } = await start(t);
    const responses = [
      post('/slow'),
      send('POST', '/note/commit', { note: 7 }, key('b')),
      send('POST', '/note/slow'),
    ];
    await waitFor(() => stage.runs.length === 3);
    release();
    const [slow, commit, unkeyed] = (await Promise.all(responses)) as [
      TestResponse,
      TestResponse,
      TestResponse,
    ];
    expect([slow.status, commit.status, unkeyed.status]).toEqual([200, 500, 200]);
    expect(database.query('SELECT key FROM __idempotency_key')).toEqual(['a']);
    const again = await post('/slow');
    expect([again.body, isReplayed(again), notes()]).toEqual([slow.body, true, ['slow', 'slow']]);
  });

  test('gets a separate response if it shares a transaction with other requests, with and without keys', async (t) => {
    const { url, post, notes, release, stage } = await start(t);
    const responses = Array.from({ length: 20 }, (_, index) => post('/slow', `key-${index}`));
    responses.push(...Array.from({ length: 20 }, () => sendRequest(`${url}/note/slow`, 'POST')));
    await waitFor(() => stage.runs.length === 40);
    release();
    const ids = (await Promise.all(responses)).map(({ body }) => body.id as number);
    expect(new Set(ids).size).toBe(40);
    expect(notes()).toHaveLength(40);
  });

  test('responds with the response that another process stored first', async (t) => {
    const { post, notes, startOther, release, untilHeld, stage } = await start(t);
    const other = await startOther();
    const first = post('/slow');
    await untilHeld();
    const second = other.send('POST', '/note/slow', undefined, key('a'));
    const third = other.send('POST', '/note/plain', undefined, key('b'));
    await waitFor(() => stage.runs.length === 3);
    release();
    const [one, two] = await Promise.all([first, second]);
    expect([one.status, two.status, two.body]).toEqual([200, 200, one.body]);
    expect([isReplayed(one), isReplayed(two)].sort()).toEqual([false, true]);
    expect((await third).status).toBe(200);
    expect([...notes()].sort()).toEqual(['plain', 'slow']);
  });

  test('writes nothing and responds with 422 if another process used the key for a different request', async (t) => {
    const { post, notes, startOther, release, untilHeld } = await start(t);
    const other = await startOther();
    const first = post('/slow');
    await untilHeld();
    expect((await other.send('POST', '/note/plain', undefined, key('a'))).status).toBe(200);
    release();
    expect((await first).status).toBe(422);
    expect(notes()).toEqual(['plain']);
  });

  test('runs each write once if two processes run it at the same time', async (t) => {
    const { post, notes, startOther, release, untilHeld, stage } = await start(t);
    const other = await startOther();
    const responses = [post('/first-nothing')];
    await untilHeld();
    responses.push(other.send('POST', '/note/first-nothing', undefined, key('a')));
    await waitFor(() => stage.runs.length === 2);
    release();
    const [one, two] = (await Promise.all(responses)) as [TestResponse, TestResponse];
    expect([one.status, one.body, two.body]).toEqual([200, { changes: 0, id: 1 }, one.body]);
    expect(notes()).toEqual(['something']);
  });
});
