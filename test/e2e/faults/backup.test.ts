import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { restoreBackup } from '../../../src/framework/database/backup/restore.ts';
import { readMigrations } from '../../../src/framework/database/migration-files.ts';
import { makeFolder, sendRequest } from '../../support/app.ts';
import { root, startProcess, startServer, writeConfig } from '../process/helper.ts';
import {
  bytesOf,
  databasesIn,
  migrationsOf,
  prepare,
  query,
  rounds,
  runOnSmallDisk,
  runScript,
  write,
} from './backup-helpers.ts';
import { canMount } from './disk-helpers.ts';

test(`under load, ${rounds} backups have all earlier acknowledged writes, are consistent, and can be restored`, {
  timeout: 60_000 + rounds * 40_000,
}, async (t) => {
  const { file } = writeConfig(t);
  const { url, child, ended } = await startServer(t, file);
  const load = write(url);
  await expect.poll(() => load.done.adoptions.size, { interval: 5, timeout: 30_000 }).toBeGreaterThan(50);
  const { folder: other, file: otherConfig } = writeConfig(t);
  const [pets, users] = [join(other, 'data/pet.db'), join(other, 'data/user.db')];
  let last = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const before = {
      pets: [...load.done.pets],
      users: [...load.done.users],
      adoptions: [...load.done.adoptions],
    };
    expect(before.pets.length, 'the load goes on').toBeGreaterThan(last);
    last = before.pets.length;
    const backup = join(makeFolder(t), `round ${round}`);
    const made = await runScript(t, 'backup', backup, '--config', file);
    expect(made, made.output).toMatchObject({ code: 0 });
    expect(readdirSync(backup).sort()).toEqual(['manifest.json', 'pet.db', 'user.db']);
    rmSync(join(other, 'data'), { recursive: true, force: true });
    await restoreBackup(databasesIn(join(other, 'data')), backup, join(other, '.databases'));

    for (const database of [pets, users]) {
      expect(query(database, 'PRAGMA integrity_check')).toEqual(['ok']);
      expect(query(database, 'PRAGMA foreign_key_check')).toEqual([]);
    }
    const has = (database: string, text: string) => new Set(query(database, text));
    const restored = {
      pets: has(pets, 'SELECT id FROM pet'),
      users: has(users, 'SELECT id FROM user'),
      adoptions: has(users, "SELECT user_id || ' ' || pet_id FROM adoption"),
    };
    expect(before.pets.filter((id) => !restored.pets.has(id))).toEqual([]);
    expect(before.users.filter((id) => !restored.users.has(id))).toEqual([]);
    expect(before.adoptions.filter((pair) => !restored.adoptions.has(pair))).toEqual([]);
    // The copies are of one point in time, so every adopted pet exists.
    const adopted = query(users, 'SELECT DISTINCT pet_id FROM adoption');
    expect(adopted.filter((id) => !restored.pets.has(id))).toEqual([]);
    expect(readdirSync(join(other, 'data')).sort()).toEqual(['pet.db', 'user.db']);
  }
  await load.stop();
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);

  const again = await startServer(t, otherConfig);
  const [user, pet] = String(query(users, "SELECT user_id || ' ' || pet_id FROM adoption LIMIT 1")[0]).split(
    ' ',
  );
  const { body } = await sendRequest(`${again.url}/user/users/${user}`, 'GET');
  expect(body.pets.map(({ id }: { id: number }) => String(id))).toContain(pet);
});

/** Adds an adoption that its index does not have, as a defect of a disk may leave it. */
function addBehindIndex(file: string): void {
  const change = (...statements: string[]) => {
    const client = new Client(file).unsafeMode();
    client.pragma('writable_schema = ON');
    for (const statement of statements) client.exec(statement);
    client.close();
  };
  const index = "name = 'adoption_user_pet'";
  change(
    `CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE ${index}`,
    `DELETE FROM sqlite_schema WHERE ${index}`,
  );
  change(
    'INSERT INTO adoption (user_id, pet_id) VALUES (1, 2)',
    'INSERT INTO sqlite_schema SELECT * FROM kept',
  );
  change('DROP TABLE kept');
}

