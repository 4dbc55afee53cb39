import { isPostgresUrl, parseDatabaseUrl, sqliteFile } from '../config/database-url.ts';
import { openIdempotencyKeys } from '../idempotency/key-store.ts';
import type { Database, DatabaseDriver, MigrationStatus, OpenOptions } from './database.ts';
import { createKeyRows } from './key-rows.ts';
import { assertNotMissing } from './sqlite/connect.ts';
import { unusableDatabase } from './sqlite/errors.ts';
import { readSqliteMigrationStatus } from './sqlite/migration-status.ts';
import { openSqlite } from './sqlite/open.ts';

/**
 * Opens the database of a URL of the config, creates it if it is new, and applies its migrations. Only the modules that
 * this file imports know SQLite or PostgreSQL. The rest of the framework knows only the interface `Database`.
 * @throws {DatabaseError} if the database cannot be used. It is not changed then.
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  const driver = await openDriver(url, options);
  const keys = await openIdempotencyKeys(createKeyRows(driver));
  return {
    ...driver,
    keys,
    async close() {
      keys.close();
      await driver.close();
    },
  };
}

/**
 * Checks that no known database is missing. Call it before any database is opened: after an interrupted restore some
 * files are missing, and opening the others would change them.
 * @throws {DatabaseError} if a known database is missing.
 */
export function assertNoneMissing(urls: readonly string[], knownDatabases: string): void {
  for (const file of urls.flatMap((url) => sqliteFile(url) ?? [])) {
    try {
      assertNotMissing(file, knownDatabases);
    } catch (error) {
      throw unusableDatabase(file, error);
    }
  }
}

async function openDriver(url: string, options: OpenOptions): Promise<DatabaseDriver> {
  if (!isPostgresUrl(url)) return openSqlite(parseDatabaseUrl(url).file, options);
  // Loaded only if it is used, because loading the driver takes a tenth of the start.
  const { openPostgres } = await import('./postgres/open.ts');
  return openPostgres(url, options);
}

/** Returns which migrations a database has. Changes nothing. */
export async function readMigrationStatus(
  url: string,
  migrations: URL,
  service: string,
): Promise<MigrationStatus[]> {
  if (!isPostgresUrl(url)) return readSqliteMigrationStatus(parseDatabaseUrl(url).file, migrations);
  const { readPostgresMigrationStatus } = await import('./postgres/migration-status.ts');
  return readPostgresMigrationStatus(url, migrations, service);
}
