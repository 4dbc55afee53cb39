import { realpathSync, statSync } from 'node:fs';
import Client from 'better-sqlite3';
import { type IdempotencyKeys, openIdempotencyKeys } from '../idempotency/key-store.ts';
import { getLogger } from '../logging/logger.ts';
import { assertNotHalfRestored, restoreNoteOf } from './backup/restore-note.ts';
import { DatabaseError, lockWait, unusableDatabase } from './database-error.ts';
import { isKnownDatabase, rememberDatabase } from './known-databases.ts';
import { type BetterSQLite3Database, drizzle } from './sqlite/drizzle.ts';
import { isBusy } from './sqlite/errors.ts';
import { watchDatabaseFiles } from './sqlite/file-watch.ts';
import { assertUsableFile, checkIntegrity, createFile, inspectReadOnly } from './sqlite/files.ts';
import { openWriter, type WriteCounts } from './sqlite/group-commit.ts';
import { applyMigrations, listPending, type Migration, readMigrations } from './sqlite/migrations.ts';
import {
  type Preparable,
  type Prepared,
  prepareStatement,
  type Statement,
} from './sqlite/prepared-statement.ts';
import { createReadTransaction } from './sqlite/read-transaction.ts';
import { logStatement, traceStatement } from './sqlite/traced-statement.ts';
import { removeLeftFolders } from './sqlite/work-folder.ts';

export { DatabaseError } from './database-error.ts';

/** A service's own database. Its statements are made with `orm`, prepared once, and run inside `write` or outside. */
export interface Database {
  readonly orm: BetterSQLite3Database;
  /** Prepares a query of `orm`, whose parameters are `sql.placeholder(name)`. Reads of one turn share a transaction. */
  prepare<P extends Prepared>(query: Preparable<P>): Statement<P>;
  /**
   * Runs `fn`, which may be several statements: all of them or none. Resolves with what `fn` returns when that is
   * durable; rejects with what it throws. `fn` must not be async, and do nothing but statements of this database:
   * it runs with other writes in one transaction, and may run again.
   * What is deferred until COMMIT, as some references are, is looked at once for all of that transaction.
   * In a request with an idempotency key it resolves in the transaction, before COMMIT, so that the answer is written
   * with the effect; the answer is given when both are durable. What `fn` returns is kept then, and returned to a
   * retry that finds the effect without an answer, in place of running `fn`: it is what the structured clone
   * algorithm can copy.
   * @throws {Unavailable} when another process holds the write lock for longer than 5 s, or the disk fails.
   * @throws {InsufficientStorage} when the disk is full. In both cases nothing was changed.
   */
  write<Result>(fn: () => Result): Promise<Result>;
  /** Those of the requests that write here; for the app, a service has no need of them. */
  readonly keys: IdempotencyKeys;
  readonly counts: WriteCounts;
  /** Bytes of its file and of its write-ahead log; undefined where it is in memory. */
  sizes(): { readonly main: number; readonly wal: number } | undefined;
  /** Throws where the database does not answer, or its files are no longer those that it was opened with. */
  check(): void;
  close(): void;
}

const memory = ':memory:';
/**
 * Opens a database and brings it up to date.
 * @param file a path, or `:memory:`; a file that is not there is made.
 * @param migrations the folder that drizzle-kit writes.
 * @param record the file that says which databases have been there, see `recordOf`: one of those that is missing is
 * not made anew. None: nobody remembers.
 * @param isTraced whether what it does for a request may be recorded.
 * @throws {DatabaseError} for a file that cannot be used; it is left as it was.
 */
