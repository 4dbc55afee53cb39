import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import user from '../../../src/services/user/index.ts';
import { createExampleApp, createTestApp, makeFolder, type TestApp } from '../../support/app.ts';

const waits = { timeout: 20_000, interval: 5 };
/** A busy machine is no outage. */
const config = { calls: { deadline: 60_000 }, limits: { time: { handler: 120_000, answer: 180_000 } } };

/** Users with 1,000 pets each, and after them Bob with three; no pet belongs to two of them. */
async function buildRich(t: TestContext, rich: number) {
  const folder = makeFolder(t);
  const files = { pet: join(folder, 'pet.db'), user: join(folder, 'user.db') };
  const serviceConfigs = {
    pet: { database: `sqlite:${files.pet}` },
    user: { database: `sqlite:${files.user}` },
  };
  const built = await createExampleApp(t, { config: { ...config, services: serviceConfigs } });
  const pets = rich * 1000 + 3;
  fill(files.pet, (client) => {
    const insert = client.prepare('INSERT INTO pet VALUES (?, ?, ?, ?, ?, ?, ?)');
    for (let id = 1; id <= pets; id += 1) insert.run(id, `Pet ${id}`, 'dog', id % 10, 'happy', id, id);
  });
  fill(files.user, (client) => {
    const insert = client.prepare('INSERT INTO user VALUES (?, ?)');
    for (let id = 1; id <= rich + 1; id += 1) insert.run(id, `User ${id}`);
    const adopt = client.prepare('INSERT INTO adoption (user_id, pet_id) VALUES (?, ?)');
    for (let id = 1; id <= pets; id += 1) adopt.run(Math.ceil(id / 1000), id);
  });
  return { ...built, bob: `/user/users/${rich + 1}` };
}

function fill(file: string, add: (client: Client.Database) => void): void {
  const client = new Client(file);
  client.transaction(() => add(client))();
  client.close();
}

/** Access lines of lists of pets, in the order in which they were answered. */
const listsOf = ({ logs }: Pick<TestApp, 'logs'>) =>
  logs.filter(({ msg, service, path }) => msg === 'request' && service === 'pet' && path === '/pet/pets/');

describe('a page of users with 1,000 pets each', () => {
  test('has the same users as one by one, in order', async (t) => {
    const { send } = await buildRich(t, 4);
    const page = await send('GET', '/user/users/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(page.body).toHaveLength(5);
    for (const one of page.body as { id: number; pets: object[] }[]) {
      expect(one.pets).toHaveLength(one.id === 5 ? 3 : 1000);
      expect((await send('GET', `/user/users/${one.id}`)).body).toEqual(one);
    }
  });

  test('lets a user with 3 pets go first each time, and has few calls in flight', async (t) => {
    const built = await buildRich(t, 30);
    const { send, bob } = built;
    let pages = 0;
    const reading = ['page 1', 'page 2'].map(async (_, index) => {
      const headers = { 'x-request-id': `page-${index}` };
      const { status, body } = await send('GET', '/user/users/?limit=30', undefined, headers);
      pages += 1;
      return { status, users: body.length };
    });
    await vi.waitFor(() => expect(listsOf(built).length).toBeGreaterThan(0), waits);
    /** How many calls of pages were answered while Bob waited. */
    const ahead: number[] = [];
    while (pages === 0) {
      const before = listsOf(built).length;
      const { status, body } = await send('GET', bob);
      expect([status, body.pets.length]).toEqual([200, 3]);
      ahead.push(listsOf(built).length - before - 1);
    }
    expect(await Promise.all(reading)).toEqual([
      { status: 200, users: 30 },
      { status: 200, users: 30 },
    ]);
    // Each page takes a hundred calls.
    expect(ahead.length).toBeGreaterThan(5);
    expect(ahead.toSorted((one, other) => one - other)[Math.floor(ahead.length / 2)]).toBeLessThan(20);
    expect(Math.max(...ahead)).toBeLessThan(50);
  });

  test('is not read to its end for a client that has gone', async (t) => {
    const built = await buildRich(t, 30);
    const { send, logs, bob, url } = built;
    const agent = new Agent();
    const request = get(`${url}/user/users/`, { agent, headers: { 'x-request-id': 'gone' } });
    request.on('error', () => {});
    await vi.waitFor(() => expect(listsOf(built).length).toBeGreaterThan(0), waits);
    request.destroy();
    const ended = () => logs.find(({ reqId, service }) => reqId === 'gone' && service === 'user');
    await vi.waitFor(() => expect(ended()).toMatchObject({ aborted: true }), waits);
    const ofGone = () => listsOf(built).filter(({ reqId }) => reqId === 'gone').length;
    const atEnd = ofGone();
    // Those that had been sent are answered.
    for (let count = 0; count < 10; count += 1) expect((await send('GET', bob)).status).toBe(200);
    expect(ofGone() - atEnd).toBeLessThan(20);
    const later = ofGone();
    for (let count = 0; count < 10; count += 1) await send('GET', bob);
    expect(ofGone()).toBe(later);
  });
});

/** The user service beside a stand-in for the pet service that has every pet. A call waits until `gate` lets it. */
async function buildSlow(t: TestContext) {
  const calls: { readonly ids: number[]; answer(status?: number): void }[] = [];
  let isOpen = true;
  const pet = defineService({
    name: 'pet',
    description: 'Answers when it is told',
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
          if (isOpen) return pets;
          const { promise, resolve } = Promise.withResolvers<number>();
          calls.push({ ids: query.ids, answer: (status = 200) => resolve(status) });
          const status = await promise;
          return reply.code(status).send(status === 200 ? pets : { secret: 1 });
        },
      );
    },
  });
  const built = await createTestApp(t, { services: [pet, user], config });
  await built.send('POST', '/user/users/', { name: 'Alice' });
  for (const id of [1, 2]) await built.send('POST', `/user/users/1/pets/${id}`);
  return {
    ...built,
    calls,
    hold() {
      isOpen = false;
    },
    async nextCall() {
      const count = calls.length;
      await vi.waitFor(() => expect(calls.length).toBeGreaterThan(count), waits);
      return calls.at(-1) as (typeof calls)[number];
    },
    letAll() {
      isOpen = true;
      for (const { answer } of calls) answer();
    },
  };
}

