import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { expect, type TestContext, test } from 'vitest';
import { createBackup } from '../../../src/framework/database/backup/create.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { main, root, startProcess, writeConfig } from '../process/helper.ts';

const migrationsOf = (service: string) =>
  new URL(`../../../src/services/${service}/migrations/`, import.meta.url);
const databasesIn = (data: string) =>
  ['pet', 'user'].map((service) => ({
    ...{ service, file: join(data, `${service}.db`), migrations: migrationsOf(service) },
  }));

/** Writes a config, and a backup of its databases, which are then moved away. */
async function prepare(t: TestContext) {
  const { folder, file } = writeConfig(t);
  const [data, old, backup] = ['data', 'old', 'backup'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(data, { recursive: true });
  for (const { service, file, migrations } of databasesIn(data)) {
    await openSqlite(file, { migrations }).close();
    const client = new Client(file);
    client.exec(
      service === 'pet'
        ? "INSERT INTO pet (name, species, mood, last_fed, last_interaction) VALUES ('kept', 'dog', 'happy', 1, 1)"
        : "INSERT INTO user (name) VALUES ('kept')",
    );
    client.close();
  }
  await createBackup(databasesIn(data), backup, '0.0.0');
  renameSync(data, old);
  return { file, data, backup };
}

async function restore(t: TestContext, backup: string, file: string, dieAt = 0) {
  const env = { NODE_OPTIONS: `--import=${join(root, 'test/e2e/process/die-at.ts')}`, DIE_AT: String(dieAt) };
  const args = [join(root, 'scripts/restore.ts'), backup, '--config', file];
  const running = startProcess(t, process.execPath, args, { env });
  return { ...(await running.ended), output: running.output() };
}

function readNames(data: string): unknown[] {
  return databasesIn(data).map(({ service, file }) => {
    const client = new Client(file, { fileMustExist: true });
    try {
      expect(client.pragma('integrity_check', { simple: true })).toBe('ok');
      return client.prepare(`SELECT name FROM ${service}`).pluck().get();
    } finally {
      client.close();
    }
  });
}

test('a restore that is killed at any step completes when it runs again', {
  timeout: 300_000,
}, async (t) => {
  let isPartial = false;
  for (let step = 1; ; step += 1) {
    const { file, data, backup } = await prepare(t);
    const { code, signal, output } = await restore(t, backup, file, step);
    if (signal === null) {
      expect(code, output).toBe(0);
      break;
    }
    const restored = databasesIn(data).filter((database) => existsSync(database.file));
    if (restored.length === 1) {
      isPartial = true;
      const server = startProcess(t, process.execPath, [main, '--config', file]);
      expect((await server.ended).code).toBe(1);
      expect(server.output()).toMatch(
        /^database \S+user\.db: the file is missing, although it existed before\. .*\n$/,
      );
    }
    // The second run may be interrupted as well.
    if (step % 2 === 0) await restore(t, backup, file, 2);
    const end = await restore(t, backup, file);
    expect(end, end.output).toMatchObject({ code: 0 });
    expect(readNames(data)).toEqual(['kept', 'kept']);
    expect(readdirSync(data).sort()).toEqual(['pet.db', 'user.db']);
  }
  expect(isPartial).toBe(true);
});
