import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { waitFor } from '../../e2e/groupings/helper.ts';
import { createTestApp, sendRequest, type TestResponse } from '../../support/app.ts';
import { key, makeDatabase, makeNotes } from './helper.ts';
import { isReplayed } from './request-helpers.ts';

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
