import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { sendRequest } from '../../support/app.ts';
import { createPostgresDatabase, queryPostgres } from '../../support/postgres-query.ts';
import { findDebianPostgres, type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { main, startProcess, startServer, writeConfig } from '../process/helper.ts';

/** The number of kills of an app, and of restarts of the server. `.ci/run` sets more. */
const rounds = Math.ceil(Number(process.env.KILLS ?? 4) / 2);

/** Debian's server if it is installed, otherwise the server from npm. Commits are flushed to disk. */
let server: PostgresServer | undefined;
beforeAll(async () => {
  const bin = findDebianPostgres();
  server = await startPostgres({ bin, fsync: true }).catch(() => undefined);
});
afterAll(() => server?.stop());

/** Creates a database on the server, and a config whose services use it. */
async function prepare(t: TestContext) {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  const url = await createPostgresDatabase(server);
  const { file } = writeConfig(t);
  writeFileSync(
    file,
    `log: { directory: logs }
services:
  pet: { database: "${url}" }
  user: { database: "${url}" }
apps:
  gateway: { host: 127.0.0.1, port: 0, services: [pet, user] }
limits: { wait: 60000 }
`,
  );
  return { url, file, server };
}

async function listNames(url: string): Promise<Set<string>> {
  const names = (await queryPostgres(url, 'SELECT name FROM pet.pet')).map(([name]) => name as string);
  expect(new Set(names).size, 'no write has two effects').toBe(names.length);
  return new Set(names);
}

/** Creates and reads pets on 10 connections, until it is stopped. */
function startLoad(url: string, prefix: string) {
  const pool = new Pool(url, { connections: 10 });
  const acknowledged: string[] = [];
  const statuses = new Map<number, number>();
  let isOver = false;
  const headers = { 'content-type': 'application/json' };
  const clients = Array.from({ length: 10 }, async (_, client) => {
    for (let index = 0; !isOver; index += 1) {
      const name = `${prefix} ${client} ${index}`;
      const isRead = index % 3 === 2;
      try {
        const response = await pool.request(
          isRead
            ? { path: '/user/users/', method: 'GET' }
            : { path: '/pet/pets/', method: 'POST', headers, body: JSON.stringify({ name, species: 'dog' }) },
        );
        await response.body.dump();
        const { statusCode: status } = response;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200 && !isRead) acknowledged.push(name);
        if (status !== 200) await sleep(20);
      } catch {
        // The app was killed.
        await sleep(20);
      }
    }
  });
  return {
    acknowledged,
    statuses,
    async stop() {
      isOver = true;
      await Promise.all(clients);
      await pool.destroy();
    },
  };
}

function expectAllowed(statuses: ReadonlyMap<number, number>): void {
  expect([...statuses.keys()].filter((status) => ![200, 503, 504].includes(status))).toEqual([]);
}

test('kill -9 of the app loses no acknowledged write', { timeout: 120_000 }, async (t) => {
  const { url, file } = await prepare(t);
  const all: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const app = await startServer(t, file);
    const load = startLoad(app.url, `round ${round}`);
    await expect.poll(() => load.acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(100);
    app.child.kill('SIGKILL');
    await app.ended;
    await load.stop();
    all.push(...load.acknowledged);
    const stored = await listNames(url);
    expect(all.filter((name) => !stored.has(name))).toEqual([]);
  }
});

test('restarts of the server lose no acknowledged write, and the app recovers by itself', {
  timeout: 240_000,
}, async (t) => {
  const { url, file, server } = await prepare(t);
  const app = await startServer(t, file);
  const load = startLoad(app.url, 'load');
  for (let round = 0; round < rounds; round += 1) {
    const before = load.acknowledged.length;
    await expect.poll(() => load.acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(before + 50);
    await server.restart(round % 2 === 0 ? 'SIGINT' : 'SIGQUIT');
    const after = load.acknowledged.length;
    await expect.poll(() => load.acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(after);
  }
  await load.stop();
  const stored = await listNames(url);
  expect(load.acknowledged.filter((name) => !stored.has(name))).toEqual([]);
  expectAllowed(load.statuses);
  // Another service may find out later that the server is back.
  await expect.poll(async () => (await sendRequest(`${app.url}/ready`, 'GET')).status).toBe(200);
});

test('requests to a frozen server get 503 or 504 in time, and succeed when it continues', {
  timeout: 120_000,
}, async (t) => {
  const { file, server } = await prepare(t);
  const app = await startServer(t, file);
  await sendRequest(`${app.url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  const { pid } = server;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const frozen = [String(pid), ...children];
  for (const one of frozen) process.kill(Number(one), 'SIGSTOP');
  const sent = Array.from({ length: 20 }, (_, index) =>
    index % 2 === 0
      ? sendRequest(`${app.url}/pet/pets/1`, 'GET')
      : sendRequest(`${app.url}/pet/pets/`, 'POST', { name: `frozen ${index}`, species: 'dog' }),
  );
  const statuses = (await Promise.all(sent)).map(({ status }) => status);
  expect(statuses.filter((status) => status !== 503 && status !== 504)).toEqual([]);
  expect((await sendRequest(`${app.url}/pet/ready`, 'GET')).status).toBe(503);
  for (const one of frozen) {
    try {
      process.kill(Number(one), 'SIGCONT');
    } catch {
      // The app has closed its connection, and the backend has ended.
    }
  }
  const read = async () => (await sendRequest(`${app.url}/pet/pets/1`, 'GET')).status;
  await expect.poll(read, { timeout: 30_000 }).toBe(200);
});

test('an app that starts while the server is down waits for it, and logs that', async (t) => {
  const { file, server } = await prepare(t);
  const restarted = server.restart('SIGINT');
  const app = startProcess(t, process.execPath, [main, '--config', file]);
  await restarted;
  const [, url] = (await app.waitForOutput(/"url":"(http:[^"]+)","msg":"listening"/)) as unknown as [
    string,
    string,
  ];
  expect((await sendRequest(`${url}/ready`, 'GET')).status).toBe(200);
  const away = join(file, '../away.yaml');
  writeFileSync(
    away,
    `services: { pet: { database: "postgres://postgres@127.0.0.1:1/away" } }
apps: { gateway: { port: 0, services: [pet] } }
`,
  );
  const waiting = startProcess(t, process.execPath, [main, '--config', away]);
  await waiting.waitForOutput(/waiting for the database: its server does not respond/);
});
