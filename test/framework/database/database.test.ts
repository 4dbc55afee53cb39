import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sql, sqliteTable, text } from '../../../src/framework/database/drizzle.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../support/app.ts';
import { readSql, runSql } from '../../support/sql.ts';
import {
  connectClient,
  insertUser,
  listNames,
  makeFile,
  openUserDatabase,
  pragma,
  prepareFile,
  userMigrations,
} from './database-helpers.ts';

describe('opening', () => {
  test('sets the pragmas for durable data, for a new file and for an existing file', async (t) => {
    const file = makeFile(t);
    for (const time of ['first', 'second', 'third']) {
      const database = openSqlite(file, { migrations: userMigrations });
      expect(await pragma(database, 'journal_mode'), time).toBe('wal');
      expect(await pragma(database, 'synchronous'), time).toBe(2); // FULL
      expect(await pragma(database, 'foreign_keys'), time).toBe(1);
      await database.close();
    }
  });

  test('creates the folder of the file', async (t) => {
    const file = join(makeFolder(t), 'data/of/ours/user.db');
    expect(await listNames(openUserDatabase(t, file))).toEqual([]);
    expect(existsSync(file)).toBe(true);
  });

  test('finds the rows of an existing file', async (t) => {
    expect(await listNames(openUserDatabase(t, await prepareFile(t)))).toEqual(['Alice']);
  });

  test('opens separate databases in memory', async (t) => {
    const [one, other] = [openUserDatabase(t, ':memory:'), openUserDatabase(t, ':memory:')];
    await one.write(() => insertUser(one, 'Alice'));
    expect(await listNames(one)).toEqual(['Alice']);
    expect(await listNames(other)).toEqual([]);
  });

  test('two databases may have tables of the same name with different columns', async (t) => {
    for (const column of ['name', 'title']) {
      const database = openSqlite(':memory:');
      t.onTestFinished(() => database.close());
      await runSql(database, sql.raw(`CREATE TABLE note (${column} text)`));
      const notes = sqliteTable('note', { [column]: text() });
      expect(await database.prepare(database.orm.select().from(notes)).all()).toEqual([]);
    }
  });

  test('needs no migrations', async (t) => {
    const database = openSqlite(':memory:');
    t.onTestFinished(() => database.close());
    expect(await readSql(database, sql`SELECT 1 AS one`)).toEqual([[1]]);
  });

  test('check rejects after close', async (t) => {
    const database = openSqlite(makeFile(t), { migrations: userMigrations });
    await database.check();
    await database.close();
    await expect(database.check()).rejects.toThrow();
  });
});

describe('write', () => {
  test('resolves with the result of its function', async (t) => {
    const database = openUserDatabase(t, ':memory:');
    await expect(database.write(async () => 'result')).resolves.toBe('result');
  });

  test('runs all of its statements or none', async (t) => {
    const database = openUserDatabase(t, ':memory:');
    const failure = new Error('after two statements');
    const write = database.write(async () => {
      await insertUser(database, 'Alice');
      await insertUser(database, 'Bob');
      throw failure;
    });
    await expect(write).rejects.toBe(failure);
    expect(await listNames(database)).toEqual([]);
  });

  test('does not fail other writes of its transaction', async (t) => {
    const database = openUserDatabase(t, makeFile(t));
    const writes = Array.from({ length: 100 }, (_, index) =>
      database.write(async () => {
        await insertUser(database, `user ${index}`);
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
    expect(await listNames(database)).toEqual(
      results.flatMap((_, index) => (isFine(index) ? [`user ${index}`] : [])),
    );
  });

  test('is committed when it resolves: another connection sees it, and it survives a kill', async (t) => {
    const file = makeFile(t);
    const database = openUserDatabase(t, file);
    const other = connectClient(t, file);
    const count = other.prepare('SELECT count(*) FROM user').pluck();
    for (let done = 1; done <= 20; done += 1) {
      await database.write(() => insertUser(database, `user ${done}`));
      expect(count.get()).toBe(done);
    }
    // A kill leaves the files as they are now, so a copy shows what the next process finds.
    const copy = makeFile(t);
    for (const end of ['', '-wal']) cpSync(`${file}${end}`, `${copy}${end}`);
    expect(await listNames(openUserDatabase(t, copy))).toHaveLength(20);
  });

  test('waits for the lock of another connection without blocking the event loop', async (t) => {
    const file = makeFile(t);
    const database = openUserDatabase(t, file);
    const other = connectClient(t, file);
    other.exec("BEGIN IMMEDIATE; INSERT INTO user (name) VALUES ('Other')");
    let settled = 0;
    const writes = ['Alice', 'Bob', 'Carol'].map((name) =>
      database
        .write(() => insertUser(database, name))
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
      expect(await listNames(database)).toEqual([]);
    }
    expect(settled).toBe(0);
    expect(gaps.length).toBeGreaterThan(3);
    // A wait inside SQLite would block for 5 s.
    expect(Math.max(...gaps)).toBeLessThan(2_000);

    other.exec('COMMIT');
    await Promise.all(writes);
    expect((await listNames(database)).sort()).toEqual(['Alice', 'Bob', 'Carol', 'Other']);
  });

  test('rejects with the error of its function after a wait for a lock', async (t) => {
    const file = makeFile(t);
    const database = openUserDatabase(t, file);
    const other = connectClient(t, file);
    other.exec('BEGIN IMMEDIATE');
    let calls = 0;
    const write = database.write(async () => {
      calls += 1;
      await insertUser(database, 'Alice');
      throw new Error('of the function');
    });
    setTimeout(() => other.exec('COMMIT'), 50);
    await expect(write).rejects.toThrow('of the function');
    expect(calls).toBe(1);
    expect(await listNames(database)).toEqual([]);
  });
});
