import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { sendRequest } from '../../support/app.ts';
import { queryPostgres } from '../../support/postgres-query.ts';
import { type PostgresServer, startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { findFaults, hosts, type Replicas, startLoad, startReplicas } from './replica-helpers.ts';

/** How often a replica is replaced: few times every day, more in `.ci/nightly`. */
const rounds = Number(process.env.KILLS ?? 4);

/** Debian's server if it is installed; else that of npm. */
let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgresIfAvailable();
});
afterAll(() => server?.stop());

/** Two replicas of each service, a user with a pet, and load. */
async function prepare(t: TestContext) {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  const replicas = await startReplicas(t, server);
  const { url } = replicas;
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  expect((await sendRequest(`${url}/user/users/1/pets/1`, 'POST')).status).toBe(200);
  const load = startLoad(url);
  await load.goesOn();
  return { ...replicas, load };
}

/** Of a client whose gateway closed the connection: the outcome is unknown. */
const cut = ['read cut', 'write cut'];

async function expectNoFault({ database }: Replicas, load: ReturnType<typeof startLoad>, allowed: string[]) {
  await load.stop();
  expect([...load.outcomes.keys()].filter((outcome) => !allowed.includes(outcome))).toEqual([]);
  expect(await findFaults(database, load.acknowledged)).toEqual([]);
}

const allSucceed = ['read 200', 'write 200'];

test('100 equal keys at two replicas have one effect and equal responses', async (t) => {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  const { urlOf, database } = await startReplicas(t, server);
  for (const key of Array.from({ length: 10 }, (_, index) => `key-${index}`)) {
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        sendRequest(
          `${urlOf('pet', hosts[index % 2] as '127.0.0.1')}/pet/pets/`,
          'POST',
          { name: key, species: 'dog' },
          { 'idempotency-key': key },
        ),
      ),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    const bodies = responses.flatMap(({ status, body }) => (status === 200 ? [JSON.stringify(body)] : []));
    expect(bodies.length).toBeGreaterThan(0);
    expect(new Set(bodies).size).toBe(1);
    // Each replica has the response afterwards.
    for (const host of hosts) {
      const headers = { 'idempotency-key': key };
      const pet = { name: key, species: 'dog' };
      const again = await sendRequest(`${urlOf('pet', host)}/pet/pets/`, 'POST', pet, headers);
      expect([again.status, JSON.stringify(again.body)]).toEqual([200, bodies[0]]);
    }
    expect(await queryPostgres(database, `SELECT count(*)::int FROM pet.pet WHERE name = '${key}'`)).toEqual([
      [1],
    ]);
  }
});

test('the race for the last adoptions has as many winners as there are places', async (t) => {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  const { url, urlOf, database } = await startReplicas(t, server);
  await queryPostgres(
    database,
    "INSERT INTO pet.pet (name, species, mood, last_fed, last_interaction) SELECT 'Rex', 'dog', 'happy', 1, 1 FROM generate_series(1, 1040)",
  );
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  const most = Array.from({ length: 990 }, (_, index) => index + 1);
  expect((await sendRequest(`${url}/user/users/1`, 'PATCH', { pets_ids: most })).status).toBe(200);
  const responses = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      sendRequest(
        `${urlOf('user', hosts[index % 2] as '127.0.0.1')}/user/users/1/pets/${1001 + index}`,
        'POST',
      ),
    ),
  );
  const statuses = responses.map(({ status }) => status);
  expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
  expect(statuses.filter((status) => status === 200)).toHaveLength(10);
});

test('the times of a pet rise over all replicas', async (t) => {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  const { url, urlOf } = await startReplicas(t, server);
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  const times: string[] = [];
  const feed = async (host: '127.0.0.1' | '127.0.0.2') => {
    for (let count = 0; count < 20; count += 1) {
      const { status, body } = await sendRequest(`${urlOf('pet', host)}/pet/pets/1/feed`, 'POST');
      expect(status).toBe(200);
      times.push(body.last_fed);
    }
  };
  await Promise.all([...hosts, ...hosts].map(feed));
  expect(new Set(times).size).toBe(80);
  const { body } = await sendRequest(`${url}/pet/pets/1`, 'GET');
  expect(body.last_fed).toBe(times.toSorted().at(-1));
});

