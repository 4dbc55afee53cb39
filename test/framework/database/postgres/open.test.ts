import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { openDatabase } from '../../../../src/framework/database/open-database.ts';
import { makeFolder } from '../../../support/app.ts';
import { newSchemaUrl, openTestDatabase, postgresUrl } from '../../../support/postgres-database.ts';
import { readSql, runSql } from '../../../support/sql.ts';

test.skipIf(postgresUrl === undefined)(
  'the error of opening names the cause and hides the password',
  async () => {
    const missing = (postgresUrl as string).replace('postgres://postgres@', 'postgres://postgres:secret@');
    const url = missing.replace(/\/postgres$/, '/missing');
    await expect(openDatabase(url, { service: 'pet' })).rejects.toThrow(
      `database ${url.replace('secret', '***')}: there is no database with this name. Create it (createdb), or fix the name in the config`,
    );
  },
);

test.skipIf(postgresUrl === undefined)(
  'a missing schema that existed before is not created again',
  async (t) => {
    const knownDatabases = join(makeFolder(t), '.databases');
    const url = newSchemaUrl();
    const schema = new URL(url).searchParams.get('schema');
    const first = await openTestDatabase(t, url, { knownDatabases });
    await (await openTestDatabase(t, url, { knownDatabases })).close();
    await runSql(first, sql.raw(`DROP SCHEMA ${schema} CASCADE`));
    await expect(openTestDatabase(t, url, { knownDatabases })).rejects.toThrow(
      `its schema is missing, although it existed before. Restore a backup, or delete its line in ${knownDatabases} to start with a new database`,
    );
    expect(readFileSync(knownDatabases, 'utf8').trim().split('\n')).toHaveLength(1);
  },
);

test.skipIf(postgresUrl === undefined)(
  'a schema is opened if the registry of known databases cannot be written',
  async (t) => {
    const url = newSchemaUrl();
    await openTestDatabase(t, url);
    const database = await openTestDatabase(t, url, { knownDatabases: makeFolder(t) });
    await expect(database.check()).resolves.toBeUndefined();
  },
);

test.skipIf(postgresUrl === undefined)('options of the URL keep the settings of the framework', async (t) => {
  const url = newSchemaUrl();
  const options = encodeURIComponent('-c work_mem=5MB -c search_path=public');
  const database = await openTestDatabase(t, `${url}&options=${options}`);
  const names = sql.raw("current_schema(), current_setting('work_mem'), current_setting('search_path')");
  const schema = new URL(url).searchParams.get('schema');
  expect(await readSql(database, sql`SELECT ${names}`)).toEqual([[schema, '5MB', `"${schema}"`]]);
});
