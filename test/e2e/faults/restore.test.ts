import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { createBackup } from '../../../src/framework/database/backup/create.ts';
import { restoreBackup } from '../../../src/framework/database/backup/restore.ts';
import { sendRequest } from '../../support/app.ts';
import { startServer } from '../process/helper.ts';
import { bytesOf, databasesIn, prepare, query, runOnSmallDisk, runScript } from './backup-helpers.ts';
import { canMount } from './disk-helpers.ts';

describe('restore', () => {
  /** Creates a backup, and moves its databases away. */
  async function prepareBackup(t: TestContext) {
    const place = prepare(t);
    await createBackup(databasesIn(place.data), place.backup, '0.0.0');
    const old = join(place.folder, 'old');
    renameSync(place.data, old);
    return { ...place, old };
  }

  test('replaces nothing, and names the files to move away', async (t) => {
    const { file, data, old, backup } = await prepareBackup(t);
    renameSync(old, data);
    writeFileSync(join(data, 'user.db-wal'), 'a log');
    const client = new Client(join(data, 'pet.db'));
    client.exec("UPDATE pet SET name = 'Newer'");
    client.close();
    const before = bytesOf(data);
    const files = ['pet.db', 'user.db', 'user.db-wal'].map((name) => join(data, name)).join(', ');
    expect(await runScript(t, 'restore', backup, '--config', file)).toEqual({
      code: 1,
      output: `a restore replaces nothing, and these files exist: ${files}. Stop the server, move them away, and run the restore again\n`,
    });
    expect(bytesOf(data)).toEqual(before);
  });

  test('restores missing databases and their folder, and the server serves them', async (t) => {
    const { file, data, backup } = await prepareBackup(t);
    const { code, output } = await runScript(t, 'restore', backup, '--config', file);
    expect(output).toMatch(
      /^pet: \S+pet\.db restored, rows: pet 1\nuser: \S+user\.db restored, rows: adoption 1, user 1\nrestored from \S+, as of \S+Z, written by \S+\n$/,
    );
    expect(code).toBe(0);
    expect(readdirSync(data).sort()).toEqual(['pet.db', 'user.db']);
    const { url } = await startServer(t, file);
    expect((await sendRequest(`${url}/user/users/1`, 'GET')).body.pets).toMatchObject([
      { id: 1, name: 'Rex' },
    ]);
  });

  test('counts a database that is equal to its copy as restored', async (t) => {
    const { file, data, backup } = await prepareBackup(t);
    mkdirSync(data);
    copyFileSync(join(backup, 'pet.db'), join(data, 'pet.db'));
    const { mtimeMs } = statSync(join(data, 'pet.db'));
    expect((await runScript(t, 'restore', backup, '--config', file)).code).toBe(0);
    expect(statSync(join(data, 'pet.db')).mtimeMs).toBe(mtimeMs);
    expect(query(join(data, 'user.db'), 'SELECT name FROM user')).toEqual(['Alice']);
  });

  test('is rejected while a server has the databases, and the server does not notice', async (t) => {
    const { file, data, old, backup } = await prepareBackup(t);
    renameSync(old, data);
    const { url } = await startServer(t, file);
    expect((await runScript(t, 'restore', backup, '--config', file)).output).toContain('these files exist');
    expect((await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Tom', species: 'cat' })).status).toBe(200);
  });

  test.skipIf(!canMount)('names the disk that is full: that of the databases', async (t) => {
    const { file, data, backup } = await prepareBackup(t);
    mkdirSync(data);
    expect(await runOnSmallDisk(t, data, 'restore', backup, '--config', file)).toEqual({
      code: 1,
      output: `database ${join(data, 'user.db')}: the disk is full. Free some space\n`,
    });
  });

  const rewrite = (change: (text: string) => string) => (backup: string) => {
    const path = join(backup, 'manifest.json');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  };
  /** Changes the copy of the user database, and updates its size and hash in the manifest. */
  const forge = (statements: string) => (backup: string) => {
    const path = join(backup, 'user.db');
    const client = new Client(path);
    client.unsafeMode();
    client.exec(statements);
    client.close();
    const bytes = readFileSync(path);
    const manifest = JSON.parse(readFileSync(join(backup, 'manifest.json'), 'utf8'));
    manifest.services.user.size = bytes.length;
    manifest.services.user.sha256 = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(backup, 'manifest.json'), JSON.stringify(manifest));
  };
  const schema = (difference: string) =>
    new RegExp(`user\\.db: its schema is not that of its migrations: ${difference}\\. `);
  test.for<[string, (backup: string) => void, RegExp]>([
    [
      'has a trigger',
      forge('CREATE TRIGGER t AFTER INSERT ON user BEGIN DELETE FROM adoption; END'),
      schema('trigger t is not in the migrations'),
    ],
    [
      'has a trigger with a name of the framework',
      forge('CREATE TRIGGER __t AFTER INSERT ON user BEGIN DELETE FROM adoption; END'),
      schema('trigger __t is not in the migrations'),
    ],
    [
      'lacks a unique index',
      forge('DROP INDEX adoption_user_pet'),
      schema('index adoption_user_pet is missing'),
    ],
    ['has an extra column', forge('ALTER TABLE user ADD COLUMN more TEXT'), schema('table user differs')],
    [
      'has a different table of idempotency keys',
      forge('ALTER TABLE __idempotency_key ADD COLUMN more TEXT'),
      schema('table __.* differs'),
    ],
    [
      'is in UTF-16',
      (backup) => {
        const path = join(backup, 'user.db');
        const client = new Client(`${path}.other`);
        client.pragma("encoding = 'UTF-16'");
        const old = new Client(path);
        for (const sql of old
          .prepare("SELECT sql FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'")
          .pluck()
          .all() as string[])
          client.exec(sql);
        for (const table of ['__drizzle_migrations', 'user', 'adoption']) {
          for (const row of old.prepare(`SELECT * FROM ${table}`).raw().all() as unknown[][])
            client.prepare(`INSERT INTO ${table} VALUES (${row.map(() => '?')})`).run(...row);
        }
        old.close();
        client.close();
        copyFileSync(`${path}.other`, path);
        forge('')(backup);
      },
      schema('its encoding is not UTF-8'),
    ],
    [
      'has other rows than its manifest says',
      forge("INSERT INTO user (name) VALUES ('Eve')"),
      /user\.db has other rows than its manifest says$/,
    ],
    ['has no manifest', (backup) => rmSync(join(backup, 'manifest.json')), /it has no manifest\.json$/],
    [
      'has a manifest that was truncated',
      rewrite((text) => text.slice(0, 99)),
      /cannot be read: it is not JSON$/,
    ],
    [
      'is of another format',
      rewrite((text) => text.replace('"format": 1', '"format": 2')),
      /is not a manifest of this version: \/format/,
    ],
    [
      'names a file outside of its folder',
      rewrite((text) => text.replace('"user.db"', '"../user.db"')),
      /is not a manifest of this version: \/services\/user\/file/,
    ],
    [
      'has a service that is not in the config',
      rewrite((text) => text.replace('"user": {', '"toy": {')),
      /^toy is in the backup, but not in the config$/,
    ],
    [
      'lacks a file',
      (backup) => rmSync(join(backup, 'user.db')),
      /backup is not a complete backup: it has no user\.db$/,
    ],
    [
      'has a file that was truncated',
      (backup) => truncateSync(join(backup, 'user.db'), 4096),
      /user\.db has another size or SHA-256 than its manifest says$/,
    ],
    [
      'has a changed byte',
      (backup) =>
        writeFileSync(join(backup, 'user.db'), readFileSync(join(backup, 'user.db')).fill(1, 9000, 9001)),
      /user\.db has another size or SHA-256 than its manifest says$/,
    ],
    [
      'has the pet database as that of the user service',
      (backup) => {
        const path = join(backup, 'manifest.json');
        const manifest = JSON.parse(readFileSync(path, 'utf8'));
        manifest.services.user = manifest.services.pet;
        writeFileSync(path, JSON.stringify(manifest));
      },
      / to a newer version or to another service/,
    ],
  ])('rejects a backup that %s, with one line', async ([, damage, message], t) => {
    const { file, data, backup } = await prepareBackup(t);
    damage(backup);
    const { code, output } = await runScript(t, 'restore', backup, '--config', file);
    expect(output.trim()).toMatch(message);
    expect(output.trim()).not.toContain('\n');
    expect(code).toBe(1);
    expect(existsSync(data) ? readdirSync(data) : []).toEqual([]);
  });

  test('restores no database if one of them appears meanwhile', async (t) => {
    const { data, backup, known } = await prepareBackup(t);
    const restored = restoreBackup(databasesIn(data), backup, known);
    mkdirSync(data, { recursive: true });
    // The restore has already checked that none exists.
    writeFileSync(join(data, 'user.db'), 'mine');
    await expect(restored).rejects.toThrow(/EEXIST/);
    expect(bytesOf(data)).toEqual({ 'user.db': 'mine' });
  });

  test('is rejected if a folder is at the path of a database', async (t) => {
    const { file, data, backup } = await prepareBackup(t);
    mkdirSync(join(data, 'user.db'), { recursive: true });
    const { code, output } = await runScript(t, 'restore', backup, '--config', file);
    expect(output).toContain(`these files exist: ${join(data, 'user.db')}.`);
    expect(code).toBe(1);
    expect(readdirSync(data)).toEqual(['user.db']);
  });
});
