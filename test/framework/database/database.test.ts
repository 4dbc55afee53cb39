import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import type { DatabaseDriver } from '../../../src/framework/database/database.ts';
import { DatabaseError } from '../../../src/framework/database/database-error.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { readMigrations } from '../../../src/framework/database/migration-files.ts';
import { readSqliteMigrationStatus } from '../../../src/framework/database/sqlite/migration-status.ts';
import { applyMigrations } from '../../../src/framework/database/sqlite/migrations.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../support/app.ts';
import { readSql, runSql } from '../../support/sql.ts';

const services = new URL('../../../src/services/', import.meta.url);
const petMigrations = new URL('pet/migrations/', services);
const userMigrations = new URL('user/migrations/', services);

/** Opens a database that is closed when the test ends. */
function open(t: TestContext, file: string, migrations: URL = userMigrations): DatabaseDriver {
  const database = openSqlite(file, { migrations });
  t.onTestFinished(() => database.close());
  return database;
}

/** A connection of somebody else, closed when the test ends. */
function connect(t: TestContext, file: string): Client.Database {
  const client = new Client(file);
  t.onTestFinished(() => void client.close());
  return client;
}

function makeFile(t: TestContext): string {
  return join(makeFolder(t), 'user.db');
}

/** Makes a file as this version leaves it, with one user, and closes it. */
async function prepareFile(t: TestContext, statements: readonly string[] = []): Promise<string> {
  const file = makeFile(t);
  const database = openSqlite(file, { migrations: userMigrations });
  await runSql(database, sql`INSERT INTO user (name) VALUES ('Alice')`);
  for (const statement of statements) await runSql(database, sql.raw(statement));
  await database.close();
  return file;
}

/** The migrations of the user service, and these. */
function addMigrations(t: TestContext, more: Record<string, string>): URL {
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

/** The message of the error that opening must end with: one line. */
function refusalOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(DatabaseError);
    const { message } = error as DatabaseError;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('it was opened');
}

const names = async (database: DatabaseDriver) =>
  (await readSql<[string]>(database, sql`SELECT name FROM user ORDER BY id`)).map(([name]) => name);
const pragma = async (database: DatabaseDriver, name: string) =>
  (await readSql(database, sql.raw(`PRAGMA ${name}`)))[0]?.[0];
const insert = (database: DatabaseDriver, name: string) =>
  runSql(database, sql`INSERT INTO user (name) VALUES (${name})`);

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

