/** The row counts of the prepared statements, the largest first. */
const sizes = [32, 16, 8, 4, 2, 1] as const;

/** Rows that a write inserts right before COMMIT: the values of all rows, one row after the other, by their table. */
export type LateRows<Table> = ReadonlyMap<Table, readonly unknown[]>;

/** Collects the late rows of one or more writes, in order. */
export class LateRowList<Table> extends Map<Table, unknown[]> {
  /** Adds the values of one or more rows. */
  append(table: Table, values: readonly unknown[]): void {
    const present = this.get(table);
    if (present === undefined) this.set(table, [...values]);
    else present.push(...values);
  }

  appendAll(rows: LateRows<Table>): void {
    for (const [table, values] of rows) this.append(table, values);
  }
}

/** Returns the SQL that inserts `count` rows. @param parameter the placeholder of the value with this index, from 0. */
export function insertInto(
  table: string,
  columns: readonly string[],
  count: number,
  parameter: (index: number) => string,
): string {
  const rows = Array.from({ length: count }, (_, row) => {
    const values = columns.map((_, column) => parameter(row * columns.length + column));
    return `(${values.join(', ')})`;
  });
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${rows.join(', ')}`;
}

/** Splits the values of rows into statements of a few sizes, so that few statements have to be prepared. */
export function* splitRows(
  values: readonly unknown[],
  width: number,
): Generator<readonly [count: number, values: unknown[]]> {
  let from = 0;
  for (const size of sizes) {
    for (; values.length - from >= size * width; from += size * width)
      yield [size, values.slice(from, from + size * width)];
  }
}
