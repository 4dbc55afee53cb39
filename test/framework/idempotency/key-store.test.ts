import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { type Context, runInContext } from '../../../src/framework/context/context.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { createKeyRows } from '../../../src/framework/database/key-rows.ts';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { bounds, openIdempotencyKeys } from '../../../src/framework/idempotency/key-store.ts';
import type { KeyedRequest } from '../../../src/framework/idempotency/keyed-request.ts';
import { getLogger } from '../../../src/framework/logging/logger.ts';
import { makeFolder } from '../../support/app.ts';
import { runSql } from '../../support/sql.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** Opens the keys of a database, and functions that make requests with them. */
async function open(t: TestContext, given: Partial<typeof bounds> = {}, file?: string) {
  const path = file ?? join(makeFolder(t), 'note.db');
  const database = openSqlite(path);
  const client = new Client(path);
  client.exec('CREATE TABLE IF NOT EXISTS note (text TEXT)');
  const keys = await openIdempotencyKeys(createKeyRows(database), { ...bounds, pruneAfterKeys: 1, ...given });
  t.onTestFinished(async () => {
    keys.close();
    await database.close();
    client.close();
  });
  /** Writes a note in a request with this key, and responds. */
  async function post(key: string, { note = 'note', body = 'done' } = {}) {
    const claimed = await keys.claim(key, 'the same');
    if ('response' in claimed) return 'replayed';
    await writeIn(claimed, async () => void (await runSql(database, sql`INSERT INTO note VALUES (${note})`)));
    await claimed.respond({ status: 200, headers: {}, body });
    return 'done';
  }
  /** Writes in the context of a request, as its handler does. */
  const writeIn = <Result>(keyed: KeyedRequest, fn: () => Promise<Result>) =>
    runInContext({ log: getLogger(), keyed } as unknown as Context, () => database.write(fn));
  return {
    client,
    database,
    keys,
    post,
    writeIn,
    list: (column: string) =>
      client.prepare(`SELECT ${column} FROM __idempotency_key ORDER BY rowid`).pluck().all(),
    age: (ms: number) => client.prepare('UPDATE __idempotency_key SET created_at = created_at - ?').run(ms),
  };
}

describe('the stored keys are bounded:', () => {
  test('past the limit the oldest keys are removed', async (t) => {
    const { post, list } = await open(t, { keys: 5 });
    for (let index = 1; index <= 20; index += 1) await post(`key ${index}`);
    await expect.poll(() => list('key')).toEqual([16, 17, 18, 19, 20].map((index) => `key ${index}`));
  });

  test('past the limit the oldest responses are removed, and a retry still has no second effect', async (t) => {
    const { client, post, list } = await open(t, { responses: 3 });
    for (let index = 1; index <= 10; index += 1) await post(`key ${index}`);
    const bodies = () => list('CAST(body AS TEXT)');
    await expect.poll(bodies).toEqual([...Array(7).fill(null), 'done', 'done', 'done']);
    expect(await post('key 10')).toBe('replayed');
    await post('key 1');
    expect(client.prepare('SELECT count(*) FROM note').pluck().get()).toBe(10);
    expect(await post('key 1')).toBe('replayed');
  });

  test('a write that returns too much is rejected, and changes nothing', async (t) => {
    const { client, database, keys, writeIn } = await open(t);
    const claimed = await keys.claim('a', 'the same');
    if ('response' in claimed) throw new Error('the key is not new');
    const write = writeIn(claimed, async () => {
      await runSql(database, sql`INSERT INTO note VALUES ('much')`);
      return 'x'.repeat(9_000);
    });
    await expect(write).rejects.toThrow(
      /^the result of a write cannot be stored for retries: it has 90\d\d bytes, and at most 8192 are allowed\. Return less from the write$/,
    );
    expect(client.prepare('SELECT count(*) FROM note').pluck().get()).toBe(0);
  });

  test('the file stops growing, because new keys reuse the space of removed keys', async (t) => {
    const file = join(makeFolder(t), 'note.db');
    const { client, post } = await open(t, { keys: 200, responses: 50 }, file);
    const sizes: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      for (let index = 0; index < 400; index += 1) {
        await post(`${round} ${index}`, { note: '', body: 'x'.repeat(8_000) });
      }
      client.pragma('wal_checkpoint(TRUNCATE)');
      sizes.push(statSync(file).size);
    }
    expect(sizes.at(-1)).toBeLessThan(1.1 * (sizes[0] as number));
    expect(sizes.at(-1)).toBeLessThan(2_000_000);
  });
});

describe('expired keys are removed without further requests:', () => {
  test('while the server runs', async (t) => {
    const { post, list, age } = await open(t, { pruneEveryMs: 20 });
    for (let index = 1; index <= 30; index += 1) await post(`key ${index}`);
    age(dayMs - 60_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(list('key')).toHaveLength(30);
    age(120_000);
    await expect.poll(() => list('key'), { timeout: 10_000 }).toEqual([]);
  });

  test('in several transactions', async (t) => {
    const { client, list } = await open(t, { pruneEveryMs: 20 });
    client.exec(`INSERT INTO __idempotency_key
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
      SELECT 'key ' || i, '', i, x'00', NULL, '', NULL FROM n`);
    await expect.poll(() => list('key'), { timeout: 10_000 }).toEqual([]);
  });

  test('at the start', async (t) => {
    const file = join(makeFolder(t), 'note.db');
    await openSqlite(file).close();
    const client = new Client(file);
    t.onTestFinished(() => void client.close());
    const now = Date.now();
    const put = client.prepare("INSERT INTO __idempotency_key VALUES (?, '', ?, x'00', NULL, '', NULL)");
    put.run('old', now - dayMs - 60_000);
    put.run('new', now);
    const database = await openDatabase(`sqlite:${file}`);
    t.onTestFinished(() => database.close());
    const list = () => client.prepare('SELECT key FROM __idempotency_key').pluck().all();
    await expect.poll(list, { timeout: 10_000 }).toEqual(['new']);
  });
});

test('a request writes nothing more when another process has responded to it', async (t) => {
  const file = join(makeFolder(t), 'note.db');
  const { client, database, keys, writeIn } = await open(t, {}, file);
  const other = await open(t, {}, file);
  const claimed = await keys.claim('a', 'the same');
  if ('response' in claimed) throw new Error('the key is not new');
  expect(await other.post('a')).toBe('done');
  // The handler may decide otherwise than in the other process, and make a further write.
  for (const note of ['first', 'second']) {
    const write = writeIn(
      claimed,
      async () => void (await runSql(database, sql`INSERT INTO note VALUES (${note})`)),
    );
    await expect(write).rejects.toMatchObject({ status: 409 });
  }
  expect(client.prepare('SELECT text FROM note').pluck().all()).toEqual(['note']);
});

test('after close() nothing is pruned', async (t) => {
  const { client, keys, post, list, age } = await open(t, { pruneEveryMs: 1 });
  await post('a');
  keys.close();
  age(2 * dayMs);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await turn();
  expect([list('key'), client.inTransaction]).toEqual([['a'], false]);
});

test('a retry has no second effect after the system clock was two days ahead for a moment', async (t) => {
  const { client, post } = await open(t);
  await post('a');
  const { now } = Date;
  t.onTestFinished(() => {
    Date.now = now;
  });
  Date.now = () => now() + 2 * dayMs;
  await post('meanwhile');
  expect(await post('a')).toBe('replayed');
  Date.now = now;
  expect([await post('a'), await post('meanwhile')]).toEqual(['replayed', 'replayed']);
  expect(client.prepare('SELECT count(*) FROM note').pluck().get()).toBe(2);
});
