import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import Client from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import type { DatabaseDriver } from '../../../src/framework/database/database.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { readMigrations } from '../../../src/framework/database/migration-files.ts';
import { readSqliteMigrationStatus } from '../../../src/framework/database/sqlite/migration-status.ts';
import { applyMigrations } from '../../../src/framework/database/sqlite/migrations.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../support/app.ts';
import { readSql, runSql } from '../../support/sql.ts';
import {
  addMigrations,
  connectClient,
  listNames,
  makeFile,
  openingErrorOf,
  openUserDatabase,
  petMigrations,
  pragma,
  prepareFile,
  startOpener,
  userMigrations,
} from './database-helpers.ts';

describe('a migration', () => {
  /** The SQL of drizzle-kit for changing a column: it rebuilds the table. */
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

  test('that rebuilds a table keeps the rows of tables that refer to it', async (t) => {
    const file = await prepareFile(t, adoptions);
    const database = openUserDatabase(t, file, addMigrations(t, { '0001_rebuild': rebuild }));
    expect(await readSql(database, sql`SELECT id, name, nickname FROM user ORDER BY id`)).toEqual([
      [1, 'Alice', null],
      [2, 'Bob', null],
    ]);
    expect(await listAdoptions(database)).toEqual(rows);
    expect(await pragma(database, 'foreign_keys')).toBe(1);
    // The foreign key still works: it rejects a missing user, and a delete removes the adoptions of the user.
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
      expect(await listNames(database)).toEqual(['Alice', 'Bob', 'Carol']);
      await database.close();
    }
  });

  test('may be older than the migration before it, as after a merge of two branches', async (t) => {
    const file = await prepareFile(t);
    const migrations = addMigrations(t, {
      '0001_add': "INSERT INTO user (name) VALUES ('Carol');",
      '0002_older': "INSERT INTO user (name) VALUES ('Dan');",
    });
    const path = fileURLToPath(new URL('sqlite/meta/_journal.json', migrations));
    const journal = JSON.parse(readFileSync(path, 'utf8'));
    journal.entries.at(-1).when -= 1500;
    writeFileSync(path, JSON.stringify(journal));
    for (let time = 1; time <= 2; time += 1) {
      const database = openSqlite(file, { migrations });
      expect(await listNames(database)).toEqual(['Alice', 'Carol', 'Dan']);
      await database.close();
    }
    expect(readSqliteMigrationStatus(file, migrations).every(({ applied }) => applied)).toBe(true);
  });

  test('that breaks a foreign key is rejected, and all pending migrations are rolled back', async (t) => {
    const file = await prepareFile(t, adoptions);
    const migrations = addMigrations(t, {
      '0001_add': "INSERT INTO user (name) VALUES ('Carol');",
      '0002_orphan': 'DELETE FROM user WHERE id = 1;',
    });
    expect(openingErrorOf(() => openSqlite(file, { migrations }))).toBe(
      `database ${file}: its migrations violate a foreign key: rows of adoption refer to missing rows of user`,
    );
    const database = openUserDatabase(t, file);
    expect(await listNames(database)).toEqual(['Alice', 'Bob']);
    expect(await listAdoptions(database)).toEqual(rows);
  });

  test('is not blamed for a missing row if none is pending', async (t) => {
    const file = await prepareFile(t, adoptions);
    const other = connectClient(t, file);
    // As with the program sqlite3, where foreign keys are off.
    other.exec('PRAGMA foreign_keys = OFF; DELETE FROM user WHERE id = 1');
    expect(await listNames(openUserDatabase(t, file))).toEqual(['Bob']);
  });

  test('that fails half-way is reported in one line, and all pending migrations are rolled back', async (t) => {
    const file = await prepareFile(t, adoptions);
    const migrations = addMigrations(t, {
      '0001_add': "INSERT INTO user (name) VALUES ('Carol');",
      '0002_wrong': 'DELETE FROM adoption;--> statement-breakpoint\nINSERT INTO nowhere VALUES (1);',
    });
    expect(openingErrorOf(() => openSqlite(file, { migrations }))).toBe(
      `database ${file}: its migration 0002_wrong failed: no such table: nowhere`,
    );
    const database = openUserDatabase(t, file);
    expect(await listNames(database)).toEqual(['Alice', 'Bob']);
    expect(await listAdoptions(database)).toEqual(rows);
  });

  test.for([
    ['a file with a rollback journal', 'PRAGMA user_version = 1; BEGIN IMMEDIATE'],
    ['a new file', 'PRAGMA journal_mode = WAL; BEGIN IMMEDIATE'],
  ] as const)('waits for another process that holds the lock of %s', async ([, statements], t) => {
    const file = makeFile(t);
    const child = await startOpener(t, userMigrations);
    const other = connectClient(t, file);
    other.exec(statements);
    const outcome = child.open(file);
    await sleep(300);
    other.exec('COMMIT');
    expect(await outcome).toBe('opened');
  });
});