export function openDatabase(file: string, migrations?: URL, record?: string, isTraced = false): Database {
  let client: Client.Database | undefined;
  try {
    const known = migrations === undefined ? [] : readMigrations(migrations);
    client = file === memory ? openMemory(known) : openFile(file, known, record);
    client.pragma('foreign_keys = ON');
    // From here on a wait for a lock would block the event loop: write() waits without.
    client.pragma('busy_timeout = 0');
  } catch (error) {
    client?.close();
    throw unusableDatabase(file, error);
  }
  if (file !== memory && record !== undefined) remember(record, file);
  const reads = createReadTransaction(client);
  const watch = file === memory ? undefined : watchDatabaseFiles(client, realpathSync(file), reads.end);
  const writer = openWriter(client, reads.end, () => watch?.fault() !== undefined);
  const keys = openIdempotencyKeys(client, writer.write);
  return {
    orm: drizzle(client),
    prepare(query) {
      const statement = prepareStatement(client, query, reads);
      // Decided here, so that a statement that is neither logged nor traced costs nothing more.
      const isLogged = getLogger().isLevelEnabled('trace');
      if (!isLogged && !isTraced) return statement;
      const { sql } = query.prepare().getQuery();
      const logged = isLogged ? logStatement(statement, sql) : statement;
      return isTraced ? traceStatement(logged, sql) : logged;
    },
    write: writer.write,
    keys,
    counts: writer.counts,
    sizes: () => (file === memory ? undefined : { main: sizeOf(file), wal: sizeOf(`${file}-wal`) }),
    check() {
      const fault = watch?.fault();
      if (fault !== undefined) throw new DatabaseError(fault.fault);
      client.prepare('SELECT count(*) FROM sqlite_schema').get();
    },
    close() {
      keys.close();
      watch?.close();
      writer.close();
      client.close();
    },
  };
}

/** Which migrations of a service a database file has, and which not yet; reads only. */
export function readMigrationStatus(file: string, migrations: URL): { name: string; applied: boolean }[] {
  const known = readMigrations(migrations);
  let waiting: readonly Migration[] = known;
  const look = (client: Client.Database) => {
    waiting = listPending(client, known);
  };
  try {
    if (assertUsableFile(file) && !inspectReadOnly(file, look)) readShared(file, look);
  } catch (error) {
    throw unusableDatabase(file, error);
  }
  return known.map((migration) => ({ name: migration.name, applied: !waiting.includes(migration) }));
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function openMemory(known: readonly Migration[]): Client.Database {
  const client = new Client(memory);
  bringUpToDate(client, known);
  return client;
}

/** Opens a file that is fit to be opened, or makes it. */
function openFile(file: string, known: readonly Migration[], record?: string): Client.Database {
  if (record !== undefined) assertNotHalfRestored(restoreNoteOf(record), file);
  removeLeftFolders(file, ['look', 'new']);
  if (!assertUsableFile(file)) {
    if (record !== undefined && isKnownDatabase(record, file)) {
      throw new DatabaseError(
        `it has been there and is missing: mount its folder or restore a backup, or take its line out of ${record} to begin anew`,
      );
    }
    createFile(file, (client) => bringUpToDate(client, known));
  }
  // What is not ours, or newer than us, or damaged, must stay as it is.
  inspectReadOnly(file, (client) => {
    listPending(client, known);
    checkIntegrity(client);
  });
  const client = new Client(file, { fileMustExist: true, timeout: lockWait });
  try {
    listPending(client, known);
    bringUpToDate(client, known);
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

function bringUpToDate(client: Client.Database, known: readonly Migration[]): void {
  // Re-opening a WAL file gives synchronous = NORMAL, so it is said at every open.
  retryWhileBusy(() => client.pragma('journal_mode = WAL'));
  client.pragma('synchronous = FULL');
  applyMigrations(client, known);
}

/** A start that cannot remember goes on: what it serves is there. */
function remember(record: string, file: string): void {
  try {
    rememberDatabase(record, file);
  } catch (err) {
    getLogger().warn(
      { err },
      `${file} is not recorded in ${record}: if it were missing, a new one would be made`,
    );
  }
}

/** Reads a database that another process has open, as one that is never the last to close it. */
function readShared(file: string, read: (client: Client.Database) => void): void {
  const client = new Client(file, { readonly: true, fileMustExist: true, timeout: lockWait });
  try {
    read(client);
  } finally {
    client.close();
  }
}

/** For what SQLite does not wait for itself, as a change of the journal's mode; only before anything is served. */
function retryWhileBusy(fn: () => void): void {
  const end = performance.now() + lockWait;
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
