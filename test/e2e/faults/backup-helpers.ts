import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { Pool } from 'undici';
import { expect, type TestContext } from 'vitest';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { root, startProcess, writeConfig } from '../process/helper.ts';
import { mount } from './disk-helpers.ts';

/** The number of rounds of backup and restore under load. `.ci/run` sets more. */
export const rounds = Number(process.env.BACKUP_ROUNDS ?? 3);

export async function runScript(t: TestContext, script: string, ...args: string[]) {
  const running = startProcess(t, process.execPath, [join(root, `scripts/${script}.ts`), ...args]);
  const { code } = await running.ended;
  return { code, output: running.output() };
}

/** Runs a script with a disk mounted at a folder that has room for one of the two databases of `prepare`. */
export async function runOnSmallDisk(t: TestContext, folder: string, script: string, ...args: string[]) {
  const command = 'mount -t tmpfs -o size=128k tmpfs "$0" && exec "$@"';
  const node = [process.execPath, join(root, `scripts/${script}.ts`)];
  const running = startProcess(t, 'unshare', [...mount, command, folder, ...node, ...args]);
  const { code } = await running.ended;
  return { code, output: running.output() };
}

export const migrationsOf = (service: string) =>
  new URL(`../../../src/services/${service}/migrations/`, import.meta.url);

/** Writes a config, and databases with a pet, a user and an adoption. */
export function prepare(t: TestContext) {
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

export const databasesIn = (data: string) =>
  ['pet', 'user'].map((service) => ({
    service,
    file: join(data, `${service}.db`),
    migrations: migrationsOf(service),
  }));

export function query(file: string, text: string): unknown[] {
  const client = new Client(file, { readonly: true });
  try {
    return client.prepare(text).pluck().all();
  } finally {
    client.close();
  }
}

export const bytesOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('latin1')]),
  );

/** Starts clients that create pets, users and adoptions until they are stopped. `done` has the acknowledged writes. */
export function write(url: string) {
  const done = { pets: new Set<number>(), users: new Set<number>(), adoptions: new Set<string>() };
  const pool = new Pool(url, { connections: 10 });
  let isStopped = false;
  async function post(path: string, body: unknown) {
    const headers = { 'content-type': 'application/json' };
    const response = await pool.request({ path, method: 'POST', headers, body: JSON.stringify(body) });
    const read = (await response.body.json()) as { id: number };
    // On a busy machine a call may time out. Then the write was not acknowledged.
    expect([200, 503, 504], JSON.stringify(read)).toContain(response.statusCode);
    return response.statusCode === 200 ? read.id : undefined;
  }
  const clients = Array.from({ length: 10 }, async () => {
    while (!isStopped) {
      const pet = await post('/pet/pets/', { name: 'Rex', species: 'dog' });
      const user = await post('/user/users/', { name: 'Alice' });
      if (pet !== undefined) done.pets.add(pet);
      if (user !== undefined) done.users.add(user);
      const hasBoth = pet !== undefined && user !== undefined;
      if (hasBoth && (await post(`/user/users/${user}/pets/${pet}`, {})) !== undefined)
        done.adoptions.add(`${user} ${pet}`);
      // The pause leaves a core for the backup.
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
