import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lists the names of the SQL files in a folder of migrations. */
export function listMigrations(folder: string): string[] {
  return readdirSync(folder).filter((file) => file.endsWith('.sql'));
}

/**
 * Returns a line for each new column that a table with rows cannot get. Only the migration for PostgreSQL tells: for
 * SQLite, drizzle-kit may write the whole table again.
 * @param files the new migrations, as paths in `folder`.
 */
export function describeUnfillable(folder: string, files: readonly string[]): string[] {
  const column = /^ALTER TABLE "(\w+)" ADD COLUMN "(\w+)" (?!.* (?:DEFAULT|GENERATED) ).*NOT NULL;/gm;
  return files
    .filter((file) => file.startsWith('postgres/'))
    .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(column)])
    .map(
      ([, table, name]) =>
        `the new column ${name} of the table ${table} is NOT NULL and has no default, so the migration fails if the table has rows. Add DEFAULT and a value to it in ${files.join(' and ')}`,
    );
}