describe('backup', () => {
  test('prints the copied databases, and writes a manifest of each file', async (t) => {
    const { file, backup, data } = prepare(t);
    const before = bytesOf(data);
    const { code, output } = await runScript(t, 'backup', backup, '--config', file);
    expect(output).toMatch(
      /^pet: \d+ bytes, rows: pet 1\nuser: \d+ bytes, rows: adoption 1, user 1\nbacked up to .*backup, as of 2\d{3}-.*Z\n$/,
    );
    expect(code).toBe(0);
    expect(bytesOf(data)).toEqual(before);
    const manifest = JSON.parse(readFileSync(join(backup, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ format: 1, version: expect.stringMatching(/^\d/) });
    expect(manifest.services.user).toEqual({
      file: 'user.db',
      size: readFileSync(join(backup, 'user.db')).length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      migrations: readMigrations(migrationsOf('user'), 'sqlite').map(({ hash }) => hash),
      rows: { user: 1, adoption: 1 },
    });
  });

  test('copies only the named service', async (t) => {
    const { file, backup, data } = prepare(t);
    expect((await runScript(t, 'backup', backup, 'user', '--config', file)).code).toBe(0);
    expect(readdirSync(backup).sort()).toEqual(['manifest.json', 'user.db']);
    const before = bytesOf(data)['pet.db'];
    for (const name of readdirSync(data)) if (name.startsWith('user.db')) rmSync(join(data, name));
    const { output } = await runScript(t, 'restore', backup, '--config', file);
    expect(output).toContain(`pet: ${join(data, 'pet.db')} is not in the backup and stays as it is\n`);
    expect(bytesOf(data)['pet.db']).toBe(before);
  });

  test.for<[string, (paths: { data: string; backup: string }) => void, RegExp]>([
    [
      'a folder that is not empty',
      ({ backup }) => {
        mkdirSync(backup);
        writeFileSync(join(backup, 'notes'), 'mine');
      },
      /^\S+backup is not empty: name a folder that is new or empty\n$/,
    ],
    ['a file', ({ backup }) => writeFileSync(backup, 'mine'), /^\S+backup is a file: name a folder/],
    [
      'a missing database',
      ({ data }) => rmSync(join(data, 'user.db')),
      /user\.db: the file is missing: there is nothing to back up/,
    ],
    [
      'a damaged database',
      ({ data }) => {
        const bytes = readFileSync(join(data, 'user.db'));
        writeFileSync(join(data, 'user.db'), bytes.fill(0xa5, 3 * 4096, 4 * 4096));
      },
      /user\.db: the file is corrupt or truncated\. Restore a backup\n$/,
    ],
    [
      'a database whose index lacks a row, which a start does not notice',
      ({ data }) => addBehindIndex(join(data, 'user.db')),
      /user\.db: the file is corrupt or truncated\. Restore a backup\n$/,
    ],
  ])('ends with 1 and one line on %s, and changes no file', async ([, damage, message], t) => {
    const paths = prepare(t);
    damage(paths);
    const listFiles = () =>
      existsSync(paths.backup)
        ? [statSync(paths.backup).isFile() || bytesOf(paths.backup), bytesOf(paths.data)]
        : bytesOf(paths.data);
    const before = listFiles();
    const { code, output } = await runScript(t, 'backup', paths.backup, '--config', paths.file);
    expect(output).toMatch(message);
    expect(output.trim()).not.toContain('\n');
    expect(code).toBe(1);
    expect(listFiles()).toEqual(before);
  });

  test('to a folder that another backup has claimed is rejected, and the other one is complete', async (t) => {
    const { file, backup, data, folder } = prepare(t);
    const lock = new Client(join(data, 'pet.db'));
    lock.exec('BEGIN IMMEDIATE');
    // The first process claims the folder, and waits for the lock until the second one has ended.
    const both = [0, 1].map(() => runScript(t, 'backup', backup, '--config', file));
    const rejected = await Promise.race(both);
    lock.close();
    expect(rejected).toEqual({
      code: 1,
      output: `${backup} is not empty: name a folder that is new or empty\n`,
    });
    expect((await Promise.all(both)).map(({ code }) => code).sort()).toEqual([0, 1]);
    rmSync(data, { recursive: true });
    await restoreBackup(databasesIn(data), backup, join(folder, '.databases'));
  });

  test.skipIf(!canMount)('names the disk that is full: that of the folder', async (t) => {
    const { file, folder } = prepare(t);
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    expect(await runOnSmallDisk(t, disk, 'backup', join(disk, 'backup'), '--config', file)).toEqual({
      code: 1,
      output: `database ${join(disk, 'backup/user.db')}: the disk is full. Free some space\n`,
    });
  });

  test('rejects a database with broken references, and leaves the folder empty', async (t) => {
    const { file, backup, data } = prepare(t);
    const client = new Client(join(data, 'user.db'));
    client.exec('PRAGMA foreign_keys = OFF; INSERT INTO adoption (user_id, pet_id) VALUES (99, 1)');
    client.close();
    mkdirSync(backup);
    const { code, output } = await runScript(t, 'backup', backup, '--config', file);
    expect(output).toMatch(/user\.db: rows of adoption refer to missing rows of user\n$/);
    expect([code, readdirSync(backup)]).toEqual([1, []]);
  });

  test('rejects a database whose schema was changed by hand, because it could not be restored', async (t) => {
    const { file, backup, data } = prepare(t);
    const client = new Client(join(data, 'user.db'));
    client.exec('CREATE INDEX mine ON user (name)');
    client.close();
    const { code, output } = await runScript(t, 'backup', backup, '--config', file);
    expect(output).toMatch(
      /user\.db: its schema is not that of its migrations: index mine is not in the migrations\. /,
    );
    expect([code, existsSync(backup)]).toEqual([1, false]);
  });

  test('is readable only by its owner, with any umask', async (t) => {
    const { file, backup, data, folder } = prepare(t);
    expect((await runScript(t, 'backup', backup, '--config', file)).code).toBe(0);
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect(modeOf(backup)).toBe('700');
    for (const name of readdirSync(backup)) expect([name, modeOf(join(backup, name))]).toEqual([name, '600']);
    rmSync(data, { recursive: true });
    await restoreBackup(databasesIn(data), backup, join(folder, '.databases'));
    expect([modeOf(data), modeOf(join(data, 'pet.db'))]).toEqual(['700', '600']);
  });

  test('copies one point in time: it locks all databases while it waits for one of them', async (t) => {
    const { file, backup, data } = prepare(t);
    const [pets, users] = ['pet.db', 'user.db'].map(
      (name) => new Client(join(data, name), { timeout: 0 }),
    ) as [Client.Database, Client.Database];
    t.onTestFinished(() => void [pets.close(), users.close()]);
    users.exec('BEGIN IMMEDIATE; INSERT INTO adoption (user_id, pet_id) VALUES (1, 2)');
    const backedUp = runScript(t, 'backup', backup, '--config', file);
    const isLocked = () => {
      try {
        pets.exec('BEGIN IMMEDIATE; ROLLBACK');
        return false;
      } catch {
        return true;
      }
    };
    await expect.poll(isLocked, { interval: 5, timeout: 30_000 }).toBe(true);
    users.exec('COMMIT');
    expect((await backedUp).code).toBe(0);
    expect(isLocked()).toBe(false);
    expect(query(join(backup, 'user.db'), 'SELECT pet_id FROM adoption')).toEqual([1, 2]);
  });

  test('leaves no complete backup when it is killed', async (t) => {
    const { file, data, backup } = prepare(t);
    const client = new Client(join(data, 'pet.db'));
    client.exec(`INSERT INTO pet (name, species, mood, last_fed, last_interaction)
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT 'Rex' || i, 'dog', 'happy', i, i FROM n`);
    client.close();
    const running = startProcess(t, process.execPath, [
      join(root, 'scripts/backup.ts'),
      backup,
      '--config',
      file,
    ]);
    const copy = join(backup, 'pet.db');
    await expect.poll(() => existsSync(copy), { interval: 1, timeout: 30_000 }).toBe(true);
    running.child.kill('SIGKILL');
    expect((await running.ended).signal).toBe('SIGKILL');
    const { code, output } = await runScript(t, 'restore', backup, '--config', file);
    expect({ code, output }).toEqual({
      code: 1,
      output: `${backup} is not a complete backup: it has no manifest.json\n`,
    });
  });
});

test.for([
  { script: 'backup', args: [], message: 'Missing FOLDER to copy to: see --help\n' },
  {
    script: 'backup',
    args: ['/tmp/x', 'nope'],
    message: 'nope is not a service of config.yaml with a database\n',
  },
  { script: 'backup', args: ['/tmp/x', '--nope'], message: 'Unknown option --nope: see --help\n' },
  {
    script: 'backup',
    args: ['/tmp/x', '--config', '/nowhere.yaml'],
    message: '/nowhere.yaml: there is no such file\n',
  },
  { script: 'restore', args: [], message: 'Missing FOLDER of the backup: see --help\n' },
  { script: 'restore', args: ['/nowhere'], message: '/nowhere: there is no such folder\n' },
  { script: 'restore', args: ['/tmp/x', '/tmp/y'], message: 'Unknown argument /tmp/y: see --help\n' },
  { script: 'restore', args: ['/tmp/x', '--nope'], message: 'Unknown option --nope: see --help\n' },
])('$script ends with 2 and one line on $args', async ({ script, args, message }, t) => {
  expect(await runScript(t, script, ...args)).toEqual({ code: 2, output: message });
});

test.for(['backup', 'restore'])('%s --help prints the usage', async (script, t) => {
  const { code, output } = await runScript(t, script, '--help');
  expect(code).toBe(0);
  expect(output).toMatch(new RegExp(`^Usage: ./run.sh ${script} FOLDER`));
});

test('backup rejects a database in memory', async (t) => {
  const { folder, file } = writeConfig(t);
  writeFileSync(file, readFileSync(file, 'utf8').replace('sqlite:data/pet.db', '"sqlite::memory:"'));
  expect(await runScript(t, 'backup', join(folder, 'backup'), '--config', file)).toEqual({
    code: 2,
    output: 'services.pet.database is in memory\n',
  });
});
