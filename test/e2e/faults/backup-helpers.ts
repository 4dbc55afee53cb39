import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { Pool } from 'undici';
import { expect, type TestContext } from 'vitest';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { root, startProcess, writeConfig } from '../process/helper.ts';

/** Rounds of backup and restore under load; `.ci/run` takes more. */
export const rounds = Number(process.env.BACKUP_ROUNDS ?? 3);

export async function runScript(t: TestContext, script: string, ...args: string[]) {
  const running = startProcess(t, process.execPath, [join(root, `scripts/${script}.ts`), ...args]);
  const { code } = await running.ended;
  return { code, output: running.output() };
}

export const migrationsOf = (service: string) =>
  new URL(`../../../src/services/${service}/migrations/`, import.meta.url);

/** A config with its databases: a pet, a user, an adoption. */
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

/** Clients that create pets and users and have these adopt those, until they are stopped; what was acknowledged. */
export function write(url: string) {
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
