import { join } from 'node:path';
import Client from 'better-sqlite3';
import type { TestContext } from 'vitest';
import type { DatabaseDriver } from '../../../../src/framework/database/database.ts';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { openWriter } from '../../../../src/framework/database/sqlite/group-commit.ts';
import { openSqlite } from '../../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../../support/app.ts';
import { readSql, runSql } from '../../../support/sql.ts';

export const noteTable = 'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)';

/** Opens a database with a table of notes, closed when the test ends. */
export function openNotes(
  t: TestContext,
  file = join(makeFolder(t), 'note.db'),
): { file: string; database: DatabaseDriver } {
  const client = new Client(file);
  client.exec(`${noteTable.replace('TABLE', 'TABLE IF NOT EXISTS')}`);
  client.close();
  const database = openSqlite(file);
  t.onTestFinished(() => database.close());
  return { file, database };
}

export const addNote = (database: DatabaseDriver, note: string) =>
  runSql(database, sql`INSERT INTO note (text) VALUES (${note})`);
export async function listNotes(database: DatabaseDriver): Promise<string[]> {
  const rows = await readSql<[string]>(database, sql`SELECT text FROM note ORDER BY id`);
  return rows.map(([text]) => text);
}
export const numbered = (count: number, name = 'note') =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`);

/** Reads the notes on a second connection, which sees only what is committed. */
export function listCommitted(file: string): string[] {
  const client = new Client(file);
  try {
    return client.prepare('SELECT text FROM note ORDER BY id').pluck().all() as string[];
  } finally {
    client.close();
  }
}

/** Returns the reasons of rejected writes. Throws if a write was resolved. */
export async function reasonsOf(writes: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(writes);
  return results.map((result) => {
    if (result.status === 'fulfilled') throw new Error('the write was acknowledged');
    return result.reason;
  });
}

/** Opens a writer on a separate connection and records the statements of its transactions. */
export function openRecordedWriter(t: TestContext, file = ':memory:') {
  const client = new Client(file, { timeout: 0 });
  t.onTestFinished(() => void client.close());
  client.pragma('foreign_keys = ON');
  const recorded = {
    client,
    statements: [] as string[],
    /** Called before each statement. If it throws, the statement does not run. */
    before: (_statement: string): void => {},
    writer: openWriter({
      prepare(statement) {
        const prepared = client.prepare(statement);
        return {
          run() {
            recorded.statements.push(statement);
            recorded.before(statement);
            return prepared.run();
          },
          get: () => prepared.get(),
        };
      },
      get inTransaction() {
        return client.inTransaction;
      },
    }),
  };
  return recorded;
}

/** Throws an error as better-sqlite3 does. */
export function throwSqliteError(code: string): never {
  throw new Client.SqliteError('simulated by the test', code);
}
