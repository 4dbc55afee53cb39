import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import Client from 'better-sqlite3';
import { expect, type TestContext } from 'vitest';
import type { DatabaseDriver } from '../../../src/framework/database/database.ts';
import { DatabaseError } from '../../../src/framework/database/database-error.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../support/app.ts';
import { spawnForTest } from '../../support/process-guard.ts';
import { readSql, runSql } from '../../support/sql.ts';

export const services = new URL('../../../src/services/', import.meta.url);

export const petMigrations = new URL('pet/migrations/', services);

export const userMigrations = new URL('user/migrations/', services);

/** Opens a database that is closed when the test ends. */
export function openUserDatabase(
  t: TestContext,
  file: string,
  migrations: URL = userMigrations,
): DatabaseDriver {
  const database = openSqlite(file, { migrations });
  t.onTestFinished(() => database.close());
  return database;
}

/** Opens a second connection, which is closed when the test ends. */
export function connectClient(t: TestContext, file: string): Client.Database {
  const client = new Client(file);
  t.onTestFinished(() => void client.close());
  return client;
}

export function makeFile(t: TestContext): string {
  return join(makeFolder(t), 'user.db');
}

/** Creates a closed database of this version with one user. */
export async function prepareFile(t: TestContext, statements: readonly string[] = []): Promise<string> {
  const file = makeFile(t);
  const database = openSqlite(file, { migrations: userMigrations });
  await runSql(database, sql`INSERT INTO user (name) VALUES ('Alice')`);
  for (const statement of statements) await runSql(database, sql.raw(statement));
  await database.close();
  return file;
}

/** Creates a folder with the migrations of the user service and more. */
export function addMigrations(t: TestContext, more: Record<string, string>): URL {
  const folder = join(makeFolder(t), 'migrations');
  cpSync(userMigrations, folder, { recursive: true });
  const path = join(folder, 'sqlite/meta/_journal.json');
  const journal = JSON.parse(readFileSync(path, 'utf8'));
  for (const [tag, text] of Object.entries(more)) {
    writeFileSync(join(folder, `sqlite/${tag}.sql`), text);
    const { length, [length - 1]: last } = journal.entries;
    journal.entries.push({ ...last, idx: length, tag, when: last.when + 1000 });
  }
  writeFileSync(path, JSON.stringify(journal));
  return pathToFileURL(`${folder}/`);
}

/** Returns the message of the error that `fn` must throw: one line. */
export function openingErrorOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(DatabaseError);
    const { message } = error as DatabaseError;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('the database was opened');
}

export const listNames = async (database: DatabaseDriver) =>
  (await readSql<[string]>(database, sql`SELECT name FROM user ORDER BY id`)).map(([name]) => name);

export const pragma = async (database: DatabaseDriver, name: string) =>
  (await readSql(database, sql.raw(`PRAGMA ${name}`)))[0]?.[0];

export const insertUser = (database: DatabaseDriver, name: string) =>
  runSql(database, sql`INSERT INTO user (name) VALUES (${name})`);

export interface Opener {
  /** Opens a file in the other process at a point in time. Resolves with `opened` or the error. */
  open(file: string, time?: number): Promise<string>;
}

/** Starts a process that opens databases on request. It ends with the test. */
export async function startOpener(t: TestContext, migrations: URL): Promise<Opener> {
  const script = `
    import { createInterface } from 'node:readline';
    import { openSqlite } from ${JSON.stringify(new URL('../../../src/framework/database/sqlite/open.ts', import.meta.url))};
    console.log('ready');
    for await (const line of createInterface({ input: process.stdin })) {
      const [time, file] = line.split('|');
      while (Date.now() < Number(time));
      try {
        openSqlite(file, { migrations: new URL(${JSON.stringify(migrations)}) }).close();
        console.log('opened');
      } catch (error) {
        console.log(error.message);
      }
    }`;
  const child = spawnForTest(t, process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  expect(await next()).toBe('ready');
  return {
    open(file, time = 0) {
      child.stdin?.write(`${time}|${file}\n`);
      return next();
    },
  };
}
