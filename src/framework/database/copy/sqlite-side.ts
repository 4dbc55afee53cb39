import Client from 'better-sqlite3';
import { DatabaseError } from '../database-error.ts';
import { quoteName } from '../quote-name.ts';
import { isBusy, unusableDatabase } from '../sqlite/errors.ts';
import { assertUsableFile } from '../sqlite/files.ts';
import { findOrphans } from '../sqlite/inspect.ts';
import {
  batchRows,
  type CopySide,
  type IdColumn,
  migrationsTable,
  type Role,
  type TableShape,
  type Value,
} from './side.ts';

/** ms to wait for a process that has the file open for a moment. */
const waitMs = 1_000;

interface Column {
  readonly name: string;
  readonly type: string;
  readonly pk: bigint;
  readonly hidden: bigint;
}

/** An SQLite file as the source or the target of a copy. No other process can open it meanwhile. */
export class SqliteSide implements CopySide {
  readonly #client: Client.Database;
  readonly #file: string;

  /** @throws {DatabaseError} if the file cannot be used, or if another process has it open. */
  constructor(file: string, role: Role) {
    this.#file = file;
    this.#client = this.#run(() => {
      if (!assertUsableFile(file)) throw new DatabaseError('the file is missing');
      return openExclusively(file, role);
    });
  }

  async listTables(): Promise<TableShape[]> {
    return this.#run(() =>
      (this.#client.pragma('table_list') as { name: string; type: string; schema: string; wr: bigint }[])
        .filter(({ schema, type, name }) => schema === 'main' && type === 'table' && isCopied(name))
        .map(({ name, wr }) => {
          const columns = this.#columns(name);
          const names = columns.map((column) => column.name);
          const isRowid = idColumnOf(columns) !== undefined || names.includes('rowid');
          return { name, columns: names, hasHiddenRowid: wr === 0n && !isRowid };
        }),
    );
  }

  async *read(table: string, columns: readonly string[]): AsyncGenerator<Value[][]> {
    const types = new Map(this.#columns(table).map(({ name, type }) => [name, type.toUpperCase()]));
    // An earlier version stored the bytes of some responses as text.
    const expressions = columns.map((name) =>
      /^(ANY|BLOB)$/.test(types.get(name) ?? '') ? `CAST(${quoteName(name)} AS BLOB)` : quoteName(name),
    );
    const query = `SELECT ${expressions.join(', ')} FROM ${quoteName(table)}`;
    const rows = this.#run(() => this.#client.prepare(query).raw().iterate()) as IterableIterator<Value[]>;
    let batch: Value[][] = [];
    try {
      for (;;) {
        const { value, done } = this.#run(() => rows.next());
        if (done !== true) batch.push(value);
        if (batch.length === batchRows || (done === true && batch.length > 0)) {
          yield batch;
          batch = [];
        }
        if (done === true) return;
      }
    } finally {
      // A statement that is not read to its end keeps the connection busy.
      rows.return?.();
    }
  }

  async readLastId({ table, column }: IdColumn): Promise<bigint> {
    return this.#run(() => {
      const query = `SELECT max(${quoteName(column)}) FROM ${quoteName(table)}`;
      const largest = (this.#client.prepare(query).pluck().get() as bigint | null) ?? 0n;
      const given = this.#hasCounters() ? this.#readCounter(table) : 0n;
      return given > largest ? given : largest;
    });
  }

  async clear(table: string): Promise<void> {
    this.#run(() => void this.#client.exec(`DELETE FROM ${quoteName(table)}`), table);
  }

  async insert(table: string, columns: readonly string[], rows: readonly Value[][]): Promise<void> {
    this.#run(() => {
      const names = columns.map(quoteName).join(', ');
      const marks = columns.map(() => '?').join(', ');
      const statement = this.#client.prepare(`INSERT INTO ${quoteName(table)} (${names}) VALUES (${marks})`);
      for (const row of rows) statement.run(row);
    }, table);
  }

  async listIdColumns(): Promise<IdColumn[]> {
    const tables = await this.listTables();
    return this.#run(() => {
      const source = this.#client.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?");
      return tables.flatMap(({ name }) => {
        const column = idColumnOf(this.#columns(name));
        const isCounted = /\bAUTOINCREMENT\b/i.test(source.pluck().get(name) as string);
        return column === undefined || !isCounted ? [] : [{ table: name, column }];
      });
    });
  }

  async setLastId({ table }: IdColumn, last: bigint): Promise<void> {
    this.#run(() => {
      this.#client.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table);
      this.#client.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, last);
    });
  }

  async commit(): Promise<void> {
    this.#run(() => {
      const orphans = findOrphans(this.#client);
      if (orphans !== undefined) throw new DatabaseError(orphans);
      this.#client.exec('COMMIT');
    });
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  /** Whether SQLite has a table of id counters. SQLite creates it with the first AUTOINCREMENT table. */
  #hasCounters(): boolean {
    return (
      this.#client.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").get() !== undefined
    );
  }

  #readCounter(table: string): bigint {
    const query = this.#client.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?');
    return (query.pluck().get(table) as bigint | undefined) ?? 0n;
  }

  /** Returns the columns of a table, without generated columns. */
  #columns(table: string): Column[] {
    const columns = this.#client.pragma(`table_xinfo(${quoteName(table)})`) as Column[];
    return columns.filter(({ hidden }) => hidden === 0n);
  }

  #run<Result>(fn: () => Result, table?: string): Result {
    try {
      return fn();
    } catch (error) {
      if (error instanceof DatabaseError || table === undefined) throw unusableDatabase(this.#file, error);
      throw new DatabaseError(`database ${this.#file}: ${table}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

/** Opens a file with a lock that excludes every other process, and begins a transaction. */
function openExclusively(file: string, role: Role): Client.Database {
  const client = new Client(file, { fileMustExist: true, timeout: waitMs });
  try {
    client.defaultSafeIntegers(true);
    client.pragma('locking_mode = EXCLUSIVE');
    client.pragma('synchronous = FULL');
    // Do not check foreign keys yet, because a table may be copied before the tables that it refers to. `commit` checks
    // all.
    client.pragma('foreign_keys = OFF');
    client.exec(role === 'target' ? 'BEGIN IMMEDIATE' : 'BEGIN');
    client.prepare('SELECT count(*) FROM sqlite_schema').get();
    return client;
  } catch (error) {
    client.close();
    if (!isBusy(error)) throw error;
    throw new DatabaseError('another process has the file open. Stop the server first', { cause: error });
  }
}

function isCopied(name: string): boolean {
  return !name.startsWith('sqlite_') && name !== migrationsTable;
}

/** Returns the column whose ids SQLite generates. */
function idColumnOf(columns: readonly Column[]): string | undefined {
  const keys = columns.filter(({ pk }) => pk > 0n);
  const [key] = keys;
  return keys.length === 1 && key?.type.toUpperCase() === 'INTEGER' ? key.name : undefined;
}
