import Client from 'better-sqlite3';
import type { MigrationStatus } from '../database.ts';
import type { Migration } from '../migration-files.ts';
import { readMigrations } from '../migration-files.ts';
import { lockWaitMs, unusableDatabase } from './errors.ts';
import { assertUsableFile } from './files.ts';
import { inspectReadOnly } from './inspect.ts';
import { listPending } from './migrations.ts';

/** Returns which migrations of a service a file has. Reads only; a missing file has none. */
export function readSqliteMigrationStatus(file: string, migrations: URL): MigrationStatus[] {
  const known = readMigrations(migrations, 'sqlite');
  let pending: readonly Migration[] = known;
  const readPending = (client: Client.Database) => {
    pending = listPending(client, known);
  };
  try {
    if (assertUsableFile(file) && !inspectReadOnly(file, readPending)) readShared(file, readPending);
  } catch (error) {
    throw unusableDatabase(file, error);
  }
  return known.map((migration) => ({ name: migration.name, applied: !pending.includes(migration) }));
}

/** Reads a database that another process has open. This connection is not the last one, so closing it changes nothing. */
function readShared(file: string, read: (client: Client.Database) => void): void {
  const client = new Client(file, { readonly: true, fileMustExist: true, timeout: lockWaitMs });
  try {
    read(client);
  } finally {
    client.close();
  }
}
