import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { DatabaseError } from '../../../../src/framework/database/database-error.ts';
import { assertNoDanglingLink } from '../../../../src/framework/database/sqlite/files.ts';
import {
  checkIntegrity,
  inspectReadOnly,
  isTruncated,
} from '../../../../src/framework/database/sqlite/inspect.ts';
import { readSqliteMigrationStatus } from '../../../../src/framework/database/sqlite/migration-status.ts';
import { openSqlite } from '../../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../../support/app.ts';

const services = new URL('../../../../src/services/', import.meta.url);
const petMigrations = new URL('pet/migrations/', services);
const userMigrations = new URL('user/migrations/', services);
const allApplied = ['0000_initial', '0001_adoption_in_order'].map((name) => ({ name, applied: true }));
const pageSize = 4096;

function insertUsers(file: string, count: number): ReturnType<typeof openSqlite> {
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

/** A file with 500 users, as a server leaves it that was stopped, or one that was killed after 20 more. */
function prepareFile(t: TestContext, how: 'stopped' | 'killed'): string {
  const file = join(makeFolder(t), 'user.db');
  void insertUsers(file, 500).close();
  if (how === 'stopped') return file;
  const running = insertUsers(file, 20);
  const copy = join(makeFolder(t), 'user.db');
  for (const end of ['', '-wal', '-shm']) cpSync(`${file}${end}`, `${copy}${end}`);
  void running.close();
  return copy;
}

/** All that is in a folder, in every byte. */
function contentsOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    entries.map((name) => {
      const path = join(folder, name);
      const stat = lstatSync(path);
      if (stat.isSymbolicLink()) return [name, `to ${readlinkSync(path)}`];
      return [
        name,
        stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'no file',
      ];
    }),
  );
}

