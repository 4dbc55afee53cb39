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
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { Pool } from 'undici';
import { describe, expect, type TestContext, test } from 'vitest';
import { createBackup } from '../../../src/framework/database/backup/create.ts';
import { restoreBackup } from '../../../src/framework/database/backup/restore.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { makeFolder, sendRequest } from '../../support/app.ts';
import { root, run, startServer, writeConfig } from '../process/helper.ts';

/** Rounds of backup and restore under load; `.ci/run` takes more. */
const rounds = Number(process.env.BACKUP_ROUNDS ?? 3);

async function runScript(t: TestContext, script: string, ...args: string[]) {
  const running = run(t, process.execPath, [join(root, `scripts/${script}.ts`), ...args]);
  const { code } = await running.ended;
  return { code, output: running.output() };
}

const migrationsOf = (service: string) =>
  new URL(`../../../src/services/${service}/migrations/`, import.meta.url);

/** A config with its databases: a pet, a user, an adoption. */
function prepare(t: TestContext) {
  const { folder, file } = writeConfig(t);
  const data = join(folder, 'data');
  for (const [service, statement] of [
    [
      'pet',
      "INSERT INTO pet (name, species, mood, last_fed, last_interaction) VALUES ('Rex', 'dog', 'happy', 1, 1)",
    ],
    ['user', "INSERT INTO user (name) VALUES ('Alice')"],
    ['user', 'INSERT INTO adoption (user_id, pet_id) VALUES (1, 1)'],
  ] as const) {
    const path = join(data, `${service}.db`);
    void openSqlite(path, { migrations: migrationsOf(service) }).close();
    const client = new Client(path);
    client.exec(statement);
    client.close();
  }
  return { folder, file, data, backup: join(folder, 'backup'), known: join(folder, '.databases') };
}

const databasesIn = (data: string) =>
  ['pet', 'user'].map((service) => ({
    service,
    file: join(data, `${service}.db`),
    migrations: migrationsOf(service),
  }));

function query(file: string, text: string): unknown[] {
  const client = new Client(file, { readonly: true });
  try {
    return client.prepare(text).pluck().all();
  } finally {
    client.close();
  }
}

const bytesOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('latin1')]),
  );

/** Clients that create pets and users and have these adopt those, until they are stopped; what was acknowledged. */
function write(url: string) {
  const done = { pets: new Set<number>(), users: new Set<number>(), adoptions: new Set<string>() };
  const pool = new Pool(url, { connections: 10 });
  let isStopped = false;
  async function post(path: string, body: unknown) {
    const headers = { 'content-type': 'application/json' };
    const answer = await pool.request({ path, method: 'POST', headers, body: JSON.stringify(body) });
    const read = (await answer.body.json()) as { id: number };
    // On a busy machine a call may take too long: then nothing was acknowledged.
    expect([200, 503, 504], JSON.stringify(read)).toContain(answer.statusCode);
    return answer.statusCode === 200 ? read.id : undefined;
  }
  const clients = Array.from({ length: 10 }, async () => {
    while (!isStopped) {
      const pet = await post('/pet/pets/', { name: 'Rex', species: 'dog' });
      const user = await post('/user/users/', { name: 'Alice' });
      if (pet !== undefined) done.pets.add(pet);
      if (user !== undefined) done.users.add(user);
      const isMade = pet !== undefined && user !== undefined;
      if (isMade && (await post(`/user/users/${user}/pets/${pet}`, {})) !== undefined)
        done.adoptions.add(`${user} ${pet}`);
      // A core is left for the backup.
      await sleep(5);
    }
  });
  const ended = Promise.all(clients);
  ended.catch(() => {});
  return {
    done,
    async stop() {
      isStopped = true;
      await ended;
      await pool.destroy();
    },
  };
}

