import { parseDatabaseUrl } from '../config/database-url.ts';
import type { Database, MigrationStatus, OpenOptions } from './database.ts';
import { readSqliteMigrationStatus } from './sqlite/migration-status.ts';
import { openSqlite } from './sqlite/open.ts';

/**
 * Opens the database of a URL of the config, creates it if it is new, and applies its migrations. The dialects differ
 * below this file: the rest of the framework knows only the interface `Database`.
 * @throws {DatabaseError} if the database cannot be used. It is not changed then.
 */
export function openDatabase(url: string, options: OpenOptions = {}): Database {
  return openSqlite(parseDatabaseUrl(url).file, options);
}

/** Returns which migrations a database has. Changes nothing. */
export function readMigrationStatus(url: string, migrations: URL): MigrationStatus[] {
  return readSqliteMigrationStatus(parseDatabaseUrl(url).file, migrations);
}
