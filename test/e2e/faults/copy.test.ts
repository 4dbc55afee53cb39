import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { services } from '#generated/services.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../support/app.ts';
import { queryPostgres } from '../../support/postgres-query.ts';
import { type PostgresServer, startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { root, startProcess } from '../process/helper.ts';
import { migrationsOf, query, runScript } from './backup-helpers.ts';

/** The services with a database. */
const known = Object.keys(services).join(', ');

vi.setConfig({ testTimeout: 180_000 });

/** Rows of a copy that is killed: enough for some seconds. */
const manyRows = 200_000;

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgresIfAvailable();
});
afterAll(() => server?.stop());

function newSchemaUrl(t: TestContext): string {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  return `${server.url}?schema=t${Math.floor(Math.random() * 1e9)}`;
}

/** Makes a database with pets, of which the last one was deleted. */
function makePets(t: TestContext, rows: number): string {
  const file = join(makeFolder(t), 'pet.db');
  void openSqlite(file, { migrations: migrationsOf('pet') }).close();
  const client = new Client(file);
  const insert = client.prepare(
    "INSERT INTO pet (name, species, age, mood, last_fed, last_interaction) VALUES (?, 'dog', ?, 'happy', 1, 1)",
  );
  client.transaction(() => {
    for (let index = 0; index <= rows; index += 1) insert.run(`Rex ${index}`, index % 7 ? index % 20 : null);
    client.exec(`DELETE FROM pet WHERE id = ${rows + 1}`);
  })();
  client.close();
  return file;
}

const copy = (t: TestContext, from: string, to: string) =>
  runScript(t, 'migrate', 'copy', 'pet', '--from', from, '--to', to);

test('migrate copy says what it has copied, without the password', async (t) => {
  const url = newSchemaUrl(t);
  const file = makePets(t, 3);
  const { code, output } = await copy(t, `sqlite:${file}`, url.replace('postgres@', 'postgres:secret@'));
  expect(output).toMatch(/^pet: pet 3 rows, checksum [0-9a-f]{16}$/m);
  expect(output).toContain(
    `pet: copied from ${file} to ${url.replace('postgres@', 'postgres:***@').replace(/\?.*/, '')}`,
  );
  expect(code).toBe(0);
  expect(output).not.toContain('\r');
  const back = join(makeFolder(t), 'back.db');
  expect((await copy(t, url, `sqlite:${back}`)).code).toBe(0);
  expect(query(back, "SELECT seq FROM sqlite_sequence WHERE name = 'pet'")).toEqual([4]);
  expect(await copy(t, `sqlite:${file}`, url)).toEqual({
    code: 1,
    output: `database ${url}: it is not empty: pet has rows. Name an empty database\n`,
  });
});

test('progress is shown on a terminal', async (t) => {
  if (!existsSync('/usr/bin/script')) return t.skip('script (util-linux) is not installed');
  const from = `sqlite:${makePets(t, 5_000)}`;
  const to = `sqlite:${join(makeFolder(t), 'to.db')}`;
  const command = `'${process.execPath}' scripts/migrate.ts copy pet --from '${from}' --to '${to}'`;
  const running = startProcess(t, 'script', ['-qec', command, '/dev/null']);
  expect((await running.ended).code).toBe(0);
  expect(running.output()).toContain('\r\x1b[Kpet: copied 2000 rows of pet');
});

test.for([
  [[], 'Missing SERVICE to copy: see --help'],
  [['nope'], `nope is not a service with a database (known: ${known})`],
  [['pet', '--to', 'sqlite:b'], 'Missing --from URL: see --help'],
  [['pet', '--from', 'sqlite:a'], 'Missing --to URL: see --help'],
  [
    ['pet', '--from', 'a.db', '--to', 'sqlite:b'],
    '--from: expected sqlite:FILE or postgres://user@host/database',
  ],
  [
    ['pet', '--from', 'sqlite:a', '--to', 'postgres://host'],
    '--to: expected sqlite:FILE or postgres://user@host/database',
  ],
  [['pet', '--from', 'sqlite::memory:', '--to', 'sqlite:b'], '--from: a database in memory cannot be copied'],
  [
    ['pet', '--from', 'sqlite:a', '--to', 'postgres://host/name?pool=1'],
    '--to: expected ?pool= to be an integer from 3 to 100',
  ],
  [
    ['pet', '--from', 'sqlite:a', '--to', 'sqlite:./a'],
    'Expected two databases: --from and --to are the same',
  ],
  [
    ['pet', '--from', 'sqlite:/nowhere/a.db', '--to', 'sqlite:b'],
    '--from: /nowhere/a.db: there is no such file',
  ],
] as const)('migrate copy %j ends with 2 and one line', async ([args, line], t) => {
  expect(await runScript(t, 'migrate', 'copy', ...args)).toEqual({ code: 2, output: `${line}\n` });
});

test('migrate takes --from and --to with copy alone', async (t) => {
  expect(await runScript(t, 'migrate', 'status', '--from', 'sqlite:a')).toEqual({
    code: 2,
    output: 'Expected --from and --to only with copy: see --help\n',
  });
});

test('a relative file is relative to the folder of the caller', async (t) => {
  const folder = makeFolder(t);
  const args = ['migrate', 'copy', 'pet', '--from', 'sqlite:missing.db', '--to=sqlite:b.db'];
  const running = startProcess(t, join(root, 'run.sh'), args, { cwd: folder });
  expect((await running.ended).code).toBe(2);
  expect(running.output()).toContain(`--from: ${join(folder, 'missing.db')}: there is no such file\n`);
});

test('a copy to PostgreSQL that is killed leaves no rows, and can be repeated', async (t) => {
  const url = newSchemaUrl(t);
  const schema = new URL(url).searchParams.get('schema');
  const from = `sqlite:${makePets(t, manyRows)}`;
  const args = ['scripts/migrate.ts', 'copy', 'pet', '--from', from, '--to', url];
  const running = startProcess(t, process.execPath, args);
  const isCopying = async () =>
    (
      await queryPostgres(
        server?.url as string,
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pet copy' AND query LIKE 'INSERT INTO \"pet\"%'",
      )
    ).length > 0;
  await expect.poll(isCopying, { timeout: 60_000, interval: 20 }).toBe(true);
  running.child.kill('SIGKILL');
  expect((await running.ended).signal).toBe('SIGKILL');
  expect(await queryPostgres(server?.url as string, `SELECT count(*)::int FROM ${schema}.pet`)).toEqual([
    [0],
  ]);
  expect((await copy(t, from, url)).code).toBe(0);
  expect(await queryPostgres(server?.url as string, `SELECT count(*)::int FROM ${schema}.pet`)).toEqual([
    [manyRows],
  ]);
});

test('a copy to SQLite that is killed leaves no rows, and can be repeated', async (t) => {
  const from = `sqlite:${makePets(t, manyRows)}`;
  const file = join(makeFolder(t), 'to.db');
  const args = ['scripts/migrate.ts', 'copy', 'pet', '--from', from, '--to', `sqlite:${file}`];
  const running = startProcess(t, process.execPath, args);
  // SQLite writes to its log when its cache is full.
  const logSize = () => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  await expect.poll(logSize, { timeout: 60_000, interval: 5 }).toBeGreaterThan(1_000_000);
  running.child.kill('SIGKILL');
  expect((await running.ended).signal).toBe('SIGKILL');
  expect(query(file, 'SELECT count(*) FROM pet')).toEqual([0]);
  expect((await copy(t, from, `sqlite:${file}`)).code).toBe(0);
  expect(query(file, 'SELECT count(*) FROM pet')).toEqual([manyRows]);
});
