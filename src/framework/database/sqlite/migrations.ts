import type Client from 'better-sqlite3';
import { currentContext } from '../../context/context.ts';
import { DatabaseError } from '../database-error.ts';
import { sqliteEventTables } from '../event-tables.ts';
import { idempotencyTable } from '../key-rows.ts';
import type { Migration } from '../migration-files.ts';
import { sqliteCodeOf } from './errors.ts';
import { findOrphans } from './inspect.ts';

/**
 * Returns the pending migrations of a file, from the table of Drizzle's migrator. That migrator is not used, because it
 * accepts a newer file. It also reads before it locks, so two processes that start together both apply a migration.
 */
export function listPending(client: Client.Database, known: readonly Migration[]): Migration[] {
  const tables = client.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  const hasMigrations = tables.includes('__drizzle_migrations');
  if (!hasMigrations && tables.length > 0 && known.length > 0) {
    throw new DatabaseError(
      'it has tables and no migrations of this project. Name another file in the config',
    );
  }
  const applied = hasMigrations ? listApplied(client) : [];
  for (const [index, hash] of applied.entries()) {
    if (known[index]?.hash !== hash) {
      throw new DatabaseError(
        `it has a migration (${hash.slice(0, 12)}) that this version does not have: the file belongs to a newer version or to another service, or the migration was edited after it ran. Start the newer version, or name another file in the config`,
      );
    }
  }
  return known.slice(applied.length);
}

/**
 * Returns the hashes of the applied migrations, in the order in which they were applied. `created_at` can have another
 * order: a merge of two branches may append a migration that is older than the one before it.
 */
export function listApplied(client: Client.Database): string[] {
  return client.prepare<[], string>('SELECT hash FROM __drizzle_migrations ORDER BY rowid').pluck().all();
}

/** Applies the pending migrations, all or none, and logs their names. */
export function applyMigrations(client: Client.Database, known: readonly Migration[]): void {
  const begun = performance.now();
  const names: string[] = [];
  // drizzle-kit rebuilds a table to change a column. With foreign keys on, that empties the tables that refer to it. The
  // pragma has no effect inside a transaction.
  client.pragma('foreign_keys = OFF');
  client
    .transaction(() => {
      client.exec(
        'CREATE TABLE IF NOT EXISTS __drizzle_migrations (id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric)',
      );
      client.exec(idempotencyTable);
      client.exec(sqliteEventTables);
      for (const { name, sql, hash, folderMillis } of listPending(client, known)) {
        names.push(name);
        for (const statement of sql) runStatement(client, name, statement);
        client
          .prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)')
          .run(hash, folderMillis);
      }
      if (names.length === 0) return;
      const orphans = findOrphans(client);
      if (orphans !== undefined) throw new DatabaseError(`its migrations violate a foreign key: ${orphans}`);
    })
    .immediate();
  // A database in memory gets all migrations at each start. A script has no context and prints its own result.
  if (names.length === 0 || client.memory) return;
  const ms = Math.round(performance.now() - begun);
  currentContext()?.log.info({ migrations: names, ms }, 'migrations applied');
}

/** Runs a statement of a migration. An error of its SQL names the migration; the file's errors keep their codes. */
function runStatement(client: Client.Database, migration: string, statement: string): void {
  try {
    client.exec(statement);
  } catch (error) {
    if (sqliteCodeOf(error) !== 'SQLITE_ERROR') throw error;
    throw new DatabaseError(`its migration ${migration} failed: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
