import pg from 'pg';
import { describe, expect, type TestContext, test } from 'vitest';
import type { Database } from '../../../../src/framework/database/database.ts';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { newSchemaUrl, openTestDatabase, postgresUrl } from '../../../support/postgres-database.ts';
import { readSql, runSql } from '../../../support/sql.ts';

const increment = (database: Database) => runSql(database, sql`UPDATE counter SET n = n + 1`);

const writes = {
  'of one statement': increment,
  'of two statements': (database: Database) =>
    database.write(async () => {
      await increment(database);
      await increment(database);
    }),
};

/** Opens a counter whose row another connection has locked. `unlock` frees it. */
async function openLocked(t: TestContext, timeoutMs: number, parameters = '') {
  const url = newSchemaUrl();
  const database = await openTestDatabase(t, `${url}${parameters}`, { timeoutMs });
  await runSql(database, sql`CREATE TABLE counter AS SELECT CAST(0 AS bigint) AS n`);
  const other = new pg.Client({ connectionString: postgresUrl as string });
  await other.connect();
  t.onTestFinished(() => other.end());
  await other.query(`BEGIN; SELECT * FROM "${new URL(url).searchParams.get('schema')}".counter FOR UPDATE`);
  return { database, unlock: () => other.query('ROLLBACK') };
}

describe.skipIf(postgresUrl === undefined)('writes to PostgreSQL', () => {
  test.for(Object.entries(writes))(
    '%s that wait for a lock of another process fail after 5 s, however many they are',
    async ([, write], t) => {
      const { database, unlock } = await openLocked(t, 500);
      const start = performance.now();
      const results = await Promise.allSettled(Array.from({ length: 50 }, () => write(database)));
      const ms = performance.now() - start;
      for (const result of results)
        expect(result).toMatchObject({ reason: { status: 503, message: 'The database is busy' } });
      expect(ms).toBeGreaterThan(4_500);
      expect(ms).toBeLessThan(15_000);
      await unlock();
      expect(await readSql(database, sql`SELECT n FROM counter`)).toEqual([[0]]);
    },
  );

  test('that never end free their connection when the server ends their transaction', async (t) => {
    const { database, unlock } = await openLocked(t, 5_000, '&pool=3');
    await unlock();
    const pid = Promise.withResolvers<unknown>();
    // It awaits something that is not a statement.
    void database.write(async () => {
      const [[id] = []] = await readSql(database, sql`SELECT pg_backend_pid()`);
      pid.resolve(id);
      await new Promise(() => {});
    });
    // The server does so after 30 s.
    await runSql(database, sql`SELECT pg_terminate_backend(CAST(${await pid.promise} AS integer))`);
    await writes['of two statements'](database);
    expect(await readSql(database, sql`SELECT n FROM counter`)).toEqual([[2]]);
  });

  test('that wait too long for a connection are rejected, and later writes succeed', async (t) => {
    const { database, unlock } = await openLocked(t, 500, '&pool=3');
    await unlock();
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const running = database.write(async () => {
      await runSql(database, sql`UPDATE counter SET n = n + 1`);
      begun.resolve();
      await held.promise;
    });
    await begun.promise;
    const waiting = [writes['of two statements'](database), writes['of two statements'](database)];
    for (const result of await Promise.allSettled(waiting))
      expect(result).toMatchObject({ reason: { status: 503, message: 'The database is busy' } });
    held.resolve();
    await running;
    await writes['of two statements'](database);
    expect(await readSql(database, sql`SELECT n FROM counter`)).toEqual([[3]]);
  });

  test('that wait for a connection are rejected when the database is closed', async (t) => {
    const { database, unlock } = await openLocked(t, 30_000, '&pool=3');
    const running = Promise.allSettled([writes['of two statements'](database)]);
    // Sends the first statement.
    await readSql(database, sql`SELECT 1`);
    const waiting = writes['of two statements'](database);
    const closed = database.close();
    await expect(waiting).rejects.toMatchObject({ status: 503, message: 'The database is closing' });
    await unlock();
    await Promise.all([running, closed]);
  });
});
