import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type Client from 'better-sqlite3';
import { DatabaseError } from '../database-error.ts';
import { readMigrations } from '../migration-files.ts';
import { quoteName } from '../quote-name.ts';
import { damaged } from '../sqlite/errors.ts';
import { privateFile, syncPath } from '../sqlite/files.ts';
import { findOrphans } from '../sqlite/inspect.ts';
import { listApplied } from '../sqlite/migrations.ts';
import { checkSchema } from '../sqlite/schema-check.ts';

/** The reason why a backup or a restore failed: one line for the user. */
export class BackupError extends Error {}

/** The SQLite database of a service. */
export interface SqliteDatabase {
  readonly service: string;
  readonly file: string;
  readonly migrations: URL;
}

/** The schema of a service in PostgreSQL. */
export interface PostgresDatabase {
  readonly service: string;
  readonly url: string;
  readonly migrations: URL;
  /** The environment of the programs that copy it. */
  readonly env: NodeJS.ProcessEnv;
}

export type ServiceDatabase = SqliteDatabase | PostgresDatabase;

export function isPostgres(database: ServiceDatabase): database is PostgresDatabase {
  return 'url' in database;
}

const Copy = Type.Object({
  /** The name of the copy in the folder: an SQLite file, or an archive of pg_dump. */
  file: Type.String({ pattern: '^[a-z][a-z0-9-]*\\.(db|dump)$' }),
  /** In bytes. */
  size: Type.Integer({ minimum: 1 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** The hashes of its applied migrations, in their order. */
  migrations: Type.Array(Type.String()),
  /** How many rows each table has. */
  rows: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
  /** The schema in PostgreSQL, and the checksum of each table. */
  schema: Type.Optional(Type.String()),
  checksums: Type.Optional(Type.Record(Type.String(), Type.String())),
  /** In PostgreSQL: whether no transaction with an event was open when the backup was made. See `copyKinds`. */
  hasOrderedEvents: Type.Optional(Type.Boolean()),
});
export type Copy = Static<typeof Copy>;

/** The manifest of a backup. It is written last, so a folder without it is not a complete backup. */
const Manifest = Type.Object({
  format: Type.Literal(1),
  /** The point in time of all copies, as ISO 8601. */
  time: Type.String(),
  /** The version of the program that wrote the backup. */
  version: Type.String(),
  services: Type.Record(Type.String(), Copy),
});
export type Manifest = Static<typeof Manifest>;

const name = 'manifest.json';
/** The name of the manifest before the backup is complete. Its creation claims the folder. */
export const unfinishedManifest = `${name}.part`;

/** Writes the manifest. It gets its final name only when it is complete on disk. */
export function writeManifest(folder: string, manifest: Manifest): void {
  const unfinished = join(folder, unfinishedManifest);
  writeFileSync(unfinished, `${JSON.stringify(manifest, undefined, 2)}\n`, {
    flush: true,
    mode: privateFile,
  });
  // First flush the names of the copies, so that a manifest never exists without its copies.
  syncPath(folder);
  renameSync(unfinished, join(folder, name));
  syncPath(folder);
}

/**
 * Reads the manifest of a backup.
 * @throws {BackupError} if the folder is not a complete backup.
 */
export function readManifest(folder: string): Manifest {
  const path = join(folder, name);
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code = 'it is not JSON' } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new BackupError(`${path} cannot be read: ${code}`);
    throw new BackupError(`${folder} is not a complete backup: it has no ${name}`);
  }
  const [issue] = Value.Errors(Manifest, parsed);
  if (issue !== undefined)
    throw new BackupError(`${path} is not a manifest of this version: ${issue.path} ${issue.message}`);
  const manifest = parsed as Manifest;
  const missing = Object.values(manifest.services).find(({ file }) => !existsSync(join(folder, file)));
  if (missing !== undefined)
    throw new BackupError(`${folder} is not a complete backup: it has no ${missing.file}`);
  return manifest;
}

/** Returns whether a file has the size and the SHA-256 of a copy. */
export async function isEqualToCopy(path: string, copy: Copy): Promise<boolean> {
  const { size, sha256 } = await hashFile(path);
  return size === copy.size && sha256 === copy.sha256;
}

/** Returns the size and the SHA-256 of a file that no process writes. */
export async function hashFile(path: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), async (chunks) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
    }
  });
  return { size, sha256: hash.digest('hex') };
}

/**
 * Checks a complete copy, and returns its migrations and its row counts.
 * @throws {DatabaseError} if the copy is damaged, or its schema is not that of its migrations.
 */
export function examineBackup(client: Client.Database, migrations: URL): Pick<Copy, 'migrations' | 'rows'> {
  if (client.pragma('integrity_check(1)', { simple: true }) !== 'ok') throw new DatabaseError(damaged);
  const orphans = findOrphans(client);
  if (orphans !== undefined) throw new DatabaseError(orphans);
  const known = readMigrations(migrations, 'sqlite');
  const tables = client
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .pluck()
    .all();
  // Names with two underscores belong to the framework.
  const serviceTables = tables.filter((table) => !table.startsWith('sqlite_') && !table.startsWith('__'));
  const applied = tables.includes('__drizzle_migrations') ? listApplied(client) : [];
  // The migrations of a newer version are unknown here. A restore rejects such a copy.
  if (applied.every((hash, index) => known[index]?.hash === hash))
    checkSchema(client, known.slice(0, applied.length));
  return {
    migrations: applied,
    rows: Object.fromEntries(
      serviceTables.map((table) => [
        table,
        client
          .prepare(`SELECT count(*) FROM ${quoteName(table)}`)
          .pluck()
          .get() as number,
      ]),
    ),
  };
}
