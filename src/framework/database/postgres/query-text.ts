import { type SQL, sql } from '../drizzle.ts';

export function isReadOnly(text: string): boolean {
  return /^[\s(]*(select|with)\b/i.test(text) && !/\b(insert|update|delete)\b/i.test(text);
}

/** Writes the insertion of one row, with the names of the columns as placeholders. */
export function insertInto(table: string, columns: readonly string[]): SQL {
  const values = columns.map((name) => sql.placeholder(name));
  return sql`INSERT INTO ${sql.raw(table)} (${sql.raw(columns.join(', '))}) VALUES (${sql.join(values, sql`, `)})`;
}
