import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import pg from 'pg';
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { openFeedStore } from '../../../src/framework/events/feed-store.ts';
import { createPostgresDatabase, queryPostgres } from '../../support/postgres-query.ts';
import { findDebianPostgres, type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { fakeCommand, pathWith, root, startProcess, startServer, writeConfig } from '../process/helper.ts';
import { migrationsOf, query, runScript, write } from './backup-helpers.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Debian's package has pg_dump; that of npm has not. */
const bin = findDebianPostgres();
let server: PostgresServer | undefined;
beforeAll(async () => {
  if (bin === undefined) return;
  server = await startPostgres({ bin });
  process.env.PATH = `${bin}:${process.env.PATH}`;
});
afterAll(() => server?.stop());

async function createDatabase(t: TestContext): Promise<string> {
  if (server === undefined) return t.skip("Debian's PostgreSQL with pg_dump is not installed");
  return createPostgresDatabase(server);
}

/** A config whose services are in these databases. */
function configure(t: TestContext, pet: string, user: string) {
  const { folder, file } = writeConfig(t);
  const text = readFileSync(file, 'utf8')
    .replace('sqlite:data/pet.db', `"${pet}"`)
    .replace('sqlite:data/user.db', `"${user}"`);
  writeFileSync(file, text);
  return { folder, file, backup: join(folder, 'backup') };
}

const listPets = async (url: string) =>
  (await queryPostgres(url, 'SELECT id FROM pet.pet')).map(([id]) => Number(id));

test('a backup under load agrees in itself, and is restored with its ids', async (t) => {
  const url = await createDatabase(t);
  const { file, backup } = configure(t, url, url);
  const app = await startServer(t, file);
  const load = write(app.url);
  await expect.poll(() => load.done.adoptions.size, { timeout: 30_000 }).toBeGreaterThan(20);
  const before = { pets: [...load.done.pets], users: [...load.done.users] };
  const made = await runScript(t, 'backup', backup, '--config', file);
  await sleep(200);
  await load.stop();
  expect(made.output).toMatch(
    /^pet: \d+ bytes, rows: pet \d+\nuser: \d+ bytes, rows: adoption \d+, user \d+\n/,
  );
  expect(made.code).toBe(0);
  expect(readdirSync(backup).sort()).toEqual(['manifest.json', 'pet.dump', 'user.dump']);
  for (const name of readdirSync(backup)) expect(statSync(join(backup, name)).mode & 0o777, name).toBe(0o600);

  const other = await createDatabase(t);
  const place = configure(t, other, other);
  const restored = await runScript(t, 'restore', backup, '--config', place.file);
  expect(restored.output).toMatch(/^pet: postgres:.* restored, rows: pet \d+\n/);
  expect(restored.code).toBe(0);
  const pets = new Set(await listPets(other));
  expect(before.pets.filter((id) => !pets.has(id))).toEqual([]);
  const adopted = await queryPostgres(other, 'SELECT pet_id FROM "user".adoption');
  expect(adopted.filter(([id]) => !pets.has(Number(id)))).toEqual([]);
  expect((await queryPostgres(other, 'SELECT id FROM "user"."user"')).length).toBeGreaterThanOrEqual(
    before.users.length,
  );
  const again = await startServer(t, place.file);
  const response = await fetch(`${again.url}/pet/pets/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"Next","species":"dog"}',
  });
  expect(((await response.json()) as { id: number }).id).toBeGreaterThan(Math.max(...pets));
});

/** A backup of one pet in PostgreSQL and a user who adopted it in SQLite. */
async function backUpMixed(t: TestContext) {
  const url = await createDatabase(t);
  const place = configure(t, url, 'sqlite:data/user.db');
  const app = await startServer(t, place.file);
  const load = write(app.url);
  await expect.poll(() => load.done.adoptions.size, { timeout: 30_000 }).toBeGreaterThan(0);
  const made = await runScript(t, 'backup', place.backup, '--config', place.file);
  await load.stop();
  app.child.kill('SIGTERM');
  await app.ended;
  expect(made.code, made.output).toBe(0);
  return { url, ...place };
}

test('services in both databases are backed up together; a restore replaces nothing and can be repeated', async (t) => {
  const { url, file, backup } = await backUpMixed(t);
  expect(readdirSync(backup).sort()).toEqual(['manifest.json', 'pet.dump', 'user.db']);
  const refused = await runScript(t, 'restore', backup, '--config', file);
  expect(refused.code).toBe(1);
  expect(refused.output).toContain('a restore replaces nothing, and these files exist');

  const other = await createDatabase(t);
  const place = configure(t, other, 'sqlite:data/user.db');
  for (let round = 0; round < 2; round += 1) {
    expect((await runScript(t, 'restore', backup, '--config', place.file)).code).toBe(0);
    expect((await queryPostgres(other, 'SELECT is_copy FROM pet.__feed')).map(Number)).toEqual([1]);
  }
  const pets = await listPets(other);
  const adopted = query(join(place.folder, 'data/user.db'), 'SELECT pet_id FROM adoption') as number[];
  expect(adopted.filter((id) => !pets.includes(id))).toEqual([]);
  expect(adopted.length).toBeGreaterThan(0);

  await queryPostgres(other, "UPDATE pet.pet SET name = 'changed' WHERE id = 1");
  const changed = await runScript(t, 'restore', backup, '--config', place.file);
  expect(changed).toEqual({
    code: 1,
    output: `a restore replaces nothing, and the schema pet of pet exists. Stop the server, rename it (ALTER SCHEMA … RENAME TO …) or drop it, and run the restore again\n`,
  });
  expect(await listPets(url)).toEqual(expect.arrayContaining(pets));
});

/** A feed in which `first` has an id and is not committed yet, and `second` is committed. */
async function openUnsettledFeed(t: TestContext) {
  const url = await createDatabase(t);
  const place = configure(t, url, 'sqlite:data/user.db');
  const { database, store } = await openFeed(t, url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  t.onTestFinished(() => client.end());
  await client.query('BEGIN');
  await client.query("INSERT INTO pet.__event (type, subject, time, data) VALUES ('first', '1', 1, '{}')");
  const event = { type: 'second', subject: '2', time: 2, data: '{}', traceparent: null };
  await database.write(async () => store.append(event));
  return { url, ...place, store, commit: () => client.query('COMMIT') };
}

async function openFeed(t: TestContext, url: string) {
  const database = await openDatabase(url, { migrations: migrationsOf('pet'), service: 'pet' });
  t.onTestFinished(() => database.close());
  return { database, store: await openFeedStore(database) };
}

const waitingForEvents = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'pet.__event'::regclass";

type Store = Awaited<ReturnType<typeof openFeedStore>>;
async function listEvents(store: Store) {
  await store.assignPositions();
  return (await store.read(0, 10, undefined)).map(({ position, type }) => `${position} ${type}`);
}

async function restoreFeed(t: TestContext, backup: string) {
  const other = await createDatabase(t);
  const place = configure(t, other, 'sqlite:data/user.db');
  const restored = await runScript(t, 'restore', backup, '--config', place.file);
  expect(restored.code, restored.output).toBe(0);
  return (await openFeed(t, other)).store;
}

test('a backup waits for events that are not committed, so the restored history has the same positions', async (t) => {
  const { url, file, backup, store, commit } = await openUnsettledFeed(t);
  const making = runScript(t, 'backup', backup, 'pet', '--config', file);
  await expect.poll(() => queryPostgres(url, waitingForEvents), { interval: 20 }).toHaveLength(1);
  await commit();
  const made = await making;
  expect(made.code, made.output).toBe(0);
  const lost = await listEvents(store);
  const { epoch } = await store.readState();
  const restored = await restoreFeed(t, backup);
  expect(await listEvents(restored)).toEqual(lost);
  const state = await restored.readState();
  for (const number of [0, 1, 2])
    expect(await restored.findInvalid({ epoch, number }, state)).toBeUndefined();
  expect(await restored.findInvalid({ epoch, number: 3 }, state)).toEqual({ reason: 'rewound', shared: 2 });
});

test('while a backup waits for events in PostgreSQL, a service in SQLite can write', async (t) => {
  const { url, file, folder, backup, commit } = await openUnsettledFeed(t);
  await runScript(t, 'migrate', 'apply', 'user', '--config', file);
  const making = runScript(t, 'backup', backup, '--config', file);
  await expect.poll(() => queryPostgres(url, waitingForEvents), { interval: 20 }).toHaveLength(1);
  const client = new Client(join(folder, 'data/user.db'), { timeout: 0 });
  t.onTestFinished(() => void client.close());
  client.exec("INSERT INTO user (name) VALUES ('Alice')");
  await commit();
  const made = await making;
  expect(made.code, made.output).toBe(0);
  expect(query(join(backup, 'user.db'), 'SELECT name FROM user')).toEqual(['Alice']);
});

test('while a backup waits for a file, a service in PostgreSQL can emit events', async (t) => {
  const url = await createDatabase(t);
  const { file, folder, backup } = configure(t, url, 'sqlite:data/user.db');
  for (const service of ['pet', 'user']) await runScript(t, 'migrate', 'apply', service, '--config', file);
  const client = new Client(join(folder, 'data/user.db'));
  client.exec('BEGIN IMMEDIATE');
  const making = runScript(t, 'backup', backup, '--config', file);
  const locked = "SELECT 1 FROM pg_locks WHERE mode = 'ShareLock' AND relation = 'pet.__event'::regclass";
  await expect.poll(() => queryPostgres(url, locked), { interval: 5 }).not.toHaveLength(0);
  // A try of the backup holds the lock for some ms.
  const emit = "INSERT INTO pet.__event (type, subject, time, data) VALUES ('first', '1', 1, '{}')";
  for (let left = 3; left > 0; left -= 1) await queryPostgres(`${url}?lock_timeout=1000`, emit);
  client.close();
  const made = await making;
  expect(made.code, made.output).toBe(0);
});

test('after a backup during a long transaction the histories share only the positions of the backup', async (t) => {
  const { file, backup, store, commit } = await openUnsettledFeed(t);
  const made = await runScript(t, 'backup', backup, 'pet', '--config', file);
  expect(made.code, made.output).toBe(0);
  await commit();
  expect(await listEvents(store)).toEqual(['1 first', '2 second']);
  const { epoch } = await store.readState();
  const restored = await restoreFeed(t, backup);
  expect(await listEvents(restored)).toEqual(['1 second']);
  const state = await restored.readState();
  // A consumer that has handled only `first` must not skip `second`.
  expect(await restored.findInvalid({ epoch, number: 1 }, state)).toEqual({ reason: 'rewound', shared: 0 });
});

test('an archive that was changed, and one of another kind of database, are refused', async (t) => {
  const { backup } = await backUpMixed(t);
  const other = await createDatabase(t);
  const place = configure(t, 'sqlite:data/pet.db', 'sqlite:data/user.db');
  expect(await runScript(t, 'restore', backup, '--config', place.file)).toEqual({
    code: 1,
    output:
      'pet was in PostgreSQL when it was backed up, and the config names SQLite. Restore it to PostgreSQL, then run "./run.sh migrate copy pet"\n',
  });
  appendFileSync(join(backup, 'pet.dump'), 'x');
  const config = configure(t, other, 'sqlite:data/user.db');
  const { code, output } = await runScript(t, 'restore', backup, '--config', config.file);
  expect(output).toBe(`${join(backup, 'pet.dump')} has another size or SHA-256 than its manifest says\n`);
  expect(code).toBe(1);
  expect(await queryPostgres(other, "SELECT 1 FROM pg_namespace WHERE nspname = 'pet'")).toEqual([]);
});

test('a restore that is killed leaves no schema that is not marked as a copy', async (t) => {
  const { backup } = await backUpMixed(t);
  const other = await createDatabase(t);
  const place = configure(t, other, 'sqlite:data/user.db');
  const reached = join(place.folder, 'reached');
  const slow = fakeCommand(
    t,
    'pg_restore',
    `"${bin}/pg_restore" "$@" || exit; [ "$1" = --list ] || { touch "${reached}"; sleep 3; }`,
  );
  const args = [join(root, 'scripts/restore.ts'), backup, '--config', place.file];
  const running = startProcess(t, process.execPath, args, { env: { PATH: pathWith(slow) } });
  await expect.poll(() => existsSync(reached), { interval: 10 }).toBe(true);
  running.child.kill('SIGKILL');
  await running.ended;
  const restoring =
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^(psql|pg_restore)'";
  await expect.poll(() => queryPostgres(other, restoring)).toEqual([]);
  expect(await queryPostgres(other, "SELECT 1 FROM pg_namespace WHERE nspname = 'pet'")).toEqual([]);
  expect((await runScript(t, 'restore', backup, '--config', place.file)).code).toBe(0);
});

test('a schema that cannot be read or created is one line with the reason', async (t) => {
  const { backup } = await backUpMixed(t);
  const other = await createDatabase(t);
  await queryPostgres(
    other,
    'CREATE ROLE reader LOGIN; CREATE SCHEMA pet; CREATE TABLE pet.pet (id bigint); GRANT USAGE ON SCHEMA pet TO reader',
  );
  t.onTestFinished(async () => void (await queryPostgres(other, 'DROP OWNED BY reader; DROP ROLE reader')));
  const place = configure(t, other.replace('postgres@', 'reader@'), 'sqlite:data/user.db');
  const { code, output } = await runScript(t, 'restore', backup, '--config', place.file);
  expect(output).toContain('permission denied for table pet');
  expect(code).toBe(1);
  await queryPostgres(other, 'DROP SCHEMA pet CASCADE');
  const denied = await runScript(t, 'restore', backup, '--config', place.file);
  expect(denied.output).toMatch(/^pet: ERROR: {2}permission denied for database \w+\n$/);
  expect(denied.code).toBe(1);
});

test('a restored schema is marked as a copy before its rows are compared with the manifest', async (t) => {
  const { backup } = await backUpMixed(t);
  const other = await createDatabase(t);
  const place = configure(t, other, 'sqlite:data/user.db');
  const manifest = join(backup, 'manifest.json');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/("rows": \{\s*"pet": )/, '$19'));
  expect(await runScript(t, 'restore', backup, '--config', place.file)).toEqual({
    code: 1,
    output:
      'pet: the restored schema has other rows than the manifest says. Drop it, and restore another backup\n',
  });
  expect((await queryPostgres(other, 'SELECT is_copy FROM pet.__feed')).map(Number)).toEqual([1]);
});

test('parameters with spaces reach pg_dump', async (t) => {
  const url = `${await createDatabase(t)}?options=-c%20work_mem%3D5MB`;
  const { file, backup } = configure(t, url, 'sqlite:data/user.db');
  await runScript(t, 'migrate', 'apply', 'pet', '--config', file);
  const { code, output } = await runScript(t, 'backup', backup, 'pet', '--config', file);
  expect(output).toMatch(/^pet: \d+ bytes, rows: pet 0\n/);
  expect(code).toBe(0);
});

test('without pg_dump the command says what to install, and leaves nothing', async (t) => {
  const { file, backup } = configure(t, 'postgres://localhost/a', 'postgres://localhost/a');
  const args = [join(root, 'scripts/backup.ts'), backup, '--config', file];
  const running = startProcess(t, process.execPath, args, { env: { PATH: '/nowhere' } });
  expect((await running.ended).code).toBe(1);
  expect(running.output()).toBe(
    'pg_dump is not installed. Install the client programs of PostgreSQL (Debian: apt-get install postgresql-client)\n',
  );
  expect(() => statSync(backup)).toThrow('ENOENT');
});

test('a server that is newer than pg_dump is one line with both versions', async (t) => {
  if (bin === undefined) return t.skip("Debian's PostgreSQL with pg_dump is not installed");
  const newer = await startPostgres();
  t.onTestFinished(() => newer.stop());
  const [[version]] = (await queryPostgres(newer.url, 'SHOW server_version')) as [[string]];
  const ofDebian = Number(/postgresql\/(\d+)/.exec(bin)?.[1]);
  if (Number.parseInt(version, 10) <= ofDebian) return t.skip("Debian's PostgreSQL is as new as that of npm");
  const { file, backup } = configure(t, newer.url, 'sqlite:data/user.db');
  await runScript(t, 'migrate', 'apply', 'pet', '--config', file);
  const { code, output } = await runScript(t, 'backup', backup, 'pet', '--config', file);
  expect(output).toMatch(
    /^pet: pg_dump: error: aborting because of server version mismatch\. pg_dump: detail: server version: \S+; pg_dump version: .+\n$/,
  );
  expect(code).toBe(1);
});

test('a server that is away is one line without the password', async (t) => {
  if (bin === undefined) return t.skip("Debian's PostgreSQL with pg_dump is not installed");
  const { file, backup } = configure(t, 'postgres://me:secret@127.0.0.1:1/a', 'sqlite:data/user.db');
  const { code, output } = await runScript(t, 'backup', backup, 'pet', '--config', file);
  expect(output).toBe(
    'database postgres://me:***@127.0.0.1:1/a: no server responds there (ECONNREFUSED). Start it, or fix the address in the config\n',
  );
  expect(code).toBe(1);
});
