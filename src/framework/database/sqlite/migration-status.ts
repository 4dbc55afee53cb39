import Client from 'better-sqlite3';
import type { MigrationStatus } from '../database.ts';
import { readMigrations } from '../migration-files.ts';
import { lockWaitMs, unusableDatabase } from './errors.ts';
import { assertUsableFile } from './files.ts';
import { inspectReadOnly } from './inspect.ts';
import { listPending } from './migrations.ts';

/** Returns which migrations of a service a file has. Reads only; a missing file has none. */
export function readSqliteMigrationStatus(file: string, migrations: URL): MigrationStatus[] {
  const known = readMigrations(migrations, 'sqlite');
  const readPending = (client: Client.Database) => listPending(client, known);
  try {
    const pending = assertUsableFile(file)
      ? (inspectReadOnly(file, readPending) ?? readShared(file, readPending))
      : known;
    return known.map((migration) => ({ name: migration.name, applied: !pending.includes(migration) }));
  } catch (error) {
    throw unusableDatabase(file, error);
  }
}

/** Reads a database that another process has open. This connection is not the last one, so closing it changes nothing. */
function readShared<Result>(file: string, read: (client: Client.Database) => Result): Result {
  const client = new Client(file, { readonly: true, fileMustExist: true, timeout: lockWaitMs });
  try {
    return read(client);
  } finally {
    client.close();
  }
}
