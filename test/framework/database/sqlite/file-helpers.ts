import { createHash } from 'node:crypto';
import { cpSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Client from 'better-sqlite3';
import { expect, type TestContext } from 'vitest';
import { DatabaseError } from '../../../../src/framework/database/database-error.ts';
import { readSqliteMigrationStatus } from '../../../../src/framework/database/sqlite/migration-status.ts';
import { openSqlite } from '../../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../../support/app.ts';

export const services = new URL('../../../../src/services/', import.meta.url);

export const petMigrations = new URL('pet/migrations/', services);

export const userMigrations = new URL('user/migrations/', services);

export const allApplied = [
  '0000_initial',
  '0001_adoption_in_order',
  '0002_adoption_of_pet',
  '0003_user_by_name',
].map((name) => ({
  name,
  applied: true,
}));

export const pageSize = 4096;

export function insertUsers(file: string, count: number): ReturnType<typeof openSqlite> {
  const database = openSqlite(file, { migrations: userMigrations });
  const client = new Client(file);
  const insert = client.prepare('INSERT INTO user (name) VALUES (?)');
  // In one transaction, because each COMMIT waits for the disk.
  client.transaction(() => {
    for (let index = 0; index < count; index += 1) insert.run(`user ${index} `.padEnd(200, '.'));
  })();
  client.close();
  return database;
}

/** Creates the file of a stopped server with 500 users, or of a server that was killed after 20 more inserts. */
export function prepareFile(t: TestContext, how: 'stopped' | 'killed'): string {
  const file = join(makeFolder(t), 'user.db');
  void insertUsers(file, 500).close();
  if (how === 'stopped') return file;
  const running = insertUsers(file, 20);
  const copy = join(makeFolder(t), 'user.db');
  for (const end of ['', '-wal', '-shm']) cpSync(`${file}${end}`, `${copy}${end}`);
  void running.close();
  return copy;
}

/** Returns the hash of each file in a folder. */
export function contentsOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    entries.map((name) => {
      const path = join(folder, name);
      const stat = lstatSync(path);
      if (stat.isSymbolicLink()) return [name, `to ${readlinkSync(path)}`];
      return [
        name,
        stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'not a file',
      ];
    }),
  );
}

/**
 * Expects that opening a file fails with one line that names it, and that neither opening nor reading its status changes
 * its folder. Returns the line without the name of the file.
 */
export function expectRejected(
  file: string,
  { migrations = userMigrations, folder = dirname(file), registry = '' } = {},
): string {
  const before = contentsOf(folder);
  let message: string | undefined;
  try {
    openSqlite(file, { migrations, knownDatabases: registry === '' ? undefined : registry }).close();
  } catch (error) {
    expect(error).toBeInstanceOf(DatabaseError);
    ({ message } = error as DatabaseError);
  }
  expect(contentsOf(folder)).toEqual(before);
  expect(message, 'the file was opened').toBeDefined();
  expect(message).not.toContain('\n');
  const start = `database ${file}: `;
  expect(message?.slice(0, start.length)).toBe(start);
  try {
    readSqliteMigrationStatus(file, migrations);
  } catch (error) {
    expect(error).toBeInstanceOf(DatabaseError);
  }
  expect(contentsOf(folder)).toEqual(before);
  return (message as string).slice(start.length);
}

export const countUsers = (file: string) => {
  void openSqlite(file, { migrations: userMigrations }).close();
  const client = new Client(file);
  const count = client.prepare('SELECT count(*) FROM user').pluck().get();
  client.close();
  return count;
};
