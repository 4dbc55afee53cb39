import type Sqlite from 'better-sqlite3';
import { insertInto, LateRowList, type LateRows, splitRows } from '../late-rows.ts';
import { currentWrite, RunningWrite } from '../running-write.ts';

/** A write on a connection of SQLite. */
export class SqliteWrite extends RunningWrite {
  readonly late = new LateRowList<LateTable>();
  readonly #countChanges: () => number;
  #lateRows = 0;

  constructor(database: object, countChanges: () => number) {
    super(database);
    this.#countChanges = countChanges;
  }

  override countChanges(): number {
    return this.#countChanges() + this.#lateRows;
  }

  addLate(table: LateTable, row: readonly unknown[]): void {
    this.late.append(table, row);
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
  readonly #table: string;
  readonly #columns: readonly string[];
  readonly #statements = new Map<number, Sqlite.Statement<unknown[]>>();

  constructor(client: Sqlite.Database, table: string, columns: readonly string[]) {
    this.#client = client;
    this.#table = table;
    this.#columns = columns;
    // Prepare a statement now, so that a mistake fails here and not at COMMIT.
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
    for (const [count, some] of splitRows(values, this.#columns.length)) this.#statementOf(count).run(some);
  }

  #statementOf(count: number): Sqlite.Statement<unknown[]> {
    let statement = this.#statements.get(count);
    if (statement === undefined) {
      statement = this.#client.prepare(insertInto(this.#table, this.#columns, count, () => '?'));
      this.#statements.set(count, statement);
    }
    return statement;
  }
}

/** Inserts the rows of writes, in the order of the writes. */
export function insertLate(writes: readonly LateRows<LateTable>[]): void {
  const all = new LateRowList<LateTable>();
  for (const rows of writes) all.appendAll(rows);
  for (const [table, values] of all) table.insert(values);
}
