/** A value of a row in the form that both databases share. Integers are `bigint`, so that none is rounded. */
export type Value = null | bigint | number | string | Uint8Array;

export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
  /** Whether SQLite numbers the rows in a column `rowid` that it does not list. */
  readonly hasHiddenRowid: boolean;
}

/** A column whose ids the database generates. */
export interface IdColumn {
  readonly table: string;
  readonly column: string;
}

export type Role = 'source' | 'target';

/** The source or the target of a copy, in one transaction. The message of each error is one line for the user. */
export interface CopySide {
  /**
   * The tables of the service and of the framework, without the table of migrations, because each database has separate
   * migrations.
   */
  listTables(): Promise<TableShape[]>;
  /** Reads all rows of a table, in batches. */
  read(table: string, columns: readonly string[]): AsyncIterable<Value[][]>;
  /** The largest id that was ever generated; 0 if there was none. */
  readLastId(id: IdColumn): Promise<bigint>;
  /** Deletes all rows of a table. */
  clear(table: string): Promise<void>;
  insert(table: string, columns: readonly string[], rows: readonly Value[][]): Promise<void>;
  listIdColumns(): Promise<IdColumn[]>;
  /** Sets the last generated id. */
  setLastId(id: IdColumn, last: bigint): Promise<void>;
  /** Checks the foreign keys and commits. */
  commit(): Promise<void>;
  /** Closes the connection. Rolls back if `commit` has not run. */
  close(): Promise<void>;
}

/** The table of applied migrations. A copy does not change this table of the target. */
export const migrationsTable = '__drizzle_migrations';

/** Rows of one batch. A row has at most some KB, because the longest texts are those of stored responses. */
export const batchRows = 2_000;