describe('a migration', () => {
  /** As drizzle-kit rebuilds a table to change a column of it. */
  const rebuild = `PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE \`__new_user\` (
	\`id\` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	\`name\` text,
	\`nickname\` text
);
--> statement-breakpoint
INSERT INTO \`__new_user\`("id", "name") SELECT "id", "name" FROM \`user\`;--> statement-breakpoint
DROP TABLE \`user\`;--> statement-breakpoint
ALTER TABLE \`__new_user\` RENAME TO \`user\`;--> statement-breakpoint
PRAGMA foreign_keys=ON;`;
  const adoptions = [
    "INSERT INTO user (name) VALUES ('Bob')",
    'INSERT INTO adoption (user_id, pet_id) VALUES (1, 7), (1, 3), (2, 7)',
  ];
  const rows = [
    [1, 1, 7],
    [2, 1, 3],
    [3, 2, 7],
  ];
  const listAdoptions = (database: DatabaseDriver) =>
    readSql(database, sql`SELECT * FROM adoption ORDER BY id`);

  test('that rebuilds a table loses nothing of the tables that refer to it', async (t) => {
    const file = await prepareFile(t, adoptions);
    const database = open(t, file, addMigrations(t, { '0001_rebuild': rebuild }));
    expect(await readSql(database, sql`SELECT id, name, nickname FROM user ORDER BY id`)).toEqual([
      [1, 'Alice', null],
      [2, 'Bob', null],
    ]);
    expect(await listAdoptions(database)).toEqual(rows);
    expect(await pragma(database, 'foreign_keys')).toBe(1);
    // The reference holds on: what refers to nothing is refused, and a delete takes its adoptions along.
    await expect(
      runSql(database, sql`INSERT INTO adoption (user_id, pet_id) VALUES (9, 9)`),
    ).rejects.toThrow();
    await runSql(database, sql`DELETE FROM user WHERE id = 1`);
    expect(await listAdoptions(database)).toEqual(rows.slice(2));
  });

  test('is applied once', async (t) => {
    const file = await prepareFile(t, adoptions);
    const migrations = addMigrations(t, {
      '0001_rebuild': rebuild,
      '0002_add': "INSERT INTO user (name) VALUES ('Carol');",
    });
    for (let time = 1; time <= 3; time += 1) {
      const database = openSqlite(file, { migrations });
      expect(await names(database)).toEqual(['Alice', 'Bob', 'Carol']);
      await database.close();
    }
  });

  test('that leaves a row without what it refers to is refused, and nothing of it stays', async (t) => {
    const file = await prepareFile(t, adoptions);
    const migrations = addMigrations(t, {
      '0001_add': "INSERT INTO user (name) VALUES ('Carol');",
      '0002_orphan': 'DELETE FROM user WHERE id = 1;',
    });
    expect(refusalOf(() => openSqlite(file, { migrations }))).toBe(
      `database ${file}: a migration leaves rows of adoption without their user`,
    );
    const database = open(t, file);
    expect(await names(database)).toEqual(['Alice', 'Bob']);
    expect(await listAdoptions(database)).toEqual(rows);
  });

  test('that fails half-way is one line, and nothing of it or of the one before stays', async (t) => {
    const file = await prepareFile(t, adoptions);
    const migrations = addMigrations(t, {
      '0001_add': "INSERT INTO user (name) VALUES ('Carol');",
      '0002_wrong': 'DELETE FROM adoption;--> statement-breakpoint\nINSERT INTO nowhere VALUES (1);',
    });
    expect(refusalOf(() => openSqlite(file, { migrations }))).toBe(
      `database ${file}: no such table: nowhere`,
    );
    const database = open(t, file);
    expect(await names(database)).toEqual(['Alice', 'Bob']);
    expect(await listAdoptions(database)).toEqual(rows);
  });

  test.for([
    ['a file of the other journal', 'PRAGMA user_version = 1; BEGIN IMMEDIATE'],
    ['a file that it has just made', 'PRAGMA journal_mode = WAL; BEGIN IMMEDIATE'],
  ] as const)('waits for another process that holds the lock of %s', async ([, statements], t) => {
    const file = makeFile(t);
    const child = await startOpener(t, userMigrations);
    const other = connect(t, file);
    other.exec(statements);
    const answer = child.open(file);
    await sleep(300);
    other.exec('COMMIT');
    expect(await answer).toBe('opened');
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

interface Opener {
  /** Opens the file in the other process, at that time: `opened`, or the error. */
  open(file: string, time?: number): Promise<string>;
}

/** A process that opens databases when it is told to, and ends with the test. */
async function startOpener(t: TestContext, migrations: URL): Promise<Opener> {
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
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.onTestFinished(async () => {
    child.stdin?.end();
    if (child.exitCode === null) await once(child, 'exit');
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

test('processes that open a new file at the same time all succeed, and each migration is applied once', async (t) => {
  const folder = makeFolder(t);
  const more = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [
      `00${10 + index}_step`,
      `CREATE TABLE step_${index} (id integer PRIMARY KEY);--> statement-breakpoint\nINSERT INTO user (name) VALUES ('step ${index}');`,
    ]),
  );
  const migrations = addMigrations(t, more);
  const openers = await Promise.all([1, 2].map(() => startOpener(t, migrations)));
  const answers: string[] = [];
  for (let round = 1; round <= 50; round += 1) {
    const file = join(folder, `round ${round}.db`);
    const time = Date.now() + 5;
    answers.push(...(await Promise.all(openers.map((opener) => opener.open(file, time)))));
    const database = openSqlite(file, { migrations });
    expect(await names(database)).toEqual(Array.from({ length: 10 }, (_, index) => `step ${index}`));
    await database.close();
  }
  expect(answers.filter((answer) => answer !== 'opened')).toEqual([]);
});

describe('readSqliteMigrationStatus', () => {
  const known = ['0000_initial', '0001_adoption_in_order'];

  test('says of a file that is not there that all are missing, and does not make it', (t) => {
    const file = makeFile(t);
    expect(readSqliteMigrationStatus(file, userMigrations)).toEqual(
      known.map((name) => ({ name, applied: false })),
    );
    expect(existsSync(file)).toBe(false);
  });

  test('says what a file has and what it has not yet, and changes nothing', async (t) => {
    const file = await prepareFile(t);
    const newer = addMigrations(t, { '0002_a': 'SELECT 1;', '0003_b': 'SELECT 2;' });
    const before = readFileSync(file);
    const status = [
      ...known.map((name) => ({ name, applied: true })),
      { name: '0002_a', applied: false },
      { name: '0003_b', applied: false },
    ];
    expect(readSqliteMigrationStatus(file, newer)).toEqual(status);
    expect(readSqliteMigrationStatus(file, newer)).toEqual(status);
    expect(readFileSync(file).equals(before)).toBe(true);
    await openSqlite(file, { migrations: newer }).close();
    expect(readSqliteMigrationStatus(file, newer).every(({ applied }) => applied)).toBe(true);
  });

  test('names the migrations of the product as their files are named', (t) => {
    for (const migrations of [petMigrations, userMigrations]) {
      for (const { name } of readSqliteMigrationStatus(makeFile(t), migrations)) {
        expect(existsSync(join(fileURLToPath(migrations), 'sqlite', `${name}.sql`))).toBe(true);
      }
    }
  });
});

test('a folder of migrations that is not there is one line', (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'migrations'));
  const file = join(folder, 'user.db');
  expect(
    refusalOf(() => openSqlite(file, { migrations: pathToFileURL(join(folder, 'migrations/')) })),
  ).toMatch(new RegExp(`^database ${file}: .*_journal\\.json`));
});

test('migrations that another process applies while this one waits for the lock are not applied again', (t) => {
  const file = makeFile(t);
  const known = readMigrations(userMigrations, 'sqlite');
  const client = connect(t, file);
  const { transaction } = client;
  // This one is about to take the lock, and the other is faster.
  client.transaction = ((fn: () => void) => {
    const run = transaction.call(client, fn);
    return {
      immediate() {
        const other = new Client(file);
        applyMigrations(other, known);
        other.close();
        run.immediate();
      },
    };
  }) as never;
  applyMigrations(client, known);
  expect(client.prepare('SELECT count(*) FROM __drizzle_migrations').pluck().get()).toBe(known.length);
});