test(`under load, ${rounds} backups each have all that was acknowledged before, agree in themselves, and are restored`, {
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
    // Of one instant: nobody has adopted a pet that is not there.
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

describe('backup', () => {
  test('says what it has copied, and its manifest what is in each file', async (t) => {
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
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(manifest.services.user).toEqual({
      file: 'user.db',
      size: readFileSync(join(backup, 'user.db')).length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      migrations: [hash, hash],
      rows: { user: 1, adoption: 1 },
    });
  });

  test('copies one service where that is said', async (t) => {
    const { file, backup, data } = prepare(t);
    expect((await runScript(t, 'backup', backup, 'user', '--config', file)).code).toBe(0);
    expect(readdirSync(backup).sort()).toEqual(['manifest.json', 'user.db']);
    const before = bytesOf(data)['pet.db'];
    for (const name of readdirSync(data)) if (name.startsWith('user.db')) rmSync(join(data, name));
    const { output } = await runScript(t, 'restore', backup, '--config', file);
    expect(output).toContain(`pet: ${join(data, 'pet.db')} is not in the backup and stays as it is\n`);
    expect(bytesOf(data)['pet.db']).toBe(before);
  });

  test.for<[string, (place: { data: string; backup: string }) => void, RegExp]>([
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
      'a database that is gone',
      ({ data }) => rmSync(join(data, 'user.db')),
      /user\.db: it is not there, so there/,
    ],
    [
      'a database that is damaged',
      ({ data }) => {
        const bytes = readFileSync(join(data, 'user.db'));
        writeFileSync(join(data, 'user.db'), bytes.fill(0xa5, 3 * 4096, 4 * 4096));
      },
      /user\.db: the file is corrupt or truncated\. Restore a backup\n$/,
    ],
  ])('ends with 1 and one line on %s, and leaves what was there', async ([, damage, says], t) => {
    const place = prepare(t);
    damage(place);
    const listFiles = () =>
      existsSync(place.backup)
        ? [statSync(place.backup).isFile() || bytesOf(place.backup), bytesOf(place.data)]
        : bytesOf(place.data);
    const before = listFiles();
    const { code, output } = await runScript(t, 'backup', place.backup, '--config', place.file);
    expect(output).toMatch(says);
    expect(output.trim()).not.toContain('\n');
    expect(code).toBe(1);
    expect(listFiles()).toEqual(before);
  });

  test('of a database whose rows contradict each other is not made, and leaves an empty folder empty', async (t) => {
    const { file, backup, data } = prepare(t);
    const client = new Client(join(data, 'user.db'));
    client.exec('PRAGMA foreign_keys = OFF; INSERT INTO adoption (user_id, pet_id) VALUES (99, 1)');
    client.close();
    mkdirSync(backup);
    const { code, output } = await runScript(t, 'backup', backup, '--config', file);
    expect(output).toMatch(/user\.db: rows of adoption are without their user\n$/);
    expect([code, readdirSync(backup)]).toEqual([1, []]);
  });

  test('of a database whose schema was changed by hand is not made: nobody could restore it', async (t) => {
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

  test('can be read by its owner alone, whatever the umask is', async (t) => {
    const { file, backup, data, folder } = prepare(t);
    expect((await runScript(t, 'backup', backup, '--config', file)).code).toBe(0);
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect(modeOf(backup)).toBe('700');
    for (const name of readdirSync(backup)) expect([name, modeOf(join(backup, name))]).toEqual([name, '600']);
    rmSync(data, { recursive: true });
    await restoreBackup(databasesIn(data), backup, join(folder, '.databases'));
    expect([modeOf(data), modeOf(join(data, 'pet.db'))]).toEqual(['700', '600']);
  });

  test('copies one instant: while one database is waited for, nobody writes any other', async (t) => {
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

  test('that is killed leaves nothing that looks whole', async (t) => {
    const { file, data, backup } = prepare(t);
    const client = new Client(join(data, 'pet.db'));
    client.exec(`INSERT INTO pet (name, species, mood, last_fed, last_interaction)
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT 'Rex' || i, 'dog', 'happy', i, i FROM n`);
    client.close();
    const running = run(t, process.execPath, [join(root, 'scripts/backup.ts'), backup, '--config', file]);
    const copy = join(backup, 'pet.db');
    await expect.poll(() => existsSync(copy), { interval: 1, timeout: 30_000 }).toBe(true);
    running.child.kill('SIGKILL');
    expect((await running.ended).signal).toBe('SIGKILL');
    const { code, output } = await runScript(t, 'restore', backup, '--config', file);
    expect({ code, output }).toEqual({
      code: 1,
      output: `${backup} is not a backup, or not a whole one: it has no manifest.json\n`,
    });
  });
});

describe('restore', () => {
  /** A backup, and the databases that it was made of moved away. */
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

  test('puts back what is missing, its folder included, and the server goes on with it', async (t) => {
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

  const rewrite = (change: (text: string) => string) => (backup: string) => {
    const path = join(backup, 'manifest.json');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  };
  /** Changes the copy of the users, and what the manifest says of its bytes. */
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
  const schema = (how: string) =>
    new RegExp(`user\\.db: its schema is not that of its migrations: ${how}\\. `);
  test.for<[string, (backup: string) => void, RegExp]>([
    [
      'has a trigger',
      forge('CREATE TRIGGER t AFTER INSERT ON user BEGIN DELETE FROM adoption; END'),
      schema('trigger t is not in the migrations'),
    ],
    [
      'has a trigger with a name like ours',
      forge('CREATE TRIGGER __t AFTER INSERT ON user BEGIN DELETE FROM adoption; END'),
      schema('trigger __t is not in the migrations'),
    ],
    [
      'lacks a unique index',
      forge('DROP INDEX adoption_user_pet'),
      schema('index adoption_user_pet is missing'),
    ],
    ['has a column more', forge('ALTER TABLE user ADD COLUMN more TEXT'), schema('table user differs')],
    [
      'has another table of keys',
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
    ['has a manifest that was cut', rewrite((text) => text.slice(0, 99)), /cannot be read: it is no JSON$/],
    [
      'is of another format',
      rewrite((text) => text.replace('"format": 1', '"format": 2')),
      /is not one of this version: \/format/,
    ],
    [
      'would reach out of its folder',
      rewrite((text) => text.replace('"user.db"', '"../user.db"')),
      /is not one of this version: \/services\/user\/file/,
    ],
    [
      'has a service that is not in the config',
      rewrite((text) => text.replace('"user": {', '"toy": {')),
      /^toy is in the backup, but not in the config$/,
    ],
    ['lacks a file', (backup) => rmSync(join(backup, 'user.db')), /user\.db/],
    [
      'has a file that was cut',
      (backup) => truncateSync(join(backup, 'user.db'), 4096),
      /user\.db has another size or SHA-256 than its manifest says$/,
    ],
    [
      'has a byte that has changed',
      (backup) =>
        writeFileSync(join(backup, 'user.db'), readFileSync(join(backup, 'user.db')).fill(1, 9000, 9001)),
      /user\.db has another size or SHA-256 than its manifest says$/,
    ],
    [
      'has the pets for the users',
      (backup) => {
        const path = join(backup, 'manifest.json');
        const manifest = JSON.parse(readFileSync(path, 'utf8'));
        manifest.services.user = manifest.services.pet;
        writeFileSync(path, JSON.stringify(manifest));
      },
      /of a newer version, or of another service/,
    ],
  ])('restores nothing of a backup that %s, and says so in one line', async ([, damage, says], t) => {
    const { file, data, backup } = await prepareBackup(t);
    damage(backup);
    const { code, output } = await runScript(t, 'restore', backup, '--config', file);
    expect(output.trim()).toMatch(says);
    expect(output.trim()).not.toContain('\n');
    expect(code).toBe(1);
    expect(existsSync(data) ? readdirSync(data) : []).toEqual([]);
  });

  test('restores none if one of them appears meanwhile', async (t) => {
    const { data, backup, known } = await prepareBackup(t);
    const restored = restoreBackup(databasesIn(data), backup, known);
    mkdirSync(data, { recursive: true });
    // The restore has checked that there is none.
    writeFileSync(join(data, 'user.db'), 'mine');
    await expect(restored).rejects.toThrow(/EEXIST/);
    expect(bytesOf(data)).toEqual({ 'user.db': 'mine' });
  });

  test('is rejected by a folder in the place of a database', async (t) => {
    const { file, data, backup } = await prepareBackup(t);
    mkdirSync(join(data, 'user.db'), { recursive: true });
    const { code, output } = await runScript(t, 'restore', backup, '--config', file);
    expect(output).toContain(`these files exist: ${join(data, 'user.db')}.`);
    expect(code).toBe(1);
    expect(readdirSync(data)).toEqual(['user.db']);
  });
});

test.for([
  { script: 'backup', args: [], says: 'Missing FOLDER to copy to: see --help\n' },
  {
    script: 'backup',
    args: ['/tmp/x', 'nope'],
    says: 'nope is not a service of config.yaml with a database\n',
  },
  { script: 'backup', args: ['/tmp/x', '--nope'], says: 'Unknown option --nope: see --help\n' },
  {
    script: 'backup',
    args: ['/tmp/x', '--config', '/nowhere.yaml'],
    says: '/nowhere.yaml: there is no such file\n',
  },
  { script: 'restore', args: [], says: 'Missing FOLDER of the backup: see --help\n' },
  { script: 'restore', args: ['/tmp/x', '/tmp/y'], says: 'Unknown argument /tmp/y: see --help\n' },
  { script: 'restore', args: ['/tmp/x', '--nope'], says: 'Unknown option --nope: see --help\n' },
])('$script ends with 2 and one line on $args', async ({ script, args, says }, t) => {
  expect(await runScript(t, script, ...args)).toEqual({ code: 2, output: says });
});

test.for(['backup', 'restore'])('%s --help says how', async (script, t) => {
  const { code, output } = await runScript(t, script, '--help');
  expect(code).toBe(0);
  expect(output).toMatch(new RegExp(`^Usage: ./run.sh ${script} FOLDER`));
});

test('backup refuses a database in memory', async (t) => {
  const { folder, file } = writeConfig(t);
  writeFileSync(file, readFileSync(file, 'utf8').replace('sqlite:data/pet.db', '"sqlite::memory:"'));
  expect(await runScript(t, 'backup', join(folder, 'backup'), '--config', file)).toEqual({
    code: 2,
    output: 'services.pet.database is in memory\n',
  });
});
