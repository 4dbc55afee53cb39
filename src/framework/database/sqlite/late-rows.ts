import type Sqlite from 'better-sqlite3';
import { currentWrite, RunningWrite } from '../running-write.ts';

/** The numbers of rows of one statement, the largest first. */
const sizes = [32, 16, 8, 4, 2, 1] as const;

/** The values of rows, one row after the other, by their table. */
export type LateRows = ReadonlyMap<LateTable, readonly unknown[]>;

/** A write on a connection of SQLite. */
export class SqliteWrite extends RunningWrite {
  readonly #countChanges: () => number;
  readonly #late = new Map<LateTable, unknown[]>();
  #lateRows = 0;

  constructor(database: object, countChanges: () => number) {
    super(database);
    this.#countChanges = countChanges;
  }

  get late(): LateRows {
    return this.#late;
  }

  override countChanges(): number {
    return this.#countChanges() + this.#lateRows;
  }

  addLate(table: LateTable, row: readonly unknown[]): void {
    const values = this.#late.get(table);
    if (values === undefined) this.#late.set(table, [...row]);
    else values.push(...row);
    this.#lateRows += 1;
    RunningWrite.statements += 1;
  }
}

/**
 * Inserts rows right before COMMIT, those of all writes of a transaction together. With a statement for each row, an event
 * takes a fifth to a half more processor time (two measurements on a busy machine, in groups of 50 writes).
 */
export class LateTable {
  readonly #client: Sqlite.Database;
  readonly #head: string;
  readonly #width: number;
  readonly #statements = new Map<number, Sqlite.Statement<unknown[]>>();

  constructor(client: Sqlite.Database, table: string, columns: readonly string[]) {
    this.#client = client;
    this.#head = `INSERT INTO ${table} (${columns.join(', ')}) VALUES `;
    this.#width = columns.length;
    // A mistake shows now, not at COMMIT.
    this.#statementOf(1);
  }

  /** Adds a row to the running write. */
  readonly add = (row: readonly unknown[]): void => {
    const write = currentWrite(this.#client) as SqliteWrite | undefined;
    if (write === undefined) throw new TypeError('Expected a running write');
    write.addLate(this, row);
  };

  /** Inserts rows now. */
  insert(values: readonly unknown[]): void {
    let from = 0;
    for (const size of sizes) {
      for (; values.length - from >= size * this.#width; from += size * this.#width)
        this.#statementOf(size).run(values.slice(from, from + size * this.#width));
    }
  }

  #statementOf(size: number): Sqlite.Statement<unknown[]> {
    let statement = this.#statements.get(size);
    if (statement === undefined) {
      const row = `(${Array(this.#width).fill('?').join(', ')})`;
      statement = this.#client.prepare(this.#head + Array(size).fill(row).join(', '));
      this.#statements.set(size, statement);
    }
    return statement;
  }
}

/** Inserts the rows of writes, in the order of the writes. */
export function insertLate(writes: readonly LateRows[]): void {
  const all = new Map<LateTable, unknown[]>();
  for (const rows of writes) {
    for (const [table, values] of rows) {
      const sum = all.get(table);
      if (sum === undefined) all.set(table, [...values]);
      else sum.push(...values);
    }
  }
  for (const [table, values] of all) table.insert(values);
}
