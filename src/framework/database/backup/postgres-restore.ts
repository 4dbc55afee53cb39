import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { PostgresSide } from '../copy/postgres-side.ts';
import { copyKinds } from '../event-tables.ts';
import { readMigrations } from '../migration-files.ts';
import { Connection } from '../postgres/connection.ts';
import { knownName, parsePostgresUrl } from '../postgres/url.ts';
import { BackupError, type Copy, hashFile, type ServerDatabase } from './manifest.ts';
import { readContent } from './postgres-create.ts';
import { runProgram } from './postgres-programs.ts';

/** A schema that is to be restored. */
export interface ServerTarget extends ServerDatabase {
  readonly copy: Copy;
  /** Its name in the list of known databases. */
  readonly knownAs: string;
  /** Whether an interrupted restore has restored its rows. It may have ended before it marked the feed. */
  readonly hasRows: boolean;
}

/**
 * Checks the archive of a service and its target schema.
 * @throws {BackupError} if the schema exists and differs, or if the archive does not match its manifest.
 */
export async function findServerTarget(
  database: ServerDatabase,
  copy: Copy,
  folder: string,
): Promise<ServerTarget> {
  const { service, url, migrations } = database;
  const parsed = parsePostgresUrl(url, service);
  if (copy.schema !== parsed.schema) {
    throw new BackupError(
      `${service}: the backup has the schema ${copy.schema}, and the config names ${parsed.schema}. Add ?schema=${copy.schema} to the URL`,
    );
  }
  const known = readMigrations(migrations, 'postgres');
  if (!copy.migrations.every((hash, index) => known[index]?.hash === hash))
    throw new BackupError(`${service}: the backup has a migration that this version does not have`);
  await verifyArchive(copy, folder);
  const target = { ...database, copy, knownAs: knownName(parsed) };
  if (!(await hasSchema(database))) return { ...target, hasRows: false };
  if (await isRestored(database, copy)) return { ...target, hasRows: true };
  throw new BackupError(
    `a restore replaces nothing, and the schema ${parsed.schema} of ${service} exists. Stop the server, rename it (ALTER SCHEMA … RENAME TO …) or drop it, and run the restore again`,
  );
}

/**
 * Restores a schema in one transaction.
 * @throws {BackupError} if the restored rows differ from the manifest.
 */
export async function restoreServerTarget(target: ServerTarget, folder: string): Promise<void> {
  if (!target.hasRows) {
    const path = join(folder, target.copy.file);
    const options = ['--single-transaction', '--exit-on-error', '--no-owner', '--no-privileges'];
    await runProgram('pg_restore', [...options, path], target);
  }
  // Before the rows are compared, because a server may start on the schema from now on.
  await markFeed(target);
  if (!(await isRestored(target, target.copy)))
    throw new BackupError(
      `${target.service}: the restored schema has other rows than the manifest says. Drop it, and restore another backup`,
    );
}

/** Marks the feed as a copy, so that the server that starts on it begins another history of its events. */
async function markFeed({ url, service, copy }: ServerTarget): Promise<void> {
  const { connectionString, schema } = parsePostgresUrl(url, service);
  const options = { connectionString, schema, application: `${service} restore` };
  const connection = new Connection({ ...options, statementMs: 60_000, lockMs: 60_000 });
  try {
    // A backup of an older version has no feed.
    const found = await connection.run({ text: "SELECT 1 WHERE to_regclass('__feed') IS NOT NULL" });
    const kind = copy.hasOrderedEvents === true ? copyKinds.ordered : copyKinds.unordered;
    if (found.rows.length > 0) await connection.run({ text: `UPDATE __feed SET is_copy = ${kind}` });
  } finally {
    await connection.close();
  }
}

async function verifyArchive({ file, size, sha256 }: Copy, folder: string): Promise<void> {
  const path = join(folder, file);
  const found = await hashFile(path);
  if (size !== found.size || sha256 !== found.sha256)
    throw new BackupError(`${path} has another size or SHA-256 than its manifest says`);
  await runProgram('pg_restore', ['--list', path]);
}

async function hasSchema({ url, service }: ServerDatabase): Promise<boolean> {
  const side = await PostgresSide.open(url, service, false);
  try {
    return await side.hasSchema();
  } finally {
    await side.close();
  }
}

/** Whether the schema has the migrations, the rows and the checksums of its copy. */
async function isRestored(database: ServerDatabase, { migrations, rows, checksums }: Copy): Promise<boolean> {
  const content = await readContent(database).catch(() => undefined);
  return isDeepStrictEqual(content, { migrations, rows, checksums });
}
