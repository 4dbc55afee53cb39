import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { key, makeDatabase } from '../../framework/idempotency/helper.ts';
import { sendRequest, type TestResponse } from '../../support/app.ts';
import { allGroupings, type Grouping, oneProcess, startGrouping } from '../groupings/helper.ts';
import { root, startProcess, startServer, writeConfig } from '../process/helper.ts';

const rex = { name: 'Rex', species: 'dog' };

function query(file: string, sql: string): unknown[] {
  const client = new Client(file);
  try {
    return client.prepare(sql).pluck().all();
  } finally {
    client.close();
  }
}

describe('kill -9 of a server that has written: a retry has no second effect, and', () => {
  const create = ['/pet/pets/', rex, 'pet.db', 'SELECT name FROM pet ORDER BY id', ['Tom', 'Rex']] as const;
  const adopt = ['/user/users/1/pets/1', undefined, 'user.db', 'SELECT pet_id FROM adoption', [1]] as const;

  /** Sends a request with a key to a server that kills itself, and starts the next server. */
  async function kill(
    t: TestContext,
    moment: 'commit' | 'response',
    [path, body, database, sql, rows]: typeof create | typeof adopt,
  ) {
    const { folder, file } = writeConfig(t);
    const env = { NODE_OPTIONS: `--import=${join(root, 'test/e2e/process/die.ts')}`, DIE_AT: moment };
    const server = await startServer(t, file, env);
    await sendRequest(`${server.url}/pet/pets/`, 'POST', { ...rex, name: 'Tom' });
    await sendRequest(`${server.url}/user/users/`, 'POST', { name: 'Alice' });
    const sent = sendRequest(`${server.url}${path}`, 'POST', body, key('"retried"'));
    await expect(sent).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await server.ended).signal).toBe('SIGKILL');
    const read = (text: string = sql) => query(join(folder, 'data', database), text);
    expect(read()).toEqual(rows);
    const stored = read('SELECT status FROM __idempotency_key');
    expect(stored).toEqual([moment === 'commit' ? null : 200]);
    const lost = /about to respond: (.*)/.exec(server.output())?.[1];
    const { url } = await startServer(t, file);
    const retry = async () => {
      const {
        status,
        headers,
        body: answer,
      } = await sendRequest(`${url}${path}`, 'POST', body, key('"retried"'));
      return { status, answer, isReplayed: headers.get('idempotent-replayed') === 'true' };
    };
    return { url, lost, read, retry };
  }

  test.for([
    ['a pet that is created', { name: 'Rex', id: 2 }, create, ['Max']],
    // The deletion of the pet ends its adoption, and the retries do not adopt it again.
    ['an adoption', { pets: [{ name: 'Tom' }] }, adopt, []],
  ] as const)(
    'gets the stored response if the server died before it sent the response: %s',
    async (row, t) => {
      const [, expected, request, rows] = row;
      const { url, lost, read, retry } = await kill(t, 'response', request);
      // Meanwhile the data of the response has changed.
      await sendRequest(`${url}/pet/pets/1`, 'DELETE');
      await sendRequest(`${url}/pet/pets/2`, 'PATCH', { name: 'Max' });
      await sendRequest(`${url}/user/users/1`, 'PATCH', { name: 'Carol' });
      for (let time = 1; time <= 2; time += 1) {
        const { status, answer, isReplayed } = await retry();
        expect([status, isReplayed]).toEqual([200, true]);
        expect(answer).toMatchObject(expected);
        expect(JSON.stringify(answer)).toBe(lost);
      }
      await expect.poll(() => read()).toEqual(rows);
    },
  );

  test.for([
    ['a pet that is created', { name: 'Rex', id: 2 }, create, ['Bob', 'Max']],
    ['an adoption', { name: 'Carol', pets: [{ name: 'Bob' }] }, adopt, [1]],
  ] as const)(
    'gets a response from the stored result if the server died right after COMMIT: %s',
    async (row, t) => {
      const [, expected, request, rows] = row;
      const { url, lost, read, retry } = await kill(t, 'commit', request);
      expect(lost).toBeUndefined();
      await sendRequest(`${url}/pet/pets/1`, 'PATCH', { name: 'Bob' });
      await sendRequest(`${url}/pet/pets/2`, 'PATCH', { name: 'Max' });
      await sendRequest(`${url}/user/users/1`, 'PATCH', { name: 'Carol' });
      const first = await retry();
      expect([first.status, first.isReplayed]).toEqual([200, false]);
      expect(first.answer).toMatchObject(expected);
      expect(await retry()).toEqual({ ...first, isReplayed: true });
      expect(read()).toEqual(rows);
    },
  );
});