test('a start that waited for the lock of a replaced file fails, and the next start opens the new file', async (t) => {
  const file = await prepareFile(t);
  const child = await startOpener(t, userMigrations);
  const other = connectClient(t, file);
  other.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  const outcome = child.open(file);
  await sleep(500);
  renameSync(await prepareFile(t), file);
  other.close();
  expect(await outcome).toBe(`database ${file}: the file was replaced during the start. Start again`);
  expect(await child.open(file)).toBe('opened');
});

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
  const outcomes: string[] = [];
  for (let round = 1; round <= 50; round += 1) {
    const file = join(folder, `round ${round}.db`);
    const time = Date.now() + 5;
    outcomes.push(...(await Promise.all(openers.map((opener) => opener.open(file, time)))));
    const database = openSqlite(file, { migrations });
    expect(await listNames(database)).toEqual(Array.from({ length: 10 }, (_, index) => `step ${index}`));
    await database.close();
  }
  expect(outcomes.filter((outcome) => outcome !== 'opened')).toEqual([]);
});

describe('readSqliteMigrationStatus', () => {
  const known = ['0000_initial', '0001_adoption_in_order', '0002_adoption_of_pet', '0003_user_by_name'];

  test('reports all migrations of a missing file as pending, and does not create the file', (t) => {
    const file = makeFile(t);
    expect(readSqliteMigrationStatus(file, userMigrations)).toEqual(
      known.map((name) => ({ name, applied: false })),
    );
    expect(existsSync(file)).toBe(false);
  });

  test('reports applied and pending migrations, and changes nothing', async (t) => {
    const file = await prepareFile(t);
    const newer = addMigrations(t, { '0004_a': 'SELECT 1;', '0005_b': 'SELECT 2;' });
    const before = readFileSync(file);
    const status = [
      ...known.map((name) => ({ name, applied: true })),
      { name: '0004_a', applied: false },
      { name: '0005_b', applied: false },
    ];
    expect(readSqliteMigrationStatus(file, newer)).toEqual(status);
    expect(readSqliteMigrationStatus(file, newer)).toEqual(status);
    expect(readFileSync(file).equals(before)).toBe(true);
    await openSqlite(file, { migrations: newer }).close();
    expect(readSqliteMigrationStatus(file, newer).every(({ applied }) => applied)).toBe(true);
  });

  test('names migrations like their files', (t) => {
    for (const migrations of [petMigrations, userMigrations]) {
      for (const { name } of readSqliteMigrationStatus(makeFile(t), migrations)) {
        expect(existsSync(join(fileURLToPath(migrations), 'sqlite', `${name}.sql`))).toBe(true);
      }
    }
  });
});

test('a folder without migrations is reported in one line', (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'migrations'));
  const file = join(folder, 'user.db');
  expect(
    openingErrorOf(() => openSqlite(file, { migrations: pathToFileURL(join(folder, 'migrations/')) })),
  ).toMatch(new RegExp(`^database ${file}: .*_journal\\.json`));
});

test('migrations that another process applies during a wait for the lock are not applied again', (t) => {
  const file = makeFile(t);
  const known = readMigrations(userMigrations, 'sqlite');
  const client = connectClient(t, file);
  const { transaction } = client;
  // The other process takes the lock first.
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
