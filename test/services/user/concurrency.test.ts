import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import user from '../../../src/services/user/index.ts';
import { createExampleApp, createTestApp, makeFolder, type TestApp } from '../../support/app.ts';

const waitOptions = { timeout: 20_000, interval: 5 };
/** Long timeouts, because a busy machine is slow. */
const config = { calls: { deadline: 60_000 }, limits: { time: { handler: 120_000, answer: 180_000 } } };

/** Starts an app with users of 1,000 pets each, and Bob with 3 pets as the last user. No two users share a pet. */
async function startWithOwners(t: TestContext, owners: number) {
  const folder = makeFolder(t);
  const files = { pet: join(folder, 'pet.db'), user: join(folder, 'user.db') };
  const serviceConfigs = {
    pet: { database: `sqlite:${files.pet}` },
    user: { database: `sqlite:${files.user}` },
  };
  const app = await createExampleApp(t, { config: { ...config, services: serviceConfigs } });
  const pets = owners * 1000 + 3;
  fill(files.pet, (client) => {
    const insert = client.prepare('INSERT INTO pet VALUES (?, ?, ?, ?, ?, ?, ?)');
    for (let id = 1; id <= pets; id += 1) insert.run(id, `Pet ${id}`, 'dog', id % 10, 'happy', id, id);
  });
  fill(files.user, (client) => {
    const insert = client.prepare('INSERT INTO user VALUES (?, ?)');
    for (let id = 1; id <= owners + 1; id += 1) insert.run(id, `User ${id}`);
    const adopt = client.prepare('INSERT INTO adoption (user_id, pet_id) VALUES (?, ?)');
    for (let id = 1; id <= pets; id += 1) adopt.run(Math.ceil(id / 1000), id);
  });
  return { ...app, bob: `/user/users/${owners + 1}` };
}

function fill(file: string, add: (client: Client.Database) => void): void {
  const client = new Client(file);
  client.transaction(() => add(client))();
  client.close();
}

/** Returns the access log entries of lists of pets, in the order of the responses. */
const petListsOf = ({ logs }: Pick<TestApp, 'logs'>) =>
  logs.filter(({ msg, service, path }) => msg === 'request' && service === 'pet' && path === '/pet/pets/');