test('after kill -9 in a handler between two writes, a retry continues after the first write', async (t) => {
  const { file, query } = makeDatabase(t);
  const start = async (how: string) => {
    const server = startProcess(t, process.execPath, [
      join(root, 'test/e2e/process/notes-server.ts'),
      how,
      file,
    ]);
    const [, url] = (await server.waitForOutput(/the server listens at (.*)/)) as unknown as [string, string];
    return { ...server, post: () => sendRequest(`${url}/note/later`, 'POST', undefined, key('a')) };
  };
  const killed = await start('hang');
  const sent = killed.post();
  await Promise.all([
    expect(sent).rejects.toMatchObject({ code: 'ECONNRESET' }),
    killed.waitForOutput(/a handler waits/).then(async () => {
      // A second connection sees the first write, so it is committed.
      await expect.poll(() => query('SELECT text FROM note')).toEqual(['before']);
      killed.child.kill('SIGKILL');
    }),
  ]);
  await killed.ended;
  expect(query('SELECT status FROM __idempotency_key')).toEqual([null]);

  const { post } = await start('go');
  const first = await post();
  expect(first.body).toMatchObject({ isDate: true, first: { id: 1 }, second: { id: 2 } });
  expect([(await post()).body, query('SELECT text FROM note')]).toEqual([first.body, ['before', 'after']]);
});

describe('two processes with one database give one response, with one effect:', () => {
  const ways = {
    'instances of an app': async (t: TestContext) => {
      const { url } = await startGrouping(t, oneProcess, { instances: 2, files: true });
      return [url, url];
    },
    'two servers': async (t: TestContext) => {
      const { file } = writeConfig(t);
      const servers = [await startServer(t, file), await startServer(t, file)];
      return servers.map(({ url }) => url);
    },
  };
  for (const [way, start] of Object.entries(ways)) {
    test(way, async (t) => {
      const urls = await start(t);
      const at = (index: number) => urls[index % 2] as string;
      await sendRequest(`${at(0)}/pet/pets/`, 'POST', rex);
      await sendRequest(`${at(0)}/user/users/`, 'POST', { name: 'Alice' });
      for (let round = 0; round < 25; round += 1) {
        // Some requests call the pet service before they write, so that both processes handle them at the same time.
        const [path, body] = round % 5 === 0 ? ['/user/users/1/pets/1', undefined] : ['/pet/pets/', rex];
        const name = key(randomUUID());
        const post = (index: number) => sendRequest(`${at(index)}${path}`, 'POST', body, name);
        const responses = await Promise.all(Array.from({ length: 20 }, (_, index) => post(index)));
        responses.push(await post(0), await post(1));
        const done = responses.filter(({ status }) => status === 200);
        expect(responses.filter(({ status }: TestResponse) => status !== 200 && status !== 409)).toEqual([]);
        const distinct = new Set(done.map(({ body: found }) => JSON.stringify(found)));
        expect(distinct.size, `round ${round}`).toBe(1);
        expect(responses.slice(-2).map(({ status }) => status)).toEqual([200, 200]);
      }
      const pets = await sendRequest(`${at(0)}/pet/pets/`, 'GET');
      expect(pets.body).toHaveLength(21);
    });
  }
});

test('a gateway forwards the key, and returns the response unchanged', async (t) => {
  const { url } = await startGrouping(t, allGroupings[1] as Grouping);
  const post = (name: string, body: unknown = rex) =>
    sendRequest(`${url}/pet/pets/`, 'POST', body, key(name));
  const [first, second] = [await post('"a"'), await post('"a"')];
  expect([second.status, second.body, second.headers.get('idempotent-replayed')]).toEqual([
    200,
    first.body,
    'true',
  ]);
  const rejected = [await post('"a'), await post('"a"', { ...rex, name: 'Tom' })];
  expect(rejected.map(({ status }) => status)).toEqual([400, 422]);
  expect((await sendRequest(`${url}/pet/pets/`, 'GET')).body).toHaveLength(1);
});
