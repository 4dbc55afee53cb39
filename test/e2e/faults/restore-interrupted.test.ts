import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { createBackup } from '../../../src/framework/database/backup/create.ts';
import { knownDatabasesFile } from '../../../src/framework/database/known-databases.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { makeFolder } from '../../support/app.ts';
import { main, root, run, writeConfig } from '../process/helper.ts';

const services = ['pet', 'user'] as const;
const migrationsOf = (service: string) =>
  new URL(`../../../src/services/${service}/migrations/`, import.meta.url);
const databasesIn = (data: string) =>
  services.map((service) => ({
    service,
    file: join(data, `${service}.db`),
    migrations: migrationsOf(service),
  }));

/** Writes in each database which version of the data it is. */
function write(data: string, version: string): void {
  for (const { file, migrations } of databasesIn(data)) {
    openSqlite(file, { migrations }).close();
    const client = new Client(file);
    client.exec(
      file.endsWith('pet.db')
        ? `DELETE FROM pet; INSERT INTO pet (name, species, mood, last_fed, last_interaction) VALUES ('${version}', 'dog', 'happy', 1, 1)`
        : `DELETE FROM user; INSERT INTO user (name) VALUES ('${version}')`,
    );
    client.close();
  }
}

/** Which version each database is; null where there is none. Reads a copy, since reading folds a log into its file. */
function read(t: TestContext, data: string): (string | null)[] {
  const copy = join(makeFolder(t), 'copy');
  if (existsSync(data)) cpSync(data, copy, { recursive: true });
  return databasesIn(copy).map(({ service, file }) => {
    if (!existsSync(file)) return null;
    const client = new Client(file);
    try {
      expect(client.pragma('integrity_check', { simple: true })).toBe('ok');
      return client.prepare<[], string>(`SELECT name FROM ${service}`).pluck().get() ?? null;
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      client.close();
    }
  });
}

/** A config whose databases are of an old version, or are not there, or are damaged, and a backup of a new one. */
async function prepare(t: TestContext, how: 'both there' | 'none there' | 'one damaged') {
  const place = writeConfig(t);
  const data = join(place.folder, 'data');
  const backup = join(makeFolder(t), 'backup');
  const elsewhere = makeFolder(t);
  write(elsewhere, 'new');
  await createBackup(databasesIn(elsewhere), backup, '0.0.0');
  if (how !== 'none there') write(data, 'old');
  if (how === 'one damaged') {
    writeFileSync(join(data, 'pet.db'), 'garbage '.repeat(999));
    writeFileSync(join(data, 'pet.db-wal'), 'its log');
  }
  return { ...place, data, backup, before: read(t, data) };
}

async function restore(t: TestContext, args: readonly string[], dieAt = 0) {
  const env = { NODE_OPTIONS: `--import=${join(root, 'test/e2e/process/die-at.ts')}`, DIE_AT: String(dieAt) };
  const running = run(t, process.execPath, [join(root, 'scripts/restore.ts'), ...args], { env });
  const end = await running.ended;
  return { ...end, output: running.output() };
}

