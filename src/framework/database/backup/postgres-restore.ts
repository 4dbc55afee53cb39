import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { PostgresSide } from '../copy/postgres-side.ts';
import { copyKinds } from '../event-tables.ts';
import { readMigrations } from '../migration-files.ts';
import { knownName, parsePostgresUrl } from '../postgres/url.ts';
import { quoteName } from '../quote-name.ts';
import { BackupError, type Copy, isEqualToCopy, type PostgresDatabase } from './manifest.ts';
import { readContent } from './postgres-create.ts';
import { restoreArchive, runProgram } from './postgres-programs.ts';

/** A schema that is to be restored. */
export interface PostgresTarget extends PostgresDatabase {
  readonly copy: Copy;
  /** Its name in the list of known databases. */
  readonly knownAs: string;
}

/**
 * Checks the archive of a service and its target schema. Resolves with undefined if the schema is already restored.
 * @throws {BackupError} if the schema exists and differs, or if the archive does not match its manifest.
 */
export async function findPostgresTarget(
  database: PostgresDatabase,
  copy: Copy,
  folder: string,
): Promise<PostgresTarget | undefined> {
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
  if (!(await hasSchema(database))) return { ...database, copy, knownAs: knownName(parsed) };
  if (await isRestored(database, copy)) return undefined;
  throw new BackupError(
    `a restore replaces nothing, and the schema ${parsed.schema} of ${service} exists. Stop the server, rename it (ALTER SCHEMA … RENAME TO …) or drop it, and run the restore again`,
  );
}

/**
 * Restores a schema in one transaction.
 * @throws {BackupError} if the restored rows differ from the manifest.
 */
export async function restorePostgresTarget(target: PostgresTarget, folder: string): Promise<void> {
  const { service, copy } = target;
  await restoreArchive(join(folder, copy.file), markFeed(copy), target);
  if (!(await isRestored(target, copy)))
    throw new BackupError(
      `${service}: the restored schema has other rows than the manifest says. Drop it, and restore another backup`,
    );
}

/** The SQL that marks the feed as a copy, so that a server that starts on it begins another history of its events. */
function markFeed({ schema, hasOrderedEvents }: Copy): string {
  const kind = hasOrderedEvents === true ? copyKinds.ordered : copyKinds.unordered;
  const feed = `${quoteName(schema as string)}.__feed`;
  // A backup of an older version has no feed.
  return `DO $$ BEGIN IF to_regclass('${feed}') IS NOT NULL THEN UPDATE ${feed} SET is_copy = ${kind}; END IF; END $$;`;
}

async function verifyArchive(copy: Copy, folder: string): Promise<void> {
  const path = join(folder, copy.file);
  if (!(await isEqualToCopy(path, copy)))
    throw new BackupError(`${path} has another size or SHA-256 than its manifest says`);
  await runProgram('pg_restore', ['--list', path]);
}

async function hasSchema({ url, service }: PostgresDatabase): Promise<boolean> {
  const side = await PostgresSide.open(url, service, 'source');
  try {
    return await side.hasSchema();
  } finally {
    await side.close();
  }
}

/** Whether the schema has the migrations, the rows and the checksums of its copy. */
async function isRestored(
  database: PostgresDatabase,
  { migrations, rows, checksums }: Copy,
): Promise<boolean> {
  return isDeepStrictEqual(await readContent(database), { migrations, rows, checksums });
}
