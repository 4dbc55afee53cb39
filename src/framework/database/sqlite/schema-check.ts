import Client from 'better-sqlite3';
import { inMemory } from '../../config/database-url.ts';
import { DatabaseError } from '../database-error.ts';
import type { Migration } from '../migration-files.ts';
import { applyMigrations } from './migrations.ts';

/**
 * Compares the schema of a database with the schema that its migrations create. A trigger, a missing index or a manual
 * column would change the behaviour of the services.
 * @param applied the migrations that the database has.
 * @throws {DatabaseError} if they differ.
 */
export function checkSchema(client: Client.Database, applied: readonly Migration[]): void {
  if (client.pragma('encoding', { simple: true }) !== 'UTF-8') throw mismatch('its encoding is not UTF-8');
  const reference = new Client(inMemory);
  try {
    applyMigrations(reference, applied);
    const [expected, found] = [listSchema(reference), listSchema(client)];
    for (const [name, sql] of found) {
      if (!expected.has(name)) throw mismatch(`${name} is not in the migrations`);
      if (expected.get(name) !== sql) throw mismatch(`${name} differs`);
    }
    // An older version may not have created the framework's own tables, whose names start with two underscores.
    const missing = [...expected.keys()].find((name) => !found.has(name) && !/ __/.test(name));
    if (missing !== undefined) throw mismatch(`${missing} is missing`);
  } finally {
    reference.close();
  }
}

/** The SQL of each table, index, trigger and view, without those that SQLite creates itself. */
function listSchema(client: Client.Database): Map<string, string> {
  return new Map(
    client
      .prepare<[], [string, string]>(
        "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*' ORDER BY name",
      )
      .raw()
      .all(),
  );
}

function mismatch(difference: string): DatabaseError {
  return new DatabaseError(
    `its schema is not that of its migrations: ${difference}. Change a schema only by a migration, or restore another backup`,
  );
}