describe('a change of a user while another gives it a pet', () => {
  const changes: [method: string, path: string, body: object | undefined, pets: number[]][] = [
    ['PATCH', '/user/users/1', { name: 'Eve' }, [1, 2, 7]],
    ['POST', '/user/users/1/pets/3', undefined, [1, 2, 7, 3]],
    ['DELETE', '/user/users/1/pets/2', undefined, [1, 7]],
  ];

  test.for(changes)('%s %s shows that pet', async ([method, path, body, pets], t) => {
    const { send, hold, nextCall, calls, letAll } = await buildSlow(t);
    hold();
    const first = nextCall();
    const change = send(method, path, body);
    const { answer } = await first;
    const second = nextCall();
    const adoption = send('POST', '/user/users/1/pets/7');
    (await second).answer();
    expect(await adoption).toMatchObject({ status: 200, body: { pets: [{ id: 1 }, { id: 2 }, { id: 7 }] } });
    const third = nextCall();
    answer();
    (await third).answer();
    const { status, body: changed } = await change;
    expect(status).toBe(200);
    expect(changed.pets.map(({ id }: { id: number }) => id)).toEqual(pets);
    expect(calls.at(-1)?.ids).toEqual([7]);
    letAll();
    expect((await send('GET', '/user/users/1')).body).toEqual(changed);
  });

  test('is 404 if it ends an adoption that another has ended meanwhile', async (t) => {
    const { send, hold, nextCall, letAll } = await buildSlow(t);
    hold();
    const first = nextCall();
    const change = send('DELETE', '/user/users/1/pets/2');
    const { answer } = await first;
    const second = nextCall();
    const other = send('DELETE', '/user/users/1/pets/2');
    (await second).answer();
    expect(await other).toMatchObject({ status: 200, body: { pets: [{ id: 1 }] } });
    answer();
    expect(await change).toMatchObject({ status: 404, body: { detail: 'pet not found' } });
    letAll();
  });

  test('is 504 if that pet cannot be read, and the change is made', async (t) => {
    const { send, hold, nextCall, letAll } = await buildSlow(t);
    hold();
    const first = nextCall();
    const change = send('PATCH', '/user/users/1', { name: 'Eve' });
    const { answer } = await first;
    const second = nextCall();
    const adoption = send('POST', '/user/users/1/pets/7');
    (await second).answer();
    await adoption;
    const third = nextCall();
    answer();
    (await third).answer(500);
    expect(await change).toMatchObject({ status: 504, body: { title: 'Gateway Timeout' } });
    letAll();
    expect((await send('GET', '/user/users/1')).body).toMatchObject({ name: 'Eve', pets: { length: 3 } });
  });
});
