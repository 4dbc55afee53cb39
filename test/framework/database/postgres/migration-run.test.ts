import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../support/app.ts';
import { newSchemaUrl, openTestDatabase, postgresUrl } from '../../../support/postgres-database.ts';

test.skipIf(postgresUrl === undefined)('a migration may take longer than a request', async (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'postgres/meta'), { recursive: true });
  writeFileSync(join(folder, 'postgres/0000_slow.sql'), 'SELECT pg_sleep(1.5)');
  const entry = { idx: 0, version: '7', when: 1, tag: '0000_slow', breakpoints: true };
  const journal = { version: '7', dialect: 'postgresql', entries: [entry] };
  writeFileSync(join(folder, 'postgres/meta/_journal.json'), JSON.stringify(journal));
  const options = { migrations: pathToFileURL(`${folder}/`), timeoutMs: 200 };
  // Two processes start together: one waits while the other one migrates.
  const url = newSchemaUrl();
  const [one, other] = await Promise.all([
    openTestDatabase(t, url, options),
    openTestDatabase(t, url, options),
  ]);
  await expect(Promise.all([one.check(), other.check()])).resolves.toBeDefined();
});
