import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { readSqliteMigrationStatus } from '../../../src/framework/database/sqlite/migration-status.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../support/app.ts';
import { readSql, runSql } from '../../support/sql.ts';
import {
  addMigrations,
  connect,
  insert,
  makeFile,
  names,
  open,
  petMigrations,
  pragma,
  prepareFile,
  refusalOf,
  startOpener,
  userMigrations,
} from './database-helpers.ts';

describe('opening', () => {
  test('sets what keeps data safe, for a new file and for one that is opened again', async (t) => {
    const file = makeFile(t);
    for (const time of ['first', 'second', 'third']) {
      const database = openSqlite(file, { migrations: userMigrations });
      expect(await pragma(database, 'journal_mode'), time).toBe('wal');
      expect(await pragma(database, 'synchronous'), time).toBe(2); // FULL
      expect(await pragma(database, 'foreign_keys'), time).toBe(1);
      await database.close();
    }
  });

  test('makes the folder that the file is to stand in', async (t) => {
    const file = join(makeFolder(t), 'data/of/ours/user.db');
    expect(await names(open(t, file))).toEqual([]);
    expect(existsSync(file)).toBe(true);
  });

  test('finds what was written before', async (t) => {
    expect(await names(open(t, await prepareFile(t)))).toEqual(['Alice']);
  });

  test('works in memory, each for itself', async (t) => {
    const [one, other] = [open(t, ':memory:'), open(t, ':memory:')];
    await one.write(() => insert(one, 'Alice'));
    expect(await names(one)).toEqual(['Alice']);
    expect(await names(other)).toEqual([]);
  });

  test('does without migrations', async (t) => {
    const database = openSqlite(':memory:');
    t.onTestFinished(() => database.close());
    expect(await readSql(database, sql`SELECT 1 AS one`)).toEqual([[1]]);
  });

  test('gives check() that rejects once the database is closed', async (t) => {
    const database = openSqlite(makeFile(t), { migrations: userMigrations });
    await database.check();
    await database.close();
    await expect(database.check()).rejects.toThrow();
  });
});

describe('write', () => {
  test('resolves with what its function returns', async (t) => {
    const database = open(t, ':memory:');
    await expect(database.write(async () => 'this')).resolves.toBe('this');
  });

  test('does all of its statements or none', async (t) => {
    const database = open(t, ':memory:');
    const failure = new Error('after two of them');
    const write = database.write(async () => {
      await insert(database, 'Alice');
      await insert(database, 'Bob');
      throw failure;
    });
    await expect(write).rejects.toBe(failure);
    expect(await names(database)).toEqual([]);
  });

  test('fails alone', async (t) => {
    const database = open(t, makeFile(t));
    const writes = Array.from({ length: 100 }, (_, index) =>
      database.write(async () => {
        await insert(database, `user ${index}`);
        if (index % 10 === 0) throw new Error(`not ${index}`);
        if (index % 10 === 5)
          await runSql(database, sql`INSERT INTO adoption (user_id, pet_id) VALUES (-1, 1)`);
      }),
    );
    const results = await Promise.allSettled(writes);
    const isFine = (index: number) => index % 5 !== 0;
    expect(results.map(({ status }) => status)).toEqual(
      results.map((_, index) => (isFine(index) ? 'fulfilled' : 'rejected')),
    );
    expect(await names(database)).toEqual(
      results.flatMap((_, index) => (isFine(index) ? [`user ${index}`] : [])),
    );
  });

  test('has been committed when it resolves: another connection sees it, and it is there after a kill', async (t) => {
    const file = makeFile(t);
    const database = open(t, file);
    const other = connect(t, file);
    const count = other.prepare('SELECT count(*) FROM user').pluck();
    for (let done = 1; done <= 20; done += 1) {
      await database.write(() => insert(database, `user ${done}`));
      expect(count.get()).toBe(done);
    }
    // What a process finds that starts after this one is killed: the files as they are now.
    const copy = makeFile(t);
    for (const end of ['', '-wal']) cpSync(`${file}${end}`, `${copy}${end}`);
    expect(await names(open(t, copy))).toHaveLength(20);
  });

  test('waits for the lock of another connection, and lets everything else go on meanwhile', async (t) => {
    const file = makeFile(t);
    const database = open(t, file);
    const other = connect(t, file);
    other.exec("BEGIN IMMEDIATE; INSERT INTO user (name) VALUES ('Other')");
    let settled = 0;
    const writes = ['Alice', 'Bob', 'Carol'].map((name) =>
      database
        .write(() => insert(database, name))
        .finally(() => {
          settled += 1;
        }),
    );

    const gaps: number[] = [];
    let last = performance.now();
    const start = last;
    while (last - start < 400) {
      await sleep(5);
      const now = performance.now();
      gaps.push(now - last);
      last = now;
      expect(await names(database)).toEqual([]);
    }
    expect(settled).toBe(0);
    expect(gaps.length).toBeGreaterThan(3);
    // It would wait for 5 s.
    expect(Math.max(...gaps)).toBeLessThan(2_000);

    other.exec('COMMIT');
    await Promise.all(writes);
    expect((await names(database)).sort()).toEqual(['Alice', 'Bob', 'Carol', 'Other']);
  });

  test('fails with what its function throws, though it had to wait', async (t) => {
    const file = makeFile(t);
    const database = open(t, file);
    const other = connect(t, file);
    other.exec('BEGIN IMMEDIATE');
    let calls = 0;
    const write = database.write(async () => {
      calls += 1;
      await insert(database, 'Alice');
      throw new Error('my own');
    });
    setTimeout(() => other.exec('COMMIT'), 50);
    await expect(write).rejects.toThrow('my own');
    expect(calls).toBe(1);
    expect(await names(database)).toEqual([]);
  });
});