/** Opening ends with one line that names the file, and changes nothing at all in its folder; nor does asking for its status. */
function refuse(
  file: string,
  { migrations = userMigrations, folder = dirname(file), record = '' } = {},
): string {
  const before = contentsOf(folder);
  let message: string | undefined;
  try {
    openSqlite(file, { migrations, knownDatabases: record === '' ? undefined : record }).close();
  } catch (error) {
    expect(error).toBeInstanceOf(DatabaseError);
    ({ message } = error as DatabaseError);
  }
  expect(contentsOf(folder)).toEqual(before);
  expect(message, 'it was opened').toBeDefined();
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

const countUsers = (file: string) => {
  void openSqlite(file, { migrations: userMigrations }).close();
  const client = new Client(file);
  const count = client.prepare('SELECT count(*) FROM user').pluck().get();
  client.close();
  return count;
};

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

describe('what is not a file that can be written is refused, and stays as it was:', () => {
  test('a folder', (t) => {
    const folder = join(makeFolder(t), 'user.db');
    mkdirSync(folder);
    expect(refuse(folder)).toBe('it is a folder. Name a file in the config');
  });

  test('a pipe, which nobody would ever answer', (t) => {
    const file = join(makeFolder(t), 'user.db');
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    expect(refuse(file)).toBe('it is not a regular file. Name another file in the config');
  });

  test('a path below a file', (t) => {
    const folder = makeFolder(t);
    writeFileSync(join(folder, 'notes.txt'), 'notes');
    expect(refuse(join(folder, 'notes.txt/user.db'), { folder })).toMatch(
      /^a part of its path is a file, not a folder\. /,
    );
  });

  test('a loop of links', (t) => {
    const file = join(makeFolder(t), 'user.db');
    symlinkSync('user.db', file);
    expect(refuse(file)).toMatch(/^its path is a loop of links\. /);
  });

  test('a link to a file that is not there', (t) => {
    const file = join(makeFolder(t), 'user.db');
    symlinkSync('/nowhere/user.db', file);
    expect(refuse(file)).toBe(`${file} is a link to a missing file. Mount its target, or fix the link`);
  });

  test('a link to a folder that is not there', (t) => {
    const folder = makeFolder(t);
    symlinkSync('/nowhere', join(folder, 'data'));
    const file = join(folder, 'data/of/user.db');
    expect(refuse(file, { folder })).toBe(
      `${join(folder, 'data')} is a link to a missing file. Mount its target, or fix the link`,
    );
  });

  /** Opens it in a process that is not root, to whom no right is denied; its error. */
  function openAsNobody(file: string): string {
    const script = `
      import { openSqlite } from ${JSON.stringify(new URL('../../../../src/framework/database/sqlite/open.ts', import.meta.url))};
      if (process.getuid() === 0) {
        process.setgid(65534);
        process.setuid(65534);
      }
      try {
        openSqlite(${JSON.stringify(file)}, { migrations: new URL(${JSON.stringify(userMigrations)}) }).close();
      } catch (error) {
        console.log(error.message);
      }`;
    return spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
      .stdout;
  }

  test.for([
    ['a file that may not be written', 0o444, 0o777, (file: string) => file],
    ['a file in a folder that may not be written', 0o666, 0o555, (file: string) => dirname(file)],
    ['a file that may not be read', 0o222, 0o777, (file: string) => file],
  ] as const)('%s', ([, fileMode, folderMode, culprit], t) => {
    const file = prepareFile(t, 'stopped');
    chmodSync(file, fileMode);
    chmodSync(dirname(file), folderMode);
    t.onTestFinished(() => chmodSync(dirname(file), 0o777));
    const before = process.getuid?.() === 0 ? contentsOf(dirname(file)) : undefined;
    expect(openAsNobody(file)).toBe(
      `database ${file}: ${culprit(file)} cannot be accessed (EACCES). Give this user read and write permission, or mount the disk writable\n`,
    );
    if (before !== undefined) expect(contentsOf(dirname(file))).toEqual(before);
  });

  test('a new file in a folder that may not be written', (t) => {
    const folder = makeFolder(t);
    chmodSync(folder, 0o555);
    t.onTestFinished(() => chmodSync(folder, 0o777));
    expect(openAsNobody(join(folder, 'user.db'))).toMatch(/cannot be accessed \(EACCES\)\. Give this user/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a file that nobody may change, root included', (t) => {
    const file = prepareFile(t, 'stopped');
    if (spawnSync('chattr', ['+i', file]).status !== 0) t.skip('chattr may not be used here');
    t.onTestFinished(() => void spawnSync('chattr', ['-i', file]));
    expect(refuse(file)).toMatch(/cannot be accessed \(E(PERM|ACCES)\)/);
  });
});

describe('a new database', () => {
  test('appears whole, with nothing beside it', (t) => {
    const file = join(makeFolder(t), 'data/of/ours/user.db');
    openSqlite(file, { migrations: userMigrations }).close();
    expect(readdirSync(dirname(file))).toEqual(['user.db']);
    expect(lstatSync(file).size % pageSize).toBe(0);
    expect(lstatSync(file).size).toBeGreaterThan(pageSize);
  });

  test('that cannot be made leaves nothing', (t) => {
    const migrations = makeFolder(t);
    cpSync(userMigrations, migrations, { recursive: true });
    writeFileSync(
      join(migrations, 'sqlite/0000_initial.sql'),
      'CREATE TABLE a (b);--> statement-breakpoint\nNO SQL;',
    );
    const file = join(makeFolder(t), 'user.db');
    expect(refuse(file, { migrations: new URL(`file://${migrations}/`) })).toMatch(/syntax error/);
    expect(readdirSync(dirname(file))).toEqual([]);
  });
});

describe('a database that has been there', () => {
  function prepare(t: TestContext) {
    const folder = makeFolder(t);
    const record = join(folder, '.databases');
    const file = join(folder, 'data/user.db');
    openSqlite(file, { migrations: userMigrations, knownDatabases: record }).close();
    return { folder, file, record };
  }

  test('is recorded once, however often it is opened, beside others', (t) => {
    const { folder, file, record } = prepare(t);
    openSqlite(file, { migrations: userMigrations, knownDatabases: record }).close();
    const other = join(folder, 'data/other.db');
    openSqlite(other, { migrations: userMigrations, knownDatabases: record }).close();
    openSqlite(':memory:', { migrations: userMigrations, knownDatabases: record }).close();
    expect(readFileSync(record, 'utf8')).toBe(`${file}\n${other}\n`);
  });

  test.for([
    ['file', (file: string) => rmSync(file)],
    ['folder', (file: string) => rmSync(dirname(file), { recursive: true })],
  ] as const)('is not made anew where its %s is gone, unless one says so', ([, remove], t) => {
    const { folder, file, record } = prepare(t);
    remove(file);
    expect(refuse(file, { folder, record })).toBe(
      `the file is missing, although it existed before. Mount its folder, restore a backup, or delete its line in ${record} to start with a new database`,
    );
    rmSync(record);
    openSqlite(file, { migrations: userMigrations, knownDatabases: record }).close();
    expect(existsSync(file)).toBe(true);
  });

  test('is opened though it cannot be recorded, and not made where the record cannot be read', (t) => {
    const { file } = prepare(t);
    const record = makeFolder(t);
    openSqlite(file, { migrations: userMigrations, knownDatabases: record }).close();
    rmSync(file);
    expect(refuse(file, { record })).toBe(
      `${record}, the list of known databases, cannot be read (EISDIR). Check its permissions`,
    );
  });

  test('is recorded in full after a line that was cut', (t) => {
    const { folder, file, record } = prepare(t);
    writeFileSync(record, `${file}\n/half a li`);
    const other = join(folder, 'data/other.db');
    openSqlite(other, { migrations: userMigrations, knownDatabases: record }).close();
    expect(readFileSync(record, 'utf8').split('\n')).toContain(other);
  });
});

test('a file that another process makes while one looks is no link to nothing', async (t) => {
  const file = join(makeFolder(t), 'user.db');
  const code =
    'const fs = require("fs"); for (;;) { fs.writeFileSync(process.argv[1], ""); fs.rmSync(process.argv[1]); }';
  const maker = spawn(process.execPath, ['-e', code, file]);
  t.onTestFinished(() => void maker.kill());
  await expect.poll(() => existsSync(file), { interval: 1 }).toBe(true);
  const end = performance.now() + 500;
  while (performance.now() < end) assertNoDanglingLink(file);
});
