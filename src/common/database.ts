import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Client from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle, type MigrationMeta, readMigrationFiles } from './drizzle.ts';
import { isBusy, openWriter } from './group-commit.ts';
import { type Preparable, type Prepared, prepareStatement, type Statement } from './statement.ts';

/** A service's own database. Its statements are made with `orm`, prepared once, and run inside `write` or outside. */
export interface Database {
  readonly orm: BetterSQLite3Database;
  /** Prepares a query of `orm`, whose parameters are `sql.placeholder(name)`. */
  prepare<P extends Prepared>(query: Preparable<P>): Statement<P>;
  /**
   * Runs `fn`, which may be several statements: all of them or none. Resolves with what `fn` returns when that is
   * durable; rejects with what it throws. `fn` must not be async, and do nothing but statements of this database:
   * it runs with other writes in one transaction, and may run again.
   * What is deferred until COMMIT, as some references are, is looked at once for all of that transaction.
   * @throws {Unavailable} when another process holds the write lock for longer than 5 s, or the disk fails.
   * @throws {InsufficientStorage} when the disk is full. In both cases nothing was changed.
   */
  write<Result>(fn: () => Result): Promise<Result>;
  /** Throws where the database does not answer. */
  check(): void;
  close(): void;
}

/** What keeps a database from being opened: one line for the person who starts the process. */
export class DatabaseError extends Error {}

const memory = ':memory:';
/** How long a start waits while another process holds a lock, in ms. */
const lockWait = 5_000;

/**
 * Opens a database and brings it up to date.
 * @param file a path, or `:memory:`; a file that is not there is made.
 * @param migrations the folder that drizzle-kit writes.
 * @throws {DatabaseError} for a file that cannot be used; it is left as it was.
 */
export function openDatabase(file: string, migrations?: URL): Database {
  const client = openClient(file);
  try {
    // Read before the first pragma: a file that is not ours, or newer than us, must stay as it was.
    const known =
      migrations === undefined ? [] : readMigrationFiles({ migrationsFolder: fileURLToPath(migrations) });
    listPending(client, known);
    // Re-opening a WAL file gives synchronous = NORMAL, so it is said at every open.
    retryWhileBusy(() => client.pragma('journal_mode = WAL'));
    client.pragma('synchronous = FULL');
    applyMigrations(client, known);
    client.pragma('foreign_keys = ON');
    // From here on a wait for a lock would block the event loop: write() waits without.
    client.pragma('busy_timeout = 0');
  } catch (error) {
    client.close();
    throw new DatabaseError(`database ${file}: ${explain(error)}`, { cause: error });
  }
  const writer = openWriter(client);
  return {
    orm: drizzle(client),
    prepare: (query) => prepareStatement(client, query),
    write: writer.write,
    check() {
      client.prepare('SELECT count(*) FROM sqlite_schema').get();
    },
    close() {
      writer.close();
      client.close();
    },
  };
}

/** Which migrations of a service a database file has, and which not yet; reads only. */
export function readMigrationStatus(file: string, migrations: URL): { name: string; applied: boolean }[] {
  const folder = fileURLToPath(migrations);
  const known = readMigrationFiles({ migrationsFolder: folder });
  const { entries } = JSON.parse(readFileSync(join(folder, 'meta/_journal.json'), 'utf8')) as Journal;
  const pending = new Set(known);
  if (existsSync(file)) {
    const client = openClient(file);
    try {
      const waiting = listPending(client, known);
      for (const migration of known) if (!waiting.includes(migration)) pending.delete(migration);
    } catch (error) {
      throw new DatabaseError(`database ${file}: ${explain(error)}`, { cause: error });
    } finally {
      client.close();
    }
  }
  return known.map((migration, index) => ({
    name: entries[index]?.tag ?? migration.hash,
    applied: !pending.has(migration),
  }));
}

/** What drizzle-kit writes beside the migrations, in their order. */
interface Journal {
  readonly entries: readonly { readonly tag: string }[];
}

function openClient(file: string): Client.Database {
  try {
    if (file !== memory) mkdirSync(dirname(file), { recursive: true });
    return new Client(file, { timeout: lockWait });
  } catch (error) {
    throw new DatabaseError(`database ${file}: ${explain(error)}`, { cause: error });
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

/**
 * The migrations that the file has not had. Drizzle's own migrator looks before it locks, so that two processes
 * that start at once both apply them, and takes a newer file for an up-to-date one; hence our own, on its table.
 */
function listPending(client: Client.Database, known: readonly MigrationMeta[]): MigrationMeta[] {
  const tables = client.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  const isOurs = tables.includes('__drizzle_migrations');
  if (!isOurs && tables.length > 0 && known.length > 0) {
    throw new DatabaseError('it has tables, and none of our migrations: the file is that of another program');
  }
  const applied = !isOurs
    ? []
    : client.prepare<[], { hash: string }>('SELECT hash FROM __drizzle_migrations ORDER BY created_at').all();
  for (const [index, { hash }] of applied.entries()) {
    if (known[index]?.hash !== hash) {
      throw new DatabaseError(
        `it has a migration (${hash.slice(0, 12)}) that this code does not: the file is of a newer version, or of another service`,
      );
    }
  }
  return known.slice(applied.length);
}

function applyMigrations(client: Client.Database, known: readonly MigrationMeta[]): void {
  // drizzle-kit rebuilds a table to change a column; with foreign keys on, that empties the tables below it.
  // The switch does nothing inside a transaction, so it is thrown before.
  client.pragma('foreign_keys = OFF');
  client
    .transaction(() => {
      client.exec(
        'CREATE TABLE IF NOT EXISTS __drizzle_migrations (id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric)',
      );
      for (const { sql, hash, folderMillis } of listPending(client, known)) {
        for (const statement of sql) client.exec(statement);
        client
          .prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)')
          .run(hash, folderMillis);
      }
      const [orphan] = client.pragma('foreign_key_check') as { table: string; parent: string }[];
      if (orphan !== undefined) {
        throw new DatabaseError(`a migration leaves rows of ${orphan.table} without their ${orphan.parent}`);
      }
    })
    .immediate();
}

function explain(error: unknown): string {
  if (!(error instanceof Client.SqliteError)) return error instanceof Error ? error.message : String(error);
  if (error.code === 'SQLITE_NOTADB') return 'the file is not an SQLite database';
  if (error.code.startsWith('SQLITE_CORRUPT')) return 'the file is damaged';
  if (isBusy(error)) return `another process has held its lock for ${lockWait / 1000} s`;
  return error.message;
}
