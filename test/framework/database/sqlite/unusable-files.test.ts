import { spawnSync } from 'node:child_process';
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
import { spawnForTest } from '../../../support/process-guard.ts';
import { contentsOf, expectRejected, pageSize, prepareFile, userMigrations } from './file-helpers.ts';

describe('a path that is not a writable file is rejected and stays unchanged:', () => {
  test('a folder', (t) => {
    const folder = join(makeFolder(t), 'user.db');
    mkdirSync(folder);
    expect(expectRejected(folder)).toBe('it is a folder. Name a file in the config');
  });

  test('a pipe', (t) => {
    const file = join(makeFolder(t), 'user.db');
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    expect(expectRejected(file)).toBe('it is not a regular file. Name another file in the config');
  });

  test('a path below a file', (t) => {
    const folder = makeFolder(t);
    writeFileSync(join(folder, 'notes.txt'), 'notes');
    expect(expectRejected(join(folder, 'notes.txt/user.db'), { folder })).toMatch(
      /^a part of its path is a file, not a folder\. /,
    );
  });

  test('a loop of links', (t) => {
    const file = join(makeFolder(t), 'user.db');
    symlinkSync('user.db', file);
    expect(expectRejected(file)).toMatch(/^its path is a loop of links\. /);
  });

  test('a link to a missing file', (t) => {
    const file = join(makeFolder(t), 'user.db');
    symlinkSync('/nowhere/user.db', file);
    expect(expectRejected(file)).toBe(
      `${file} is a link to a missing file. Mount its target, or fix the link`,
    );
  });

  test('a link to a missing folder', (t) => {
    const folder = makeFolder(t);
    symlinkSync('/nowhere', join(folder, 'data'));
    const file = join(folder, 'data/of/user.db');
    expect(expectRejected(file, { folder })).toBe(
      `${join(folder, 'data')} is a link to a missing file. Mount its target, or fix the link`,
    );
  });

  /** Opens a file in a process that is not root, because root has every permission. Returns its error. */
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
    ['a file without write permission', 0o444, 0o777, (file: string) => file],
    ['a file in a folder without write permission', 0o666, 0o555, (file: string) => dirname(file)],
    ['a file without read permission', 0o222, 0o777, (file: string) => file],
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

  test('a new file in a folder without write permission', (t) => {
    const folder = makeFolder(t);
    chmodSync(folder, 0o555);
    t.onTestFinished(() => chmodSync(folder, 0o777));
    expect(openAsNobody(join(folder, 'user.db'))).toMatch(/cannot be accessed \(EACCES\)\. Give this user/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a file that even root cannot change', (t) => {
    const file = prepareFile(t, 'stopped');
    if (spawnSync('chattr', ['+i', file]).status !== 0) t.skip('chattr is not permitted here');
    t.onTestFinished(() => void spawnSync('chattr', ['-i', file]));
    expect(expectRejected(file)).toMatch(/cannot be accessed \(E(PERM|ACCES)\)/);
  });
});

describe('a new database', () => {
  test('appears complete, with no other file beside it', (t) => {
    const file = join(makeFolder(t), 'data/of/ours/user.db');
    openSqlite(file, { migrations: userMigrations }).close();
    expect(readdirSync(dirname(file))).toEqual(['user.db']);
    expect(lstatSync(file).size % pageSize).toBe(0);
    expect(lstatSync(file).size).toBeGreaterThan(pageSize);
  });

  test('that cannot be created leaves no file', (t) => {
    const migrations = makeFolder(t);
    cpSync(userMigrations, migrations, { recursive: true });
    writeFileSync(
      join(migrations, 'sqlite/0000_initial.sql'),
      'CREATE TABLE a (b);--> statement-breakpoint\nNO SQL;',
    );
    const file = join(makeFolder(t), 'user.db');
    expect(expectRejected(file, { migrations: new URL(`file://${migrations}/`) })).toMatch(
      /its migration 0000_initial failed: near "NO": syntax error/,
    );
    expect(readdirSync(dirname(file))).toEqual([]);
  });
});

describe('a database that existed before', () => {
  function prepare(t: TestContext) {
    const folder = makeFolder(t);
    const registry = join(folder, '.databases');
    const file = join(folder, 'data/user.db');
    openSqlite(file, { migrations: userMigrations, knownDatabases: registry }).close();
    return { folder, file, registry };
  }

  test('is in the registry once, however often it is opened', (t) => {
    const { folder, file, registry } = prepare(t);
    openSqlite(file, { migrations: userMigrations, knownDatabases: registry }).close();
    const other = join(folder, 'data/other.db');
    openSqlite(other, { migrations: userMigrations, knownDatabases: registry }).close();
    openSqlite(':memory:', { migrations: userMigrations, knownDatabases: registry }).close();
    expect(readFileSync(registry, 'utf8')).toBe(`${file}\n${other}\n`);
  });

  test.for([
    ['file', (file: string) => rmSync(file)],
    ['folder', (file: string) => rmSync(dirname(file), { recursive: true })],
  ] as const)(
    'is not created again if its %s is missing, unless its registry entry is deleted',
    ([, remove], t) => {
      const { folder, file, registry } = prepare(t);
      remove(file);
      expect(expectRejected(file, { folder, registry })).toBe(
        `the file is missing, although it existed before. Mount its folder, restore a backup, or delete its line in ${registry} to start with a new database`,
      );
      rmSync(registry);
      openSqlite(file, { migrations: userMigrations, knownDatabases: registry }).close();
      expect(existsSync(file)).toBe(true);
    },
  );

  test('is opened if the registry cannot be written, and not created if the registry cannot be read', (t) => {
    const { file } = prepare(t);
    const registry = makeFolder(t);
    openSqlite(file, { migrations: userMigrations, knownDatabases: registry }).close();
    rmSync(file);
    expect(expectRejected(file, { registry })).toBe(
      `${registry}, the list of known databases, cannot be read (EISDIR). Check its permissions`,
    );
  });

  test('gets a complete registry entry after an entry that was cut off', (t) => {
    const { folder, file, registry } = prepare(t);
    writeFileSync(registry, `${file}\n/half a li`);
    const other = join(folder, 'data/other.db');
    openSqlite(other, { migrations: userMigrations, knownDatabases: registry }).close();
    expect(readFileSync(registry, 'utf8').split('\n')).toContain(other);
  });
});

test('a file that appears during the check is not reported as a dangling link', async (t) => {
  const file = join(makeFolder(t), 'user.db');
  const code =
    'const fs = require("fs"); for (;;) { fs.writeFileSync(process.argv[1], ""); fs.rmSync(process.argv[1]); }';
  spawnForTest(t, process.execPath, ['-e', code, file], { stdio: 'ignore' });
  await expect.poll(() => existsSync(file), { interval: 1 }).toBe(true);
  const end = performance.now() + 500;
  while (performance.now() < end) assertNoDanglingLink(file);
});