test('a file that is replaced while its lock is waited for is not taken for the new one', async (t) => {
  const file = await prepareFile(t);
  const child = await startOpener(t, userMigrations);
  const other = connect(t, file);
  other.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  const answer = child.open(file);
  await sleep(500);
  renameSync(await prepareFile(t), file);
  other.close();
  expect(await answer).toBe(`database ${file}: the file was replaced during the start. Start again`);
  expect(await child.open(file)).toBe('opened');
});

describe('a file that is not for this code is refused and left as it was:', () => {
  /** What is at the path must be the same, byte for byte, after an attempt to open it. */
  function refuse(file: string, migrations: URL): string {
    const before = readFileSync(file);
    const message = refusalOf(() => openSqlite(file, { migrations }));
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(refusalOf(() => readSqliteMigrationStatus(file, migrations))).toBe(message);
    expect(readFileSync(file).equals(before)).toBe(true);
    return message;
  }

  test('one of a newer version', async (t) => {
    const file = await prepareFile(t, [
      `INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('${'ab'.repeat(32)}', 9999999999999)`,
    ]);
    expect(refuse(file, userMigrations)).toBe(
      `database ${file}: it has a migration (abababababab) that this code does not: the file is of a newer version, or of another service, or that migration was edited after it ran: start that version, or name another file in the config`,
    );
  });

  test('one that a newer version has migrated', async (t) => {
    const file = await prepareFile(t);
    const newer = addMigrations(t, { '0001_newer': 'ALTER TABLE user ADD COLUMN nickname text;' });
    await openSqlite(file, { migrations: newer }).close();
    expect(refuse(file, userMigrations)).toMatch(
      /: the file is of a newer version, or of another service, or that migration was edited after it ran: start/,
    );
    expect(await names(open(t, file, newer))).toEqual(['Alice']);
  });

  test('one of another service', async (t) => {
    const file = await prepareFile(t);
    expect(refuse(file, petMigrations)).toMatch(
      /: the file is of a newer version, or of another service, or that migration was edited after it ran: start/,
    );
    expect(await names(open(t, file))).toEqual(['Alice']);
  });

  test('one of another program', (t) => {
    const file = makeFile(t);
    const other = new Client(file);
    other.exec('CREATE TABLE user (id INTEGER PRIMARY KEY, shoe TEXT)');
    other.close();
    const before = readFileSync(file);
    const message = refusalOf(() => openSqlite(file, { migrations: userMigrations }));
    expect(message).toMatch(new RegExp(`^database ${file}: `));
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('one that is no database', (t) => {
    const file = makeFile(t);
    writeFileSync(file, 'Dear diary, today I fed the pets. '.repeat(500));
    expect(refuse(file, userMigrations)).toBe(
      `database ${file}: the file is not an SQLite database. Name another file in the config, or restore a backup`,
    );
  });

  test('one that begins like a database and goes on as garbage', async (t) => {
    const file = await prepareFile(t);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, 100));
    expect(refuse(file, userMigrations)).toMatch(new RegExp(`^database ${file}: \\S`));
  });
});
