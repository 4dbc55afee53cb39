import { once } from 'node:events';
import {
  cpSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Client from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import {
  checkIntegrity,
  inspectReadOnly,
  isTruncated,
} from '../../../../src/framework/database/sqlite/inspect.ts';
import { readSqliteMigrationStatus } from '../../../../src/framework/database/sqlite/migration-status.ts';
import { openSqlite } from '../../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../../support/app.ts';
import { spawnForTest } from '../../../support/process-guard.ts';
import {
  allApplied,
  contentsOf,
  countUsers,
  expectRejected,
  pageSize,
  petMigrations,
  prepareFile,
  userMigrations,
} from './file-helpers.ts';

describe.for(['stopped', 'killed'] as const)('the file of a server that was %s', (how) => {
  const overwrite = (file: string, from: number, to?: number) =>
    writeFileSync(file, readFileSync(file).fill(0xa5, from, to));
  const cut = (newSize: (size: number) => number) => (file: string) =>
    truncateSync(file, newSize(lstatSync(file).size));
  const damaged = /^the file is corrupt or truncated\. Restore a backup$/;
  const query = (text: string) => (file: string) => {
    const folder = dirname(file);
    const client = new Client(file);
    client.exec(text);
    // Keep the files as they are now: closing the connection removes the log.
    const kept = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const);
    client.close();
    for (const [name, bytes] of kept) writeFileSync(join(folder, name), bytes);
  };

  test.for<[string, (file: string) => void, RegExp]>([
    ['that is garbage', (file) => overwrite(file, 0), /^the file is (corrupt|not an SQLite) .*backup$/],
    ['with garbage after its header', (file) => overwrite(file, 100), /corrupt|not an SQLite/],
    ['with garbage in a page', (file) => overwrite(file, 10 * pageSize, 11 * pageSize), damaged],
    ['cut in the middle of a page', cut((size) => Math.floor(size / 2) + 77), damaged],
    ['cut between two pages', cut(() => 5 * pageSize), damaged],
    ['cut in its header', cut(() => 50), /^the file is (corrupt|not an SQLite)/],
    [
      'cut to 0 bytes',
      cut(() => 0),
      /^the file is empty\. Restore a backup, or move the file away to start with a new database$/,
    ],
    [
      'of a newer version',
      query(
        `INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('${'ab'.repeat(32)}', 9999999999999)`,
      ),
      /^it has a migration \(abababababab\) that this version does not have: the file belongs to a newer version or to another service, or the migration was edited after it ran\. Start the newer version, or name another file in the config$/,
    ],
    [
      'whose migration was edited',
      query(`UPDATE __drizzle_migrations SET hash = '${'ab'.repeat(32)}' WHERE id = 1`),
      /^it has a migration \(abababababab\) that this version does not have/,
    ],
    [
      'of another program',
      query('PRAGMA foreign_keys = OFF; DROP TABLE __drizzle_migrations'),
      /^it has tables and no migrations of this project\. Name another file in the config$/,
    ],
  ])('%s is rejected and stays unchanged', ([, damage, message], t) => {
    const file = prepareFile(t, how);
    damage(file);
    expect(expectRejected(file)).toMatch(message);
  });

  test('is rejected if a page is missing that only frames of an earlier log contain', (t) => {
    const file = prepareFile(t, how);
    const client = new Client(file);
    client.pragma('wal_autocheckpoint = 0');
    // The checkpoint copies every page from the log to the file. The log restarts and keeps the rest of its old frames.
    client.exec("UPDATE user SET name = substr(name, 1, 199) || '!'");
    client.pragma('wal_checkpoint(PASSIVE)');
    client.exec("UPDATE user SET name = 'first' WHERE id = 1");
    const copy = join(makeFolder(t), 'user.db');
    for (const end of ['', '-wal', '-shm']) cpSync(`${file}${end}`, `${copy}${end}`);
    client.close();
    expect(lstatSync(`${copy}-wal`).size).toBeGreaterThan(5 * pageSize);
    truncateSync(copy, lstatSync(copy).size - pageSize);
    // The start does not read a large file, so only this check finds the damage.
    let found: boolean | undefined;
    inspectReadOnly(copy, (link) => {
      found = isTruncated(link, link.name);
    });
    expect(found).toBe(true);
    expect(expectRejected(copy)).toMatch(damaged);
  });

  test('cut in its last page is rejected, or opened with all rows if its log has that page', (t) => {
    const file = prepareFile(t, how);
    truncateSync(file, lstatSync(file).size - 100);
    if (how === 'stopped') expect(expectRejected(file)).toMatch(damaged);
    else expect(countUsers(file)).toBe(520);
  });

  test('of another service is rejected and stays unchanged', (t) => {
    const file = prepareFile(t, how);
    expect(expectRejected(file, { migrations: petMigrations })).toMatch(
      / to a newer version or to another service/,
    );
  });

  test('of another service, behind a link, is rejected', (t) => {
    const file = prepareFile(t, how);
    const link = join(dirname(file), 'pet.db');
    symlinkSync('user.db', link);
    expect(expectRejected(link, { migrations: petMigrations })).toMatch(/to another service/);
  });

  test('that is undamaged is opened with all rows', (t) => {
    const file = prepareFile(t, how);
    const before = contentsOf(dirname(file));
    expect(readSqliteMigrationStatus(file, userMigrations)).toEqual(allApplied);
    expect(contentsOf(dirname(file))).toEqual(before);
    expect(countUsers(file)).toBe(how === 'stopped' ? 500 : 520);
    expect(readdirSync(dirname(file))).toEqual(['user.db']);
  });
});

