import { existsSync } from 'node:fs';
import Client from 'better-sqlite3';
import { inMemory } from '../../config/database-url.ts';
import { DatabaseError } from '../database-error.ts';
import { isKnownDatabase } from '../known-databases.ts';
import type { Migration } from '../migration-files.ts';
import { isBusy, lockWaitMs } from './errors.ts';
import { assertUsableFile, createFile } from './files.ts';
import { checkIntegrity, inspectReadOnly } from './inspect.ts';
import { applyMigrations, listPending } from './migrations.ts';
import { removeLeftFolders } from './work-folder.ts';

/** Connects to a new database in memory, with all migrations. */
export function connectMemory(known: readonly Migration[]): Client.Database {
  const client = new Client(inMemory);
  bringUpToDate(client, known);
  return client;
}

/** @throws {DatabaseError} if the registry of known databases lists the file, and the file is missing. */
export function assertNotMissing(file: string, knownDatabases: string): void {
  if (existsSync(file) || !isKnownDatabase(knownDatabases, file)) return;
  throw new DatabaseError(
    `the file is missing, although it existed before. Mount its folder, restore a backup, or delete its line in ${knownDatabases} to start with a new database`,
  );
}

/**
 * Connects to a file and applies its pending migrations. Creates a missing file, unless the registry of known databases lists it.
 * @throws {DatabaseError} if the file is damaged, newer than the code, or of another program. It is not changed then.
 */
export function connectFile(
  file: string,
  known: readonly Migration[],
  knownDatabases?: string,
): Client.Database {
  removeLeftFolders(file, ['look', 'new']);
  if (!assertUsableFile(file)) {
    if (knownDatabases !== undefined) assertNotMissing(file, knownDatabases);
    createFile(file, (client) => bringUpToDate(client, known));
  }
  inspectReadOnly(file, (client) => {
    listPending(client, known);
    checkIntegrity(client);
  });
  const client = new Client(file, { fileMustExist: true, timeout: lockWaitMs });
  try {
    // Check again, because a file that another process has open is not inspected.
    listPending(client, known);
    bringUpToDate(client, known);
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

function bringUpToDate(client: Client.Database, known: readonly Migration[]): void {
  retryWhileBusy(() => client.pragma('journal_mode = WAL'));
  // Set at every open, because SQLite opens a WAL file with synchronous = NORMAL.
  client.pragma('synchronous = FULL');
  applyMigrations(client, known);
}

/** SQLite does not wait for the lock when the journal mode changes. This blocks: use it only during the start. */
function retryWhileBusy(fn: () => void): void {
  const end = performance.now() + lockWaitMs;
  for (;;) {
    try {
      fn();
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > end) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}
