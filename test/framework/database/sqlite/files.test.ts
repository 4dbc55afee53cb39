import { spawn } from 'node:child_process';
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
import {
  allApplied,
  contentsOf,
  countUsers,
  pageSize,
  petMigrations,
  prepareFile,
  refuse,
  userMigrations,
} from './file-helpers.ts';

describe.for(['stopped', 'killed'] as const)('the file of a server that was %s', (how) => {
  const overwrite = (file: string, from: number, to?: number) =>
    writeFileSync(file, readFileSync(file).fill(0xa5, from, to));
  const cut = (size: (whole: number) => number) => (file: string) =>
    truncateSync(file, size(lstatSync(file).size));
  const damaged = /^the file is corrupt or truncated\. Restore a backup$/;
  const query = (text: string) => (file: string) => {
    const folder = dirname(file);
    const client = new Client(file);
    client.exec(text);
    // The log stays where it was.
    const kept = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const);
    client.close();
    for (const [name, bytes] of kept) writeFileSync(join(folder, name), bytes);
  };

  test.for<[string, (file: string) => void, RegExp]>([
    ['that is garbage', (file) => overwrite(file, 0), /^the file is (corrupt|not an SQLite) .*backup$/],
    ['with garbage after its header', (file) => overwrite(file, 100), /corrupt|not an SQLite/],
    ['with garbage in a page', (file) => overwrite(file, 10 * pageSize, 11 * pageSize), damaged],
    ['cut in the middle of a page', cut((whole) => Math.floor(whole / 2) + 77), damaged],
    ['cut between two pages', cut(() => 5 * pageSize), damaged],
    ['cut in its header', cut(() => 50), /^the file is (corrupt|not an SQLite)/],
    [
      'cut to nothing',
      cut(() => 0),
      /^the file is empty\. Restore a backup, or move the file away to start with a new database$/,
    ],
    [
      'of a newer version',
      query(
        `INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('${'ab'.repeat(32)}', 9999999999999)`,
      ),
      /^it has a migration \(abababababab\) .*: start that version, or name another file in the config$/,
    ],
    [
      'of another program',
      query('PRAGMA foreign_keys = OFF; DROP TABLE __drizzle_migrations'),
      /^it has tables, and none of our migrations: .*: name another in the config$/,
    ],
  ])('%s is refused, and stays as it was', ([, damage, says], t) => {
    const file = prepareFile(t, how);
    damage(file);
    expect(refuse(file)).toMatch(says);
  });

  test('cut in a page that only frames of an earlier log have is refused', (t) => {
    const file = prepareFile(t, how);
    const client = new Client(file);
    client.pragma('wal_autocheckpoint = 0');
    // Every page is in the log, and then in the file; the log begins again, and keeps the rest of its old frames.
    client.exec("UPDATE user SET name = substr(name, 1, 199) || '!'");
    client.pragma('wal_checkpoint(PASSIVE)');
    client.exec("UPDATE user SET name = 'first' WHERE id = 1");
    const copy = join(makeFolder(t), 'user.db');
    for (const end of ['', '-wal', '-shm']) cpSync(`${file}${end}`, `${copy}${end}`);
    client.close();
    expect(lstatSync(`${copy}-wal`).size).toBeGreaterThan(5 * pageSize);
    truncateSync(copy, lstatSync(copy).size - pageSize);
    // A large file is not read at the start, so this alone finds it.
    let found: boolean | undefined;
    inspectReadOnly(copy, (link) => {
      found = isTruncated(link, link.name);
    });
    expect(found).toBe(true);
    expect(refuse(copy)).toMatch(damaged);
  });

  test('cut in its last page is refused, or opened with all it has where its log has that page', (t) => {
    const file = prepareFile(t, how);
    truncateSync(file, lstatSync(file).size - 100);
    if (how === 'stopped') expect(refuse(file)).toMatch(damaged);
    else expect(countUsers(file)).toBe(520);
  });

  test('of another service is refused, and stays as it was', (t) => {
    const file = prepareFile(t, how);
    expect(refuse(file, { migrations: petMigrations })).toMatch(/of a newer version, or of another service/);
  });

  test('by a link, of another service, is refused too', (t) => {
    const file = prepareFile(t, how);
    const link = join(dirname(file), 'pet.db');
    symlinkSync('user.db', link);
    expect(refuse(link, { migrations: petMigrations })).toMatch(/of another service/);
  });

  test('that is sound is opened with all it has', (t) => {
    const file = prepareFile(t, how);
    const before = contentsOf(dirname(file));
    expect(readSqliteMigrationStatus(file, userMigrations)).toEqual(allApplied);
    expect(contentsOf(dirname(file))).toEqual(before);
    expect(countUsers(file)).toBe(how === 'stopped' ? 500 : 520);
    expect(readdirSync(dirname(file))).toEqual(['user.db']);
  });
});

test('the file of a server that was killed, and is gone, its log left, is not made anew', (t) => {
  for (const left of ['-wal', '-shm']) {
    const file = prepareFile(t, 'killed');
    for (const end of ['', '-wal', '-shm'].filter((end) => end !== left)) rmSync(`${file}${end}`);
    expect(refuse(file)).toBe(
      `the file is missing, but user.db${left} exists. Put the file back, restore a backup, or move user.db${left} away to start with a new database`,
    );
  }
});

test('the file of a server that is writing is opened, and asked for its status, as often as one likes', async (t) => {
  const file = prepareFile(t, 'stopped');
  const driver = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'));
  // It folds its log into the file and begins it anew all the time.
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
  const writer = spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.onTestFinished(() => void writer.kill('SIGKILL'));
  await once(writer.stdout, 'data');
  for (let time = 1; time <= 150; time += 1) {
    expect(readSqliteMigrationStatus(file, userMigrations)).toEqual(allApplied);
    // What changes meanwhile is not looked at: it would seem damaged.
    expect(inspectReadOnly(file, checkIntegrity)).toBe(false);
    if (time % 10 === 0) openSqlite(file, { migrations: userMigrations }).close();
  }
  expect(writer.exitCode).toBe(null);
});

test('the file of another program, which has it open, is refused, and gets no table of ours', (t) => {
  const file = join(makeFolder(t), 'user.db');
  const client = new Client(file);
  t.onTestFinished(() => void client.close());
  client.pragma('journal_mode = WAL');
  client.exec('CREATE TABLE theirs (id INTEGER)');
  // While it is open it cannot be looked at without a trace.
  expect(inspectReadOnly(file, (other) => void other.prepare('SELECT * FROM sqlite_schema').all())).toBe(
    false,
  );
  expect(() => openSqlite(file, { migrations: userMigrations })).toThrow(
    /has tables, and none of our migrations/,
  );
  expect(client.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['theirs']);
});
