import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { assertNoDanglingLink } from '../../../../src/framework/database/sqlite/files.ts';
import { openSqlite } from '../../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../../support/app.ts';
import { contentsOf, pageSize, prepareFile, refuse, userMigrations } from './file-helpers.ts';

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
