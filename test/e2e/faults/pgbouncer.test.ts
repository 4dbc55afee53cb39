import { randomUUID } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { sendRequest } from '../../support/app.ts';
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../../support/pgbouncer.ts';
import { createPostgresDatabase, queryPostgres } from '../../support/postgres-query.ts';
import { type PostgresServer, startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { startServer, writeConfig } from '../process/helper.ts';

vi.setConfig({ testTimeout: 120_000 });

const program = findPgBouncer();
let server: PostgresServer | undefined;
let bouncer: PgBouncer | undefined;
beforeAll(async () => {
  if (program === undefined) return;
  server = await startPostgresIfAvailable();
  if (server === undefined) return;
  // The schema is that of the user, because PgBouncer drops what a connection asks for.
  for (const user of ['pet', 'user'])
    await queryPostgres(
      server.url,
      `CREATE ROLE "${user}" LOGIN; ALTER ROLE "${user}" SET search_path = "${user}"`,
    );
  bouncer = await startPgBouncer(program, server.url, ['pet', 'user']);
});
afterAll(async () => {
  await bouncer?.stop();
  await server?.stop();
});

/** A new database, and a config whose services reach it through PgBouncer. */
async function prepare(t: TestContext, parameters = '?prepare=false') {
  if (program === undefined) return t.skip('pgbouncer is not installed: apt-get install pgbouncer');
  if (server === undefined || bouncer === undefined) return t.skip('PostgreSQL cannot be started here');
  const direct = await createPostgresDatabase(server);
  const name = new URL(direct).pathname.slice(1);
  await queryPostgres(server.url, `GRANT CREATE ON DATABASE ${name} TO pet, "user"`);
  const { file } = writeConfig(t);
  const urlOf = (user: string) => `postgres://${user}@127.0.0.1:${bouncer?.port}/${name}${parameters}`;
  writeFileSync(
    file,
    `log: { directory: logs }
services:
  pet: { database: "${urlOf('pet')}" }
  user: { database: "${urlOf('user')}" }
apps:
  gateway: { host: 127.0.0.1, port: 0, services: [pet, user] }
limits: { wait: 60000 }
calls: { deadline: 20000 }
`,
  );
  return { file, direct };
}

test('processes that start at the same time apply each migration once', async (t) => {
  const { file, direct } = await prepare(t);
  await Promise.all([1, 2, 3].map(() => startServer(t, file)));
  for (const service of ['pet', 'user']) {
    const folder = new URL(`../../../src/services/${service}/migrations/postgres/`, import.meta.url);
    const count = readdirSync(folder).filter((name) => name.endsWith('.sql')).length;
    expect(
      await queryPostgres(direct, `SELECT count(*)::int FROM "${service}".__drizzle_migrations`),
      service,
    ).toEqual([[count]]);
  }
});

test('the services create, read, list, change and delete', async (t) => {
  const { file } = await prepare(t);
  const { url } = await startServer(t, file);
  const send = async (method: string, path: string, body?: unknown) => {
    const { status, body: read } = await sendRequest(`${url}${path}`, method, body);
    expect(status, `${method} ${path}: ${JSON.stringify(read)}`).toBe(200);
    return read as Record<string, unknown>;
  };
  const pet = await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog', age: null });
  expect(await send('GET', '/pet/pets/1')).toEqual(pet);
  expect(await send('PATCH', '/pet/pets/1', { mood: 'sad' })).toMatchObject({ mood: 'sad', name: 'Rex' });
  await send('POST', '/pet/pets/', { name: 'Mia', species: 'cat' });
  await send('POST', '/user/users/', { name: 'Zoë 🐶' });
  expect(await send('PATCH', '/user/users/1', { pets_ids: [2, 1] })).toMatchObject({
    pets: [{ id: 2 }, { id: 1 }],
  });
  await send('DELETE', '/user/users/1/pets/2');
  expect(await send('GET', '/user/users/')).toMatchObject([{ name: 'Zoë 🐶', pets: [{ id: 1 }] }]);
  expect(await send('GET', '/pet/pets/?ids=2&ids=1&ids=9')).toMatchObject([{ id: 1 }, { id: 2 }]);
  expect(await send('DELETE', '/pet/pets/2')).toEqual({ ok: true });
  expect((await sendRequest(`${url}/pet/pets/2`, 'GET')).status).toBe(404);
  expect((await sendRequest(`${url}/ready`, 'GET')).status).toBe(200);
});

test('writes that wait together, and transactions, are all there', async (t) => {
  const { file, direct } = await prepare(t);
  const { url } = await startServer(t, file);
  const create = (index: number) =>
    sendRequest(`${url}/pet/pets/`, 'POST', { name: `pet ${index}`, species: 'dog' });
  const created = await Promise.all(Array.from({ length: 200 }, (_, index) => create(index)));
  expect(created.filter(({ status }) => status !== 200)).toEqual([]);
  expect(await queryPostgres(direct, 'SELECT count(DISTINCT name)::int FROM pet.pet')).toEqual([[200]]);
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  const adopt = (pet: number) => sendRequest(`${url}/user/users/1/pets/${pet}`, 'POST', {});
  const adopted = await Promise.all(Array.from({ length: 50 }, (_, index) => adopt(index + 1)));
  expect(adopted.filter(({ status }) => status !== 200)).toEqual([]);
  expect(await queryPostgres(direct, 'SELECT count(*)::int FROM "user".adoption')).toEqual([[50]]);
});

test('one idempotency key at two processes has one effect', async (t) => {
  const { file, direct } = await prepare(t);
  const apps = await Promise.all([startServer(t, file), startServer(t, file)]);
  for (let round = 0; round < 10; round += 1) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': `"${randomUUID()}"` };
    const body = JSON.stringify({ name: `round ${round}`, species: 'dog' });
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        fetch(`${apps[index % 2]?.url}/pet/pets/`, { method: 'POST', headers, body }),
      ),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    expect(statuses).toContain(200);
  }
  expect(await queryPostgres(direct, 'SELECT count(*)::int FROM pet.pet')).toEqual([[10]]);
});
