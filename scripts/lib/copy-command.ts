/** `migrate copy`: copies the database of a service, and shows how far it is. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError, usageError } from '../../src/framework/app/arguments.ts';
import {
  describeDatabaseUrl,
  isPostgresUrl,
  sqliteFile,
  sqliteUrl,
} from '../../src/framework/config/database-url.ts';
import { copyDatabase } from '../../src/framework/database/copy/copy.ts';
import { DatabaseError } from '../../src/framework/database/database-error.ts';
import { parsePostgresUrl } from '../../src/framework/database/postgres/url.ts';
import type { Migrated } from './service-command.ts';

/** ms between two lines of progress. */
const progressMs = 100;

export async function copy(
  service: Migrated,
  from: string | undefined,
  to: string | undefined,
): Promise<void> {
  const urls = { from: readUrl('--from', from, service.name), to: readUrl('--to', to, service.name) };
  if (urls.from === urls.to) throw new UsageError('Expected two databases: --from and --to are the same');
  assertSourceExists(urls.from);
  const { name, migrations } = service;
  const progress = createProgress();
  const copied = await copyDatabase({
    ...{ service: name, migrations, ...urls },
    onProgress: (action, table, rows) => progress.show(`${name}: ${action} ${rows} rows of ${table}`),
  }).finally(progress.clear);
  for (const { table, rows, checksum } of copied)
    console.log(`${name}: ${table} ${rows} rows, checksum ${checksum.slice(0, 16)}`);
  console.log(`${name}: copied from ${describeDatabaseUrl(urls.from)} to ${describeDatabaseUrl(urls.to)}`);
}

/** @throws {UsageError} if it is not the URL of a database that can be copied. */
function readUrl(option: string, url: string | undefined, service: string): string {
  if (url === undefined) throw usageError(`Missing ${option} URL`);
  const expected = `${option}: expected sqlite:FILE or postgres://user@host/database`;
  if (!isPostgresUrl(url)) {
    if (!/^sqlite:./.test(url)) throw new UsageError(expected);
    const file = sqliteFile(url);
    if (file === undefined) throw new UsageError(`${option}: a database in memory cannot be copied`);
    return sqliteUrl(resolve(file));
  }
  if (!URL.canParse(url) || new URL(url).pathname.length < 2) throw new UsageError(expected);
  try {
    parsePostgresUrl(url, service);
    return url;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw new UsageError(`${option}: ${error.message}`);
  }
}

/** @throws {UsageError} if the source is a file that does not exist. Otherwise the error would be a missing migration. */
function assertSourceExists(url: string): void {
  const file = sqliteFile(url);
  if (file !== undefined && !existsSync(file)) throw new UsageError(`--from: ${file}: there is no such file`);
}

/** Shows one line on a terminal, again and again; elsewhere nothing. */
function createProgress() {
  const { stderr } = process;
  let next = 0;
  return {
    show(line: string): void {
      if (!stderr.isTTY || performance.now() < next) return;
      next = performance.now() + progressMs;
      stderr.write(`\r\x1b[K${line}`);
    },
    clear(): void {
      if (stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}
