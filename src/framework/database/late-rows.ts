/** The row counts of the prepared insertions, the largest first. */
const sizes = [32, 16, 8, 4, 2, 1] as const;

/** A row that a write inserts right before COMMIT. */
export interface LateRow<Insertion> {
  readonly table: LateTable<Insertion>;
  readonly values: readonly unknown[];
}

interface LateTableOptions<Insertion> {
  readonly table: string;
  readonly columns: readonly string[];
  /** Returns the placeholder of the value with this index, from 0. */
  placeholder(index: number): string;
  prepare(sql: string): Insertion;
}

/**
 * The prepared insertions into a table of late rows. Late rows are inserted together, because with a statement for each
 * row an event takes a fifth to a half more processor time in SQLite (two measurements on a busy machine, in groups of
 * 50 writes).
 */
export class LateTable<Insertion> {
  readonly #options: LateTableOptions<Insertion>;
  readonly #insertions = new Map<number, Insertion>();

  constructor(options: LateTableOptions<Insertion>) {
    this.#options = options;
    // Prepare one now, so that a mistake is found before the first write.
    this.insertionOf(1);
  }

  /** Returns the statement that inserts this number of rows. */
  insertionOf(count: number): Insertion {
    let insertion = this.#insertions.get(count);
    if (insertion === undefined) {
      insertion = this.#options.prepare(this.#write(count));
      this.#insertions.set(count, insertion);
    }
    return insertion;
  }

  #write(count: number): string {
    const { table, columns, placeholder } = this.#options;
    const rows = Array.from({ length: count }, (_, row) => {
      const values = columns.map((_, column) => placeholder(row * columns.length + column));
      return `(${values.join(', ')})`;
    });
    return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${rows.join(', ')}`;
  }
}

/** Returns the statements that insert rows, each with its values. A table has few of them, so few have to be prepared. */
export function* listInsertions<Insertion>(
  rows: readonly LateRow<Insertion>[],
): Generator<readonly [insertion: Insertion, values: unknown[]]> {
  for (const [table, ofTable] of Map.groupBy(rows, ({ table }) => table)) {
    let from = 0;
    for (const size of sizes) {
      for (; ofTable.length - from >= size; from += size)
        yield [table.insertionOf(size), ofTable.slice(from, from + size).flatMap(({ values }) => values)];
    }
  }
}
