import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, type TestContext, test } from 'vitest';
import { DatabaseError } from '../../../../src/framework/database/database-error.ts';
import { readMigrationStatus } from '../../../../src/framework/database/open-database.ts';
import { Connection } from '../../../../src/framework/database/postgres/connection.ts';
import { advisoryLock, applyMigrations } from '../../../../src/framework/database/postgres/migrations.ts';
import { makeFolder } from '../../../support/app.ts';
import { newSchemaUrl, openTestDatabase, postgresUrl } from '../../../support/postgres-database.ts';
import { queryPostgres } from '../../../support/postgres-query.ts';

/** Writes a folder with migrations, each with the time at which it was written. */
function writeMigrations(t: TestContext, migrations: readonly (readonly [string, number, string])[]): URL {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'postgres/meta'), { recursive: true });
  const entries = migrations.map(([tag, when, text], idx) => {
    writeFileSync(join(folder, `postgres/${tag}.sql`), text);
    return { idx, version: '7', when, tag, breakpoints: true };
  });
  const journal = { version: '7', dialect: 'postgresql', entries };
  writeFileSync(join(folder, 'postgres/meta/_journal.json'), JSON.stringify(journal));
  return pathToFileURL(`${folder}/`);
}

test.skipIf(postgresUrl === undefined)('a migration may take longer than a request', async (t) => {
  const options = {
    migrations: writeMigrations(t, [['0000_slow', 1, 'SELECT pg_sleep(1.5)']]),
    timeoutMs: 200,
  };
  // Two processes start together: one waits while the other one migrates.
  const url = newSchemaUrl();
  const [one, other] = await Promise.all([
    openTestDatabase(t, url, options),
    openTestDatabase(t, url, options),
  ]);
  await expect(Promise.all([one.check(), other.check()])).resolves.toBeDefined();
});

test.skipIf(postgresUrl === undefined)(
  'a migration of another process that does not end is one line',
  async (t) => {
    const options = { connectionString: postgresUrl as string, schema: 'public', application: 'test' };
    const [holding, waiting] = [5_000, 50].map((lockMs) => {
      const connection = new Connection({ ...options, statementMs: 5_000, lockMs });
      t.onTestFinished(() => connection.close());
      return connection;
    }) as [Connection, Connection];
    await holding.run({ text: 'BEGIN' });
    await holding.run({ text: `SELECT pg_advisory_xact_lock(${advisoryLock})` });
    await expect(applyMigrations(waiting, 'public', [])).rejects.toThrow(
      new DatabaseError(
        'another process has migrated this database for more than 60 s. Wait until it has ended, and start again',
      ),
    );
    await holding.run({ text: 'ROLLBACK' });
  },
);

test.skipIf(postgresUrl === undefined)('a migration that was edited after it ran is rejected', async (t) => {
  const url = newSchemaUrl();
  await openTestDatabase(t, url, { migrations: writeMigrations(t, [['0000_first', 1, 'SELECT 1']]) });
  const migrations = writeMigrations(t, [['0000_first', 1, 'SELECT 2']]);
  await expect(openTestDatabase(t, url, { migrations })).rejects.toThrow(
    /it has a migration \([0-9a-f]{12}\) that this version does not have\. Start the newer version/,
  );
});

test.skipIf(postgresUrl === undefined)(
  'a schema of another program is rejected, and stays as it is',
  async (t) => {
    const url = newSchemaUrl();
    const schema = new URL(url).searchParams.get('schema');
    await queryPostgres(url, `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.invoice (id int)`);
    const migrations = writeMigrations(t, [['0000_first', 1, 'CREATE TABLE note (id int)']]);
    await expect(openTestDatabase(t, url, { migrations })).rejects.toThrow(
      'its schema has the table invoice and no migrations of this project',
    );
    const tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = '${schema}'`;
    expect(await queryPostgres(url, tables)).toEqual([['invoice']]);
  },
);

test.skipIf(postgresUrl === undefined)('a migration that fails is named', async (t) => {
  const migrations = writeMigrations(t, [['0000_wrong', 1, 'NO SQL']]);
  await expect(openTestDatabase(t, newSchemaUrl(), { migrations })).rejects.toThrow(
    'its migration 0000_wrong failed: syntax error at or near "NO"',
  );
});

test.skipIf(postgresUrl === undefined)(
  'a migration may be older than the migration before it, as after a merge of two branches',
  async (t) => {
    const migrations = writeMigrations(t, [
      ['0000_one', 1, 'CREATE TABLE one (id bigint)'],
      ['0001_two', 3, 'CREATE TABLE two (id bigint)'],
      ['0002_older', 2, 'CREATE TABLE older (id bigint)'],
    ]);
    const url = newSchemaUrl();
    for (let time = 1; time <= 2; time += 1) await openTestDatabase(t, url, { migrations });
    const status = await readMigrationStatus(url, migrations, 'note');
    expect(status.map(({ applied }) => applied)).toEqual([true, true, true]);
  },
);
