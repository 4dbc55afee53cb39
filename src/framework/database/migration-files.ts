import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MigrationMeta, readMigrationFiles } from './drizzle.ts';

/** A migration of a service; `name` is that of its file. */
export interface Migration extends MigrationMeta {
  readonly name: string;
}

interface Journal {
  readonly entries: readonly { readonly tag: string }[];
}

/** Reads the migrations of a service for one database, as drizzle-kit writes them, in the order of its journal. */
export function readMigrations(folder: URL, dialect: 'sqlite' | 'postgres'): Migration[] {
  const path = join(fileURLToPath(folder), dialect);
  const migrations = readMigrationFiles({ migrationsFolder: path });
  const journal = JSON.parse(readFileSync(join(path, 'meta/_journal.json'), 'utf8')) as Journal;
  return migrations.map((migration, index) => ({
    ...migration,
    name: journal.entries[index]?.tag ?? migration.hash,
  }));
}