test('two replicas of each service are replaced in turn: no request is lost', {
  timeout: 60_000 + rounds * 20_000,
}, async (t) => {
  const { load, ...replicas } = await prepare(t);
  for (let round = 0; round < rounds; round += 1) {
    const host = hosts[round % 2] as '127.0.0.1';
    const replace = async (service: 'pet' | 'user') => {
      const old = replicas.running(service, host);
      old.child.kill('SIGTERM');
      expect((await old.ended).code, old.output().slice(-2_000)).toBe(0);
      await load.goesOn(5);
      await replicas.start(service, host);
    };
    await Promise.all([replace('pet'), replace('user')]);
    await load.goesOn(20);
  }
  await expectNoFault(replicas, load, allSucceed);
});

test('two gateways are replaced in turn, behind clients that use the other one meanwhile', {
  timeout: 60_000 + rounds * 20_000,
}, async (t) => {
  const { load: first, ...replicas } = await prepare(t);
  await first.stop();
  await replicas.start('gateway', hosts[1]);
  const load = startLoad(...hosts.map((host) => replicas.urlOf('gateway', host)));
  for (let round = 0; round < rounds; round += 1) {
    const host = hosts[round % 2] as '127.0.0.1';
    const old = replicas.running('gateway', host);
    await load.goesOn(20);
    old.child.kill('SIGTERM');
    expect((await old.ended).code, old.output().slice(-2_000)).toBe(0);
    await load.goesOn(20);
    await replicas.start('gateway', host);
  }
  // The kernel resets connections that wait to be accepted when the gateway stops listening: at most one for each client.
  await expectNoFault(replicas, load, [...allSucceed, ...cut]);
  for (const outcome of cut) expect(load.outcomes.get(outcome) ?? 0).toBeLessThanOrEqual(8 * rounds);
});

test('one of two replicas is killed: reads and new writes go on, a write in flight is 504', {
  timeout: 60_000 + rounds * 20_000,
}, async (t) => {
  const { load, ...replicas } = await prepare(t);
  for (let round = 0; round < rounds; round += 1) {
    const host = hosts[round % 2] as '127.0.0.1';
    for (const service of ['pet', 'user'] as const) replicas.running(service, host).child.kill('SIGKILL');
    await load.goesOn();
    await Promise.all([replicas.start('pet', host), replicas.start('user', host)]);
    await load.goesOn();
  }
  await expectNoFault(replicas, load, [...allSucceed, 'write 504']);
  expect(load.outcomes.get('write 504') ?? 0).toBeLessThanOrEqual(8 * rounds);
});

test('a replica that is frozen and goes on: requests go on at the other, and then at both', {
  timeout: 120_000,
}, async (t) => {
  const { load, ...replicas } = await prepare(t);
  const { child, output } = replicas.running('pet', hosts[0]);
  child.kill('SIGSTOP');
  await load.goesOn(200);
  child.kill('SIGCONT');
  const before = output().length;
  await expect
    .poll(() => output().slice(before).split('"path":"/pet/pets/1"').length, { timeout: 30_000 })
    .toBeGreaterThan(20);
  await expectNoFault(replicas, load, [...allSucceed, 'read 503', 'read 504', 'write 503', 'write 504']);
});

test('a change of DNS is followed within 30 s', { timeout: 120_000 }, async (t) => {
  const { load, ...replicas } = await prepare(t);
  replicas.resolve('pet', [hosts[1]]);
  const [gone, left] = hosts.map((host) => replicas.running('pet', host));
  const changedAt = performance.now();
  const requests = () => gone?.output().split('/pet/pets').length ?? 0;
  let before = -1;
  while (before !== requests()) {
    before = requests();
    await load.goesOn(100);
  }
  expect(performance.now() - changedAt).toBeLessThan(30_000);
  gone?.child.kill('SIGKILL');
  await load.goesOn();
  expect(left?.output()).toContain('/pet/pets');
  await expectNoFault(replicas, load, allSucceed);
});
