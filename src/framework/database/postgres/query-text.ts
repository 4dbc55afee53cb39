export function isReadOnly(text: string): boolean {
  return /^[\s(]*(select|with)\b/i.test(text) && !/\b(insert|update|delete)\b/i.test(text);
}

/** Writes the insertion of one row, whose values are in the order of `columns`. */
export function insertInto(table: string, columns: readonly string[]): string {
  const values = columns.map((_, index) => `$${index + 1}`);
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values.join(', ')})`;
}
