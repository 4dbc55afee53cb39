import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, type TestContext, test } from 'vitest';
import { makeFolder } from '../../../support/app.ts';
import { newSchemaUrl, openTestDatabase, postgresUrl } from '../../../support/postgres-database.ts';

/** Writes a folder with one migration. */
function writeMigration(t: TestContext, tag: string, text: string): URL {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'postgres/meta'), { recursive: true });
  writeFileSync(join(folder, `postgres/${tag}.sql`), text);
  const entry = { idx: 0, version: '7', when: 1, tag, breakpoints: true };
  const journal = { version: '7', dialect: 'postgresql', entries: [entry] };
  writeFileSync(join(folder, 'postgres/meta/_journal.json'), JSON.stringify(journal));
  return pathToFileURL(`${folder}/`);
}

test.skipIf(postgresUrl === undefined)('a migration may take longer than a request', async (t) => {
  const options = { migrations: writeMigration(t, '0000_slow', 'SELECT pg_sleep(1.5)'), timeoutMs: 200 };
  // Two processes start together: one waits while the other one migrates.
  const url = newSchemaUrl();
  const [one, other] = await Promise.all([
    openTestDatabase(t, url, options),
    openTestDatabase(t, url, options),
  ]);
  await expect(Promise.all([one.check(), other.check()])).resolves.toBeDefined();
});

test.skipIf(postgresUrl === undefined)('a migration that fails is named', async (t) => {
  const migrations = writeMigration(t, '0000_wrong', 'NO SQL');
  await expect(openTestDatabase(t, newSchemaUrl(), { migrations })).rejects.toThrow(
    'its migration 0000_wrong failed: syntax error at or near "NO"',
  );
});