test('a missing file is not created again if the log of a killed server is left', (t) => {
  for (const left of ['-wal', '-shm']) {
    const file = prepareFile(t, 'killed');
    for (const end of ['', '-wal', '-shm'].filter((end) => end !== left)) rmSync(`${file}${end}`);
    expect(expectRejected(file)).toBe(
      `the file is missing, but user.db${left} exists. Put the file back, restore a backup, or move user.db${left} away to start with a new database`,
    );
  }
});

test('opening a file and reading its status works at any time while a server writes it', async (t) => {
  const file = prepareFile(t, 'stopped');
  const driver = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'));
  // This process checkpoints and restarts its log all the time.
  const script = `const client = new (require(${driver}))(${JSON.stringify(file)});
    client.pragma('wal_autocheckpoint = 3');
    const insert = client.prepare("INSERT INTO user (name) VALUES (hex(randomblob(2000)))");
    const remove = client.prepare('DELETE FROM user WHERE id % 3 = 0');
    console.log('ready');
    (function go() {
      for (let index = 0; index < 10; index += 1) insert.run();
      remove.run();
      setImmediate(go);
    })();`;
  const writer = spawnForTest(t, process.execPath, ['--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(writer.stdout as NodeJS.ReadableStream, 'data');
  for (let time = 1; time <= 150; time += 1) {
    expect(readSqliteMigrationStatus(file, userMigrations)).toEqual(allApplied);
    // A file that changes meanwhile would seem damaged, so it is not checked.
    expect(inspectReadOnly(file, (client) => [checkIntegrity(client)])).toBeUndefined();
    if (time % 10 === 0) openSqlite(file, { migrations: userMigrations }).close();
  }
  expect(writer.exitCode).toBe(null);
});

test('a file that another program has open is rejected, and gets no tables of this project', (t) => {
  const file = join(makeFolder(t), 'user.db');
  const client = new Client(file);
  t.onTestFinished(() => void client.close());
  client.pragma('journal_mode = WAL');
  client.exec('CREATE TABLE theirs (id INTEGER)');
  // A file that is open elsewhere cannot be inspected without changing it.
  expect(
    inspectReadOnly(file, (other) => other.prepare('SELECT * FROM sqlite_schema').all()),
  ).toBeUndefined();
  expect(() => openSqlite(file, { migrations: userMigrations })).toThrow(
    /has tables and no migrations of this project/,
  );
  expect(client.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['theirs']);
});
