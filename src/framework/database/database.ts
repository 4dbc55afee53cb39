import type { IdempotencyKeys } from '../idempotency/key-store.ts';
import type { Histogram } from '../metrics/histogram.ts';
import type { AnySQLiteColumn, QueryBuilder, SQL, SQLWrapper } from './drizzle.ts';
import type { Preparable, Prepared, Statement } from './statement.ts';

/** The private database of a service, SQLite or PostgreSQL. Build queries with `orm` and prepare each once. */
export interface Database extends DatabaseDriver {
  /** The idempotency keys of requests that write here. Used by the framework; a service does not need them. */
  readonly keys: IdempotencyKeys;
}

/** The part of `Database` that SQLite and PostgreSQL implement separately. */
export interface DatabaseDriver {
  /** Identifies the database. Running writes and idempotency keys refer to their database by this object. */
  readonly identity: object;
  readonly orm: QueryBuilder;
  /**
   * Prepares a query of `orm`, or SQL of `sql`. Its parameters are `sql.placeholder(name)`. Outside of `write`, a
   * statement that changes something is a separate write: it is durable when its promise resolves.
   * @throws {SqliteError} for a statement that SQLite cannot run. PostgreSQL reports such a statement in `verify`.
   */
  prepare<P extends Prepared>(query: Preparable<P> | SQL, options?: PrepareOptions): Statement<P>;
  /**
   * Prepares a select that locks its rows until the write ends, for a write that decides by these rows. Run it first,
   * and count or compare in a later statement. SQLite runs one write at a time and needs no lock.
   */
  prepareLocking<P extends Prepared>(query: Preparable<P> | SQL): Statement<P>;
  /**
   * Prepares the insertion of rows that no statement of the same write reads. The rows of all writes of a transaction are
   * inserted together right before COMMIT; PostgreSQL gets them in the packet with COMMIT.
   */
  prepareInsert(table: string, columns: readonly string[]): (row: readonly unknown[]) => void;
  /** The condition that a column has one of the integers of a list parameter. */
  oneOf(column: AnySQLiteColumn, name: string): SQL;
  /** A list parameter of integers as a table with the column `value`, in the order of the list. */
  list(name: string): SQL;
  /** The values of a query whose only column is `value`, as an array in the query's order: a column of another query. */
  collect(query: SQLWrapper): SQL<number[]>;
  /**
   * Runs the statements of `fn`: all of them or none. Resolves with the result of `fn` when it is durable; rejects with
   * the error of its first failed statement, or of `fn`. `fn` must await each statement, and nothing else,
   * because it shares a transaction with other writes, or occupies a connection (PostgreSQL). It may run again.
   * In a request with an idempotency key the result is stored with the effect. A retry gets that result instead of
   * running `fn` again, so the structured clone algorithm must be able to copy it.
   * @throws {ServiceUnavailable} if another process holds a lock for too long, or the disk or the server fails.
   * @throws {InsufficientStorage} if the disk is full. In both cases nothing has changed.
   * @throws {GatewayTimeout} if the server did not confirm COMMIT: the outcome is unknown.
   */
  write<Result>(fn: () => Promise<Result>): Promise<Result>;
  readonly counts: WriteCounts;
  /** The sizes of its file and its write-ahead log, in bytes. Undefined in memory and for PostgreSQL. */
  sizes(): { readonly main: number; readonly wal: number } | undefined;
  /** Rejects if the database does not respond, or if its files are no longer those that were opened. */
  check(): Promise<void>;
  /** Rejects if the database cannot run one of the prepared statements. Called once, before the app listens. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

export interface PrepareOptions {
  /**
   * Whether PostgreSQL plans the statement each time, which takes about 0.1 ms. Otherwise it keeps the plan until it next
   * analyzes the table, and a plan that it made for an empty table reads the whole table. SQLite ignores this option.
   */
  readonly isPlannedEachTime?: boolean;
}

/** Metrics of the writes of one database. */
export interface WriteCounts {
  /** The number of writes in each committed transaction. */
  readonly commits: Histogram;
  /** Writes that failed for an external reason: a full disk, a disk error, or a lock or server that is unavailable. */
  readonly failures: { full: number; disk: number; busy: number };
}

export interface OpenOptions {
  /** The folder of migrations, with the subfolders `sqlite` and `postgres`. Opening the database applies them. */
  readonly migrations?: URL | undefined;
  /** The list of known databases, see `knownDatabasesFile`. A known database that is missing is not created again. */
  readonly knownDatabases?: string | undefined;
  /** Whether the statements of a request become spans. */
  readonly isTraced?: boolean;
  /** The name of the service: the schema of its tables in PostgreSQL. */
  readonly service?: string;
  /** The time limit of a PostgreSQL statement, in ms. */
  readonly timeoutMs?: number;
}

/** The name of a migration file, and whether a database has this migration. */
export interface MigrationStatus {
  readonly name: string;
  readonly applied: boolean;
}
