import type { KeyRow, KeyRows } from '../idempotency/key-store.ts';
import type { DatabaseDriver } from './database.ts';
import { sql } from './drizzle.ts';
import { currentWrite } from './running-write.ts';
import type { Values } from './statement.ts';

/** The framework's table of idempotency keys in SQLite. `rowid` orders keys by their age. */
export const idempotencyTable = `
  CREATE TABLE IF NOT EXISTS __idempotency_key (
    key TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    results BLOB NOT NULL,
    status INTEGER,
    headers TEXT,
    body ANY
  ) STRICT;
  CREATE INDEX IF NOT EXISTS __idempotency_key_created_at ON __idempotency_key (created_at);`;

/** The `results` of a key that a request has claimed and not finished. Only the write that claimed it sees such a row. */
const claimed = Buffer.alloc(0);

const p = sql.placeholder;
const table = sql.raw('__idempotency_key');
const newest = sql`(SELECT max(rowid) FROM ${table})`;

/** Creates the access to the stored keys of a database, with SQL that both SQLite and PostgreSQL understand. */
export function createKeyRows(driver: DatabaseDriver): KeyRows {
  const { identity, prepare } = driver;
  const stored = sql`SELECT fingerprint, results, status, headers, body FROM ${table} WHERE key = ${p('key')} AND created_at > ${p('since')}`;
  const select = prepare(stored);
  // Lock the row, because the second of two processes that store a response must see the response of the first.
  const selectLocked = driver.prepareLocking(stored);
  const insert = prepare(
    sql`INSERT INTO ${table} (key, fingerprint, created_at, results)
      VALUES (${p('key')}, ${p('fingerprint')}, ${p('createdAt')}, ${p('results')}) ON CONFLICT (key) DO NOTHING`,
  );
  const remove = prepare(sql`DELETE FROM ${table} WHERE key = ${p('key')}`);
  const removeExpired = prepare(
    sql`DELETE FROM ${table} WHERE key = ${p('key')} AND created_at <= ${p('since')}`,
  );
  const setResults = prepare(sql`UPDATE ${table} SET results = ${p('results')} WHERE key = ${p('key')}`);
  const setResponse = prepare(
    sql`UPDATE ${table} SET status = ${p('status')}, headers = ${p('headers')}, body = ${p('body')}
      WHERE key = ${p('key')} AND rowid > ${newest} - CAST(${p('responses')} AS bigint)`,
  );
  const selectNewest = prepare(sql`SELECT created_at FROM ${table} ORDER BY rowid DESC LIMIT 1`);
  const expire = prepare(
    sql`DELETE FROM ${table} WHERE rowid IN (
      SELECT rowid FROM ${table} WHERE created_at <= ${p('oldest')} ORDER BY created_at LIMIT ${p('limit')})`,
  );
  const trim = prepare(
    sql`DELETE FROM ${table} WHERE rowid IN (
      SELECT rowid FROM ${table} WHERE rowid <= ${newest} - CAST(${p('keys')} AS bigint) ORDER BY rowid LIMIT ${p('limit')})`,
  );
  // It is enough to search the newest `limit` old keys, because each run follows fewer than `limit` new keys.
  const oldResponses = sql`rowid BETWEEN ${newest} - CAST(${p('responses')} AS bigint) - ${p('limit')}
    AND ${newest} - CAST(${p('responses')} AS bigint) AND status IS NOT NULL`;
  const strip = prepare(sql`UPDATE ${table} SET status = NULL, body = NULL WHERE ${oldResponses}`);
  const selectOld = prepare(
    sql`SELECT 1 WHERE EXISTS (SELECT 1 FROM ${table} WHERE created_at <= ${p('oldest')})
      OR EXISTS (SELECT 1 FROM ${table} WHERE rowid <= ${newest} - CAST(${p('keys')} AS bigint))
      OR EXISTS (SELECT 1 FROM ${table} WHERE ${oldResponses})`,
  );

  async function read(key: string, since: number, statement = select): Promise<KeyRow | undefined> {
    const row = (await statement.get({ key, since })) as unknown[] | undefined;
    if (row === undefined) return undefined;
    const [fingerprint, results, status, headers, body] = row;
    return { fingerprint, results, status, headers, body } as KeyRow;
  }

  return {
    identity,
    read: (key, since) => read(key, since),
    async claim(key, fingerprint, { createdAt, since }) {
      const values: Values = { key, fingerprint, createdAt, results: claimed };
      for (;;) {
        const found = await read(key, since, selectLocked);
        if (found !== undefined) return found;
        // PostgreSQL waits here while another process holds the key. The next read sees what that process stored.
        if ((await insert.run(values)).changes > 0) return undefined;
        // If the stored key has expired, a new row makes it the newest key again.
        await removeExpired.run({ key, since });
      }
    },
    remove: async (key) => void (await remove.run({ key })),
    setResults: async (key, results) => void (await setResults.run({ key, results })),
    async setResponse(key, { status, headers, body }, responses) {
      const bytes = body === null ? null : Buffer.from(body);
      const values = { key, status, headers: JSON.stringify(headers), body: bytes, responses };
      return (await setResponse.run(values)).changes > 0;
    },
    countChanges: () => currentWrite(identity)?.countChanges() ?? 0,
    async newest() {
      const row = (await selectNewest.get()) as [number] | undefined;
      return row?.[0];
    },
    async prune({ oldest, keys, responses, limit }) {
      if ((await selectOld.get({ oldest, keys, responses, limit })) === undefined) return false;
      await driver.write(async () => {
        await expire.run({ oldest, limit });
        await trim.run({ keys, limit });
        await strip.run({ responses, limit });
      });
      return true;
    },
    write: driver.write,
  };
}
