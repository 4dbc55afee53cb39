import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { openSqlite } from '../../../../src/framework/database/sqlite/open.ts';
import { makeWorkFolder, removeLeftFolders } from '../../../../src/framework/database/sqlite/work-folder.ts';
import { makeFolder } from '../../../support/app.ts';
import { spawnForTest } from '../../../support/process-guard.ts';

const host = hostname().replace(/[^\w.]/g, '_');

/** Creates a database and the work folder of a killed process. `owner` is the part of the name for that process. */
function prepare(t: TestContext, owner: string) {
  const file = join(makeFolder(t), 'pet.db');
  openSqlite(file).close();
  const left = `${file}.look-${owner}-a1B2c3`;
  mkdirSync(left);
  linkSync(file, join(left, 'db'));
  return { file, left };
}

/** The id of a process that has ended. */
const deadPid = () => spawnSync('true').pid;

test('a start removes the work folders of killed processes, with the links in them', (t) => {
  const { file } = prepare(t, `${host}-${deadPid()}`);
  mkdirSync(`${file}.new-${host}-${deadPid()}-a1B2c3`);
  expect(statSync(file).nlink).toBe(2);
  openSqlite(file).close();
  expect(readdirSync(dirname(file))).toEqual(['pet.db']);
  expect(statSync(file).nlink).toBe(1);
});

test('a start keeps the work folder of a running process', async (t) => {
  const child = spawnForTest(t, 'sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const { file, left } = prepare(t, `${host}-${child.pid}`);
  openSqlite(file).close();
  expect(existsSync(left)).toBe(true);
});

test.for([`elsewhere-${deadPid()}`, 'x'])(
  'a work folder of %s, an unknown process, is removed when it is an hour old',
  (owner, t) => {
    const { file, left } = prepare(t, owner);
    openSqlite(file).close();
    expect(existsSync(left)).toBe(true);
    const before = (Date.now() - 61 * 60 * 1000) / 1000;
    utimesSync(left, before, before);
    openSqlite(file).close();
    expect(existsSync(left)).toBe(false);
  },
);

test('other files beside a database are not removed', (t) => {
  const { file } = prepare(t, `${host}-${deadPid()}`);
  const others = [
    'other.db',
    'pet.db.look',
    'pet.db.looked-1-2-a1B2c3',
    'pet.db.new-notes',
    'pet.db2.look-h-1-a1B2c3',
  ];
  for (const name of others) writeFileSync(join(dirname(file), name), '');
  const restore = `pet.db.restore-${host}-${deadPid()}-a1B2c3`;
  mkdirSync(join(dirname(file), restore));
  openSqlite(file).close();
  expect(readdirSync(dirname(file)).sort()).toEqual(['pet.db', ...others, restore].sort());
});

test('processes that start at the same time remove the left work folders, and all of them start', async (t) => {
  const { file } = prepare(t, `${host}-${deadPid()}`);
  const pid = deadPid();
  for (let index = 100; index < 300; index += 1) {
    const left = `${file}.look-${host}-${pid}-a1B${index}`;
    mkdirSync(left);
    linkSync(file, join(left, 'db'));
  }
  const script = `
    import { openSqlite } from ${JSON.stringify(new URL('../../../../src/framework/database/sqlite/open.ts', import.meta.url))};
    process.once('disconnect', () => openSqlite(${JSON.stringify(file)}).close());
    process.send('ready');`;
  const children = Array.from({ length: 4 }, () =>
    spawnForTest(t, process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  const ends = children.map(async (child) => (await once(child, 'exit'))[0]);
  for (const child of children) child.disconnect();
  expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
  // SQLite keeps the log and its index if two processes close the database at the same time.
  expect(readdirSync(dirname(file)).filter((name) => !/-(wal|shm)$/.test(name))).toEqual(['pet.db']);
});

test('a work folder has the id of its process, and only its user has access', (t) => {
  const file = join(makeFolder(t), 'pet.db');
  const folder = makeWorkFolder(file, 'look');
  expect(folder.startsWith(`${file}.look-${host}-${process.pid}-`)).toBe(true);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  removeLeftFolders(file, ['new']);
  expect(existsSync(folder)).toBe(true);
});

test('only the owner has access to a database, its log, its index and its new folders', (t) => {
  const file = join(makeFolder(t), 'data/of/ours/pet.db');
  const database = openSqlite(file);
  t.onTestFinished(() => database.close());
  const modes = (paths: string[]) => paths.map((path) => (statSync(path).mode & 0o777).toString(8));
  expect(modes(['', '-wal', '-shm'].map((end) => `${file}${end}`))).toEqual(['600', '600', '600']);
  expect(modes([dirname(file), join(file, '../..')])).toEqual(['700', '700']);
});