/** Whether the databases may be opened; if not, the error names both ways on. */
function mayStart({ file, data, backup }: { file: string; data: string; backup: string }): boolean {
  const errors = databasesIn(data).map((database) => {
    try {
      openSqlite(database.file, {
        migrations: database.migrations,
        knownDatabases: knownDatabasesFile(file),
      }).close();
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  });
  if (errors.every((error) => error === '')) return true;
  for (const [index, error] of errors.entries()) {
    expect(error).toBe(
      `database ${databasesIn(data)[index]?.file}: a restore was interrupted: finish it with "./run.sh restore ${backup} --overwrite", or undo it with "./run.sh restore --undo"`,
    );
  }
  return false;
}

describe('a restore that is killed at any step leaves one version of all databases, or keeps the server from starting:', () => {
  // Concurrently, because each waits for one process after another.
  test.concurrent.for([
    ['both there', 'finish'],
    ['both there', 'undo'],
    ['none there', 'undo'],
    ['one damaged', 'undo'],
  ] as const)('%s, then %s', { timeout: 300_000 }, async ([how, then], t) => {
    let refused = 0;
    for (let step = 1; ; step += 1) {
      const place = await prepare(t, how);
      const { file, folder, data, backup, before } = place;
      const { code, signal, output } = await restore(t, [backup, '--overwrite', '--config', file], step);
      if (signal === null) {
        expect([code, read(t, data)], output).toEqual([0, ['new', 'new']]);
        break;
      }
      const isNoted = existsSync(join(folder, '.restore'));
      if (isNoted) {
        refused += 1;
        expect(mayStart(place)).toBe(false);
      } else expect([before, ['new', 'new']]).toContainEqual(read(t, data));
      const args = then === 'undo' ? ['--undo'] : [backup, '--overwrite'];
      // The way on may be interrupted as well.
      if (isNoted && step % 2 === 0) await restore(t, [...args, '--config', file], 2);
      const end = await restore(t, [...args, '--config', file]);
      expect(end, end.output).toMatchObject({ code: 0 });
      expect(existsSync(join(folder, '.restore'))).toBe(false);
      if (then === 'finish') {
        expect([read(t, data), readdirSync(data).sort()]).toEqual([
          ['new', 'new'],
          ['pet.db', 'user.db'],
        ]);
      } else if (isNoted) {
        expect(read(t, data)).toEqual(before);
        if (how === 'one damaged') expect(readFileSync(join(data, 'pet.db-wal'), 'utf8')).toBe('its log');
      }
    }
    expect(refused).toBeGreaterThan(2);
  });
});

test('a server does not start while a restore is interrupted: exit code 1 and one line', async (t) => {
  const { file, data, backup } = await prepare(t, 'both there');
  expect((await restore(t, [backup, '--overwrite', '--config', file], 4)).signal).toBe('SIGKILL');
  const server = run(t, process.execPath, [main, '--config', file]);
  expect((await server.ended).code).toBe(1);
  expect(server.output()).toMatch(/^database \S+pet\.db: a restore was interrupted: finish it with .*\n$/);
  const backedUp = run(t, process.execPath, [
    ...[join(root, 'scripts/backup.ts'), `${backup}.mixed`, '--config', file],
  ]);
  expect((await backedUp.ended).code).toBe(1);
  expect(backedUp.output()).toMatch(/^a restore was interrupted: finish it with .*\n$/);
  rmSync(join(file, '../.restore'));
  writeFileSync(join(file, '../.restore'), '{"backup":');
  const damaged = run(t, process.execPath, [main, '--config', file]);
  expect((await damaged.ended).code).toBe(1);
  expect(damaged.output()).toMatch(/\.restore, which notes an interrupted restore, cannot be read: /);
  expect(existsSync(data)).toBe(true);
});

test('an undo with nothing to undo says so', async (t) => {
  const { file, data, before } = await prepare(t, 'both there');
  expect(await restore(t, ['--undo', '--config', file])).toMatchObject({
    code: 0,
    output: 'no restore was interrupted: nothing to undo\n',
  });
  expect(read(t, data)).toEqual(before);
});

test('an undo is refused while a process has a database open', async (t) => {
  const { file, data, backup } = await prepare(t, 'both there');
  await restore(t, [backup, '--overwrite', '--config', file], 4);
  const client = new Client(join(data, 'user.db'));
  client.pragma('journal_mode = WAL');
  client.prepare('SELECT * FROM user').all();
  expect(await restore(t, ['--undo', '--config', file])).toMatchObject({
    code: 1,
    output: `${join(data, 'user.db')} is in use: stop the server first\n`,
  });
  client.close();
  expect((await restore(t, ['--undo', '--config', file])).code).toBe(0);
  expect(read(t, data)).toEqual(['old', 'old']);
});
