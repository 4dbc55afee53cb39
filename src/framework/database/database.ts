import type { IdempotencyKeys } from '../idempotency/key-store.ts';
import type { Histogram } from '../metrics/histogram.ts';
import type { BetterSQLite3Database } from './sqlite/drizzle.ts';
import type { Preparable, Prepared, Statement } from './sqlite/prepared-statement.ts';

/** The private database of a service. Queries are built with `orm`, prepared once, and run inside or outside of `write`. */
export interface Database {
  readonly orm: BetterSQLite3Database;
  /** Prepares a query of `orm`. Its parameters are `sql.placeholder(name)`. Reads of one turn share a transaction. */
  prepare<P extends Prepared>(query: Preparable<P>): Statement<P>;
  /**
   * Runs the statements of `fn`: all of them or none. Resolves with the result of `fn` when it is durable; rejects with
   * what `fn` throws. `fn` must not be async and must only run statements of this database, because it shares a
   * transaction with other writes and may run again. Deferred constraints are checked at COMMIT.
   * In a request with an idempotency key the result is stored with the effect. A retry gets that result instead of
   * running `fn` again, so the structured clone algorithm must be able to copy it.
   * @throws {ServiceUnavailable} if another process holds the write lock for longer than 5 s, or the disk fails.
   * @throws {InsufficientStorage} if the disk is full. In both cases nothing has changed.
   */
  write<Result>(fn: () => Result): Promise<Result>;
  /** The idempotency keys of requests that write here. Used by the app; a service does not need them. */
  readonly keys: IdempotencyKeys;
  readonly counts: WriteCounts;
  /** Bytes of its file and of its write-ahead log. Undefined for a database in memory. */
  sizes(): { readonly main: number; readonly wal: number } | undefined;
  /** Throws if the database does not respond, or if its files are no longer those that were opened. */
  check(): void;
  close(): void;
}

/** Metrics of the writes of one database. */
export interface WriteCounts {
  /** The number of writes in each committed transaction. */
  readonly commits: Histogram;
  /** Writes that failed for a reason outside of them: a full disk, a failing disk, a lock of another process. */
  readonly failures: { full: number; disk: number; busy: number };
}

export interface OpenOptions {
  /** The folder of migrations that drizzle-kit writes. They are applied when the database is opened. */
  readonly migrations?: URL | undefined;
  /** The list of known databases, see `knownDatabasesFile`. A known database that is missing is not created again. */
  readonly knownDatabases?: string | undefined;
  /** Whether the statements of a request become spans. */
  readonly isTraced?: boolean;
}

/** A migration of a service by the name of its file, and whether a database has it. */
export interface MigrationStatus {
  readonly name: string;
  readonly applied: boolean;
}
