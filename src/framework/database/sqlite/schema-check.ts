import Client from 'better-sqlite3';
import { DatabaseError } from '../database-error.ts';
import { applyMigrations, type Migration } from './migrations.ts';

/**
 * Compares the schema of a database with the one that the migrations make that it has had (`applied`). A trigger, an index that is
 * missing or a column that was added by hand would change what the services do.
 * @throws {DatabaseError} where they differ.
 */
export function checkSchema(client: Client.Database, applied: readonly Migration[]): void {
  if (client.pragma('encoding', { simple: true }) !== 'UTF-8') throw mismatch('its encoding is not UTF-8');
  const made = new Client(':memory:');
  try {
    applyMigrations(made, applied);
    const [expected, found] = [listSchema(made), listSchema(client)];
    for (const [name, sql] of found) {
      if (!expected.has(name)) throw mismatch(`${name} is not of them`);
      if (expected.get(name) !== sql) throw mismatch(`${name} differs`);
    }
    // An older version may not have made the tables of our own, which start with two underscores.
    const missing = [...expected.keys()].find((name) => !found.has(name) && !/ __/.test(name));
    if (missing !== undefined) throw mismatch(`${missing} is missing`);
  } finally {
    made.close();
  }
}

/** What SQLite itself does not make: the SQL of each table, index, trigger and view. */
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

function mismatch(how: string): DatabaseError {
  return new DatabaseError(
    `its schema is not that of its migrations (${how}): change a schema by a migration only, or restore another backup`,
  );
}