describe('a page of users with 1,000 pets each', () => {
  test('has the same users as single requests, in order', async (t) => {
    const { send } = await startWithOwners(t, 4);
    const page = await send('GET', '/user/users/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(page.body).toHaveLength(5);
    for (const user of page.body as { id: number; pets: object[] }[]) {
      expect(user.pets).toHaveLength(user.id === 5 ? 3 : 1000);
      expect((await send('GET', `/user/users/${user.id}`)).body).toEqual(user);
    }
  });

  test('does not delay a user with 3 pets: few calls of the page are in flight', async (t) => {
    const app = await startWithOwners(t, 30);
    const { send, bob } = app;
    let pages = 0;
    const reading = ['page 1', 'page 2'].map(async (_, index) => {
      const headers = { 'x-request-id': `page-${index}` };
      const { status, body } = await send('GET', '/user/users/?limit=30', undefined, headers);
      pages += 1;
      return { status, users: body.length };
    });
    await vi.waitFor(() => expect(petListsOf(app).length).toBeGreaterThan(0), waitOptions);
    /** For each request for Bob, the number of page calls that completed while it waited. */
    const ahead: number[] = [];
    while (pages === 0) {
      const before = petListsOf(app).length;
      const { status, body } = await send('GET', bob);
      expect([status, body.pets.length]).toEqual([200, 3]);
      ahead.push(petListsOf(app).length - before - 1);
    }
    expect(await Promise.all(reading)).toEqual([
      { status: 200, users: 30 },
      { status: 200, users: 30 },
    ]);
    // Each page takes 100 calls.
    expect(ahead.length).toBeGreaterThan(5);
    expect(ahead.toSorted((a, b) => a - b)[Math.floor(ahead.length / 2)]).toBeLessThan(20);
    expect(Math.max(...ahead)).toBeLessThan(50);
  });

  test('stops its calls if the client disconnects', async (t) => {
    const app = await startWithOwners(t, 30);
    const { send, logs, bob, url } = app;
    const agent = new Agent();
    const request = get(`${url}/user/users/`, { agent, headers: { 'x-request-id': 'disconnected' } });
    request.on('error', () => {});
    await vi.waitFor(() => expect(petListsOf(app).length).toBeGreaterThan(0), waitOptions);
    request.destroy();
    const ended = () => logs.find(({ reqId, service }) => reqId === 'disconnected' && service === 'user');
    await vi.waitFor(() => expect(ended()).toMatchObject({ aborted: true }), waitOptions);
    const countCalls = () => petListsOf(app).filter(({ reqId }) => reqId === 'disconnected').length;
    const atDisconnect = countCalls();
    // Calls that were already in flight still complete.
    for (let count = 0; count < 10; count += 1) expect((await send('GET', bob)).status).toBe(200);
    expect(countCalls() - atDisconnect).toBeLessThan(20);
    const later = countCalls();
    for (let count = 0; count < 10; count += 1) await send('GET', bob);
    expect(countCalls()).toBe(later);
  });
});

/** Starts the user service with a fake pet service that has every pet. After `hold`, a call waits for `respond`. */
async function startHeld(t: TestContext) {
  const calls: { readonly ids: number[]; respond(status?: number): void }[] = [];
  let isHeld = false;
  const pet = defineService({
    name: 'pet',
    description: 'Responds when the test tells it to',
    routes(scope) {
      const ids = Type.Array(Type.Integer());
      scope.get(
        '/pets/',
        { schema: { hide: true, querystring: Type.Object({ ids }) } },
        async ({ query }, reply) => {
          const time = '2024-12-18T21:03:51.790256Z';
          const rest = {
            name: 'Rex',
            species: 'dog',
            age: 1,
            mood: 'happy',
            last_fed: time,
            last_interaction: time,
          };
          const pets = query.ids.map((id) => ({ id, ...rest }));
          if (!isHeld) return pets;
          const { promise, resolve } = Promise.withResolvers<number>();
          calls.push({ ids: query.ids, respond: (status = 200) => resolve(status) });
          const status = await promise;
          return reply.code(status).send(status === 200 ? pets : { secret: 1 });
        },
      );
    },
  });
  const app = await createTestApp(t, { services: [pet, user], config });
  await app.send('POST', '/user/users/', { name: 'Alice' });
  for (const id of [1, 2]) await app.send('POST', `/user/users/1/pets/${id}`);
  return {
    ...app,
    calls,
    hold() {
      isHeld = true;
    },
    async nextCall() {
      const count = calls.length;
      await vi.waitFor(() => expect(calls.length).toBeGreaterThan(count), waitOptions);
      return calls.at(-1) as (typeof calls)[number];
    },
    release() {
      isHeld = false;
      for (const { respond } of calls) respond();
    },
  };
}

describe('a change of a user during a concurrent adoption', () => {
  const changes: [method: string, path: string, body: object | undefined, pets: number[]][] = [
    ['PATCH', '/user/users/1', { name: 'Eve' }, [1, 2, 7]],
    ['POST', '/user/users/1/pets/3', undefined, [1, 2, 7, 3]],
    ['DELETE', '/user/users/1/pets/2', undefined, [1, 7]],
  ];

  test.for(changes)('%s %s returns the adopted pet too', async ([method, path, body, pets], t) => {
    const { send, hold, nextCall, calls, release } = await startHeld(t);
    hold();
    const first = nextCall();
    const change = send(method, path, body);
    const { respond } = await first;
    const second = nextCall();
    const adoption = send('POST', '/user/users/1/pets/7');
    (await second).respond();
    expect(await adoption).toMatchObject({ status: 200, body: { pets: [{ id: 1 }, { id: 2 }, { id: 7 }] } });
    const third = nextCall();
    respond();
    (await third).respond();
    const { status, body: changed } = await change;
    expect(status).toBe(200);
    expect(changed.pets.map(({ id }: { id: number }) => id)).toEqual(pets);
    expect(calls.at(-1)?.ids).toEqual([7]);
    release();
    expect((await send('GET', '/user/users/1')).body).toEqual(changed);
  });

  test('fails with 404 if a concurrent request has ended the same adoption', async (t) => {
    const { send, hold, nextCall, release } = await startHeld(t);
    hold();
    const first = nextCall();
    const change = send('DELETE', '/user/users/1/pets/2');
    const { respond } = await first;
    const second = nextCall();
    const concurrent = send('DELETE', '/user/users/1/pets/2');
    (await second).respond();
    expect(await concurrent).toMatchObject({ status: 200, body: { pets: [{ id: 1 }] } });
    respond();
    expect(await change).toMatchObject({ status: 404, body: { detail: 'pet not found' } });
    release();
  });

  test('fails with 504 if the adopted pet cannot be read, and the change is stored', async (t) => {
    const { send, hold, nextCall, release } = await startHeld(t);
    hold();
    const first = nextCall();
    const change = send('PATCH', '/user/users/1', { name: 'Eve' });
    const { respond } = await first;
    const second = nextCall();
    const adoption = send('POST', '/user/users/1/pets/7');
    (await second).respond();
    await adoption;
    const third = nextCall();
    respond();
    (await third).respond(500);
    expect(await change).toMatchObject({ status: 504, body: { title: 'Gateway Timeout' } });
    release();
    expect((await send('GET', '/user/users/1')).body).toMatchObject({ name: 'Eve', pets: { length: 3 } });
  });
});
