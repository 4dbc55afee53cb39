import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import { beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { components } from '#generated/api.d.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import user from '../../../src/services/user/index.ts';
import {
  createExampleApp,
  createTestApp,
  findFreePort,
  makeFolder,
  type TestApp,
  type TestResponse,
} from '../../support/app.ts';

type Pet = components['schemas']['pet.Pet'];
type User = components['schemas']['user.User'];

/** How the stand-in for the pet service answers for the pets that it is asked for. */
type Answer = (reply: FastifyReply, pets: Pet[]) => unknown;

const json = 'application/json; charset=utf-8';
const correct: Answer = (_reply, pets) => pets;
const petOf = (id: number): Pet => ({
  name: `Pet ${id}`,
  species: 'dog',
  age: null,
  mood: 'happy',
  id,
  last_fed: '2024-12-18T21:03:51.790256Z',
  last_interaction: '2024-12-18T21:03:51.790256Z',
});

/** Writes to the connection itself. */
async function answerRaw(reply: FastifyReply, write: (raw: FastifyReply['raw']) => unknown): Promise<void> {
  reply.hijack();
  await write(reply.raw);
}

/** Sends some of the answer, and then cuts the connection. */
async function cut(raw: FastifyReply['raw'], headers: Record<string, string>, body: string): Promise<void> {
  raw.writeHead(200, { 'content-type': json, ...headers });
  await new Promise((resolve) => raw.write(body, resolve));
  await sleep(10);
  raw.destroy();
}

/** What a pet service may do that is no answer: all of it is 503. */
const faults: [fault: string, answer: Answer][] = [
  ['closes the connection', (reply) => answerRaw(reply, (raw) => raw.destroy())],
  ['fails', () => Promise.reject(new Error('a secret of the pet service'))],
  ['answers 500', (reply) => reply.code(500).send({ secret: 1 })],
  ['answers 503', (reply) => reply.code(503).header('retry-after', '3600').send({ secret: 1 })],
  ['answers 400', (reply) => reply.code(400).send({ secret: 1 })],
  ['answers 429', (reply) => reply.code(429).send({ secret: 1 })],
  ['answers 404 as JSON', (reply) => reply.code(404).send({ detail: 'a secret' })],
  ['answers 404 as HTML', (reply) => reply.code(404).type('text/html').send('<h1>a secret</h1>')],
  ['answers HTML', (reply) => reply.type('text/html').send('<h1>a secret</h1>')],
  ['answers HTML that says it is JSON', (reply) => reply.type(json).send('<h1>a secret</h1>')],
  ['answers JSON that says it is HTML', (reply, pets) => reply.type('text/html').send(JSON.stringify(pets))],
  ['answers 201', (reply, pets) => reply.code(201).send(pets)],
  ['answers 204', (reply) => reply.code(204).send()],
  ['answers nothing', (reply) => reply.type(json).send('')],
  ['redirects', (reply) => reply.redirect(reply.request.url.replace('/pets/', '/elsewhere/'))],
  ['answers an object', (_reply, pets) => ({ pets })],
  ['answers null', (reply) => reply.type(json).send('null')],
  ['answers a list of ids', (_reply, pets) => pets.map(({ id }) => id)],
  ['leaves out the mood', (_reply, pets) => pets.map(({ mood, ...pet }) => pet)],
  ['gives an age as a text', (_reply, pets) => pets.map((pet) => ({ ...pet, age: '7' }))],
  ['gives an id as a text', (_reply, pets) => pets.map((pet) => ({ ...pet, id: String(pet.id) }))],
  ['gives a time that is none', (_reply, pets) => pets.map((pet) => ({ ...pet, last_fed: 'today' }))],
  ['is wrong about its last pet alone', (_reply, pets) => [...pets.slice(0, -1), {}]],
  ['adds a pet that nobody asked for', (_reply, pets) => [...pets, petOf(77)]],
  ['answers with another pet', (_reply, pets) => pets.map(({ id }) => petOf(id + 76))],
  ['gives a pet twice', (_reply, pets) => [...pets, pets[0]]],
  ['cuts its answer', (reply) => answerRaw(reply, (raw) => cut(raw, { 'content-length': '900' }, '[{"na'))],
  ['cuts an answer in chunks', (reply) => answerRaw(reply, (raw) => cut(raw, {}, '[{"name":'))],
  ['cuts an answer that seems whole', (reply) => answerRaw(reply, (raw) => cut(raw, {}, '[]'))],
];

/** What takes longer than a caller waits: all of it is 504. */
const delays: [delay: string, answer: Answer][] = [
  ['never answers', () => new Promise(() => {})],
  [
    'never ends its answer',
    (reply) =>
      answerRaw(reply, (raw) => {
        raw.writeHead(200, { 'content-type': json });
        raw.write('[');
      }),
  ],
  [
    'answers a byte at a time',
    (reply) =>
      answerRaw(reply, (raw) => {
        raw.writeHead(200, { 'content-type': json });
        const dripping = setInterval(() => raw.write(' '), 50);
        raw.once('close', () => clearInterval(dripping));
      }),
  ],
  ['answers too late', (_reply, pets) => sleep(1_500).then(() => pets)],
];

/** What needs the pet service, for a user that has the pets 1 and 2. */
const needy: [method: string, path: string, body?: object][] = [
  ['GET', '/user/users/1'],
  ['GET', '/user/users/'],
  ['POST', '/user/users/1/pets/3'],
  ['POST', '/user/users/2/pets/3'],
  ['DELETE', '/user/users/1/pets/2'],
  ['PATCH', '/user/users/1', { pets_ids: [3] }],
  ['PATCH', '/user/users/1', { name: 'Eve', pets_ids: [2, 1] }],
  ['PATCH', '/user/users/1', { name: 'Eve' }],
  ['PATCH', '/user/users/1', {}],
];

interface Outage extends TestApp {
  /** From now on the pet service answers like this. */
  answerBy(answer: Answer): void;
}

/** The user service beside a stand-in for the pet service that has the pets 1 to 9, elsewhere always. */
async function buildOutage(t: TestContext, deadline?: number): Promise<Outage> {
  let answer = correct;
  const pet = defineService({
    name: 'pet',
    description: 'Stands in for the pet service',
    routes(scope) {
      const ids = Type.Array(Type.Integer());
      for (const path of ['/pets/', '/elsewhere/']) {
        scope.get(path, { schema: { hide: true, querystring: Type.Object({ ids }) } }, (request, reply) => {
          const pets = request.query.ids.filter((id) => id < 10).map(petOf);
          return path === '/pets/' ? answer(reply, pets) : pets;
        });
      }
    },
  });
  const config = deadline === undefined ? {} : { config: { calls: { deadline } } };
  const built = await createTestApp(t, { services: [pet, user], ...config });
  return {
    ...built,
    answerBy(next) {
      answer = next;
    },
  };
}

/** Alice has the pets 1 and 2, Bob has none. */
async function createUsers({ send }: TestApp): Promise<User[]> {
  for (const name of ['Alice', 'Bob']) await send('POST', '/user/users/', { name });
  await send('PATCH', '/user/users/1', { pets_ids: [1, 2] });
  return readUsers({ send });
}

async function readUsers({ send }: Pick<TestApp, 'send'>): Promise<User[]> {
  const { status, body } = await send('GET', '/user/users/');
  expect(status).toBe(200);
  return body;
}

/** All that needs the pet service, at once: refused like this within 2 s, with a body that says nothing more. */
async function expectRefusals({ send, url }: TestApp, status: number): Promise<void> {
  const start = performance.now();
  const replies = await Promise.all(needy.map((request) => send(...request)));
  expect(performance.now() - start).toBeLessThan(2_000);
  for (const [index, reply] of replies.entries()) {
    const [method, path] = needy[index] ?? [];
    expect({ method, path, status: reply.status }).toEqual({ method, path, status });
    expectProblem(reply, url);
    expect(reply.body).toMatchObject({ status, instance: path });
  }
}

function expectProblem({ headers, body }: TestResponse, url: string): void {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
  expect(Object.keys(body).toSorted()).toEqual(['detail', 'instance', 'status', 'title', 'type']);
  const text = JSON.stringify(body);
  expect(text).not.toContain(new URL(url).port);
  expect(text).not.toMatch(/127\.0\.0\.1|localhost|https?:|\.[jt]s\b|node_modules|\n\s*at |\\n/i);
  expect(text).not.toMatch(/secret|<h1>|sqlite|select |econn|und_err|undici|fetch/i);
}

/** Users come, are read and renamed, and go, as long as they have no pets. */
async function expectUsersWithoutPets({ send }: TestApp): Promise<void> {
  const created = await send('POST', '/user/users/', { name: 'Carol' });
  expect(created).toMatchObject({ status: 200, body: { name: 'Carol', pets: [] } });
  const path = `/user/users/${created.body.id}`;
  expect(await send('GET', path)).toMatchObject({ status: 200, body: created.body });
  expect(await send('PATCH', path, { name: 'Dave' })).toMatchObject({ status: 200, body: { name: 'Dave' } });
  expect(await send('PATCH', path, { pets_ids: [] })).toMatchObject({ status: 200, body: { pets: [] } });
  expect(await send('GET', '/user/users/?offset=1')).toMatchObject({ status: 200 });
  expect(await send('DELETE', `${path}/pets/1`)).toMatchObject({ status: 404 });
  expect(await send('DELETE', path)).toMatchObject({ status: 200, body: { ok: true } });
  expect(await send('GET', path)).toMatchObject({ status: 404, body: { detail: 'user not found' } });
}

/** Everything is as it was, and works at the first try. */
async function expectRecovery({ send }: TestApp, users: User[]): Promise<void> {
  expect((await send('GET', '/user/users/1')).body).toStrictEqual(users[0]);
  expect(await readUsers({ send })).toStrictEqual(users);
  const petsAfter = async (...request: Parameters<typeof send>) => {
    const { status, body } = await send(...request);
    return { status, pets: (body as User).pets.map(({ id }) => id) };
  };
  const path = '/user/users/1';
  expect(await petsAfter('POST', `${path}/pets/3`)).toEqual({ status: 200, pets: [1, 2, 3] });
  expect(await petsAfter('DELETE', `${path}/pets/2`)).toEqual({ status: 200, pets: [1, 3] });
  expect(await petsAfter('PATCH', path, { pets_ids: [2, 1] })).toEqual({ status: 200, pets: [2, 1] });
  expect(await petsAfter('PATCH', path, { name: 'Eve' })).toEqual({ status: 200, pets: [2, 1] });
}

test('the stand-in is taken for a pet service', async (t) => {
  const outage = await buildOutage(t);
  const users = await createUsers(outage);
  expect(users).toStrictEqual([
    { name: 'Alice', id: 1, pets: [petOf(1), petOf(2)] },
    { name: 'Bob', id: 2, pets: [] },
  ]);
  await expectUsersWithoutPets(outage);
  await expectRecovery(outage, users);
});

describe('where the pet service gives no answer that can be used', () => {
  let outage: Outage;

  // One app for all of them: what one leaves behind would be seen by the next.
  beforeAll(async () => {
    const ends: (() => unknown)[] = [];
    const onTestFinished = (end: () => unknown) => void ends.push(end);
    outage = await buildOutage({ onTestFinished } as unknown as TestContext);
    await createUsers(outage);
    return async () => {
      for (const end of ends) await end();
    };
  });

  test.for(faults)('it %s: 503, nothing changed, all back at once', async ([, answer]) => {
    outage.answerBy(correct);
    await outage.send('PATCH', '/user/users/1', { name: 'Alice', pets_ids: [1, 2] });
    await outage.send('PATCH', '/user/users/2', { pets_ids: [] });
    const users = await readUsers(outage);
    outage.answerBy(answer);
    await expectRefusals(outage, 503);
    await expectUsersWithoutPets(outage);
    outage.answerBy(correct);
    await expectRecovery(outage, users);
  });
});

describe('where the pet service gives no answer in time', () => {
  const deadline = 500;

  test.for(delays)('it %s: 504, nothing changed, all back at once', async ([, answer], t) => {
    const outage = await buildOutage(t, deadline);
    const users = await createUsers(outage);
    outage.answerBy(answer);
    await expectRefusals(outage, 504);
    await expectUsersWithoutPets(outage);
    outage.answerBy(correct);
    await expectRecovery(outage, users);
  });

  test('100 requests that hang at once leave nothing that holds up the next', async (t) => {
    const outage = await buildOutage(t, deadline);
    const users = await createUsers(outage);
    outage.answerBy(() => new Promise(() => {}));
    const start = performance.now();
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => outage.send('POST', '/user/users/1/pets/3')),
    );
    expect(performance.now() - start).toBeLessThan(2_000);
    for (const { status } of replies) expect([503, 504]).toContain(status);
    outage.answerBy(correct);
    await expectRecovery(outage, users);
  });

  test('one call of several that hangs fails the request as a whole', async (t) => {
    const outage = await buildOutage(t, deadline);
    const users = await createUsers(outage);
    // The ids travel by 300, so that these make two calls, and the second hangs.
    const pets_ids = Array.from({ length: 301 }, (_, index) => index + 1);
    outage.answerBy((_reply, pets) => (pets.length > 0 ? pets : new Promise(() => {})));
    const reply = await outage.send('PATCH', '/user/users/1', { name: 'Eve', pets_ids });
    expect(reply.status).toBe(504);
    expectProblem(reply, outage.url);
    outage.answerBy(correct);
    expect(await readUsers(outage)).toStrictEqual(users);
  });

  test('a user that is not there is 404 all the same', async (t) => {
    const outage = await buildOutage(t, deadline);
    await createUsers(outage);
    outage.answerBy(() => new Promise(() => {}));
    for (const [method, path, body] of needy.filter(([, path]) => path.startsWith('/user/users/1'))) {
      const gone = path.replace('/user/users/1', '/user/users/99');
      expect(await outage.send(method, gone, body)).toMatchObject({
        status: 404,
        body: { detail: 'user not found' },
      });
    }
  });
});

test('where the pet service knows of no pet, pets are hidden for a while and nothing is lost', async (t) => {
  const outage = await buildOutage(t);
  const { send } = outage;
  const users = await createUsers(outage);
  outage.answerBy(() => []);
  expect(await send('GET', '/user/users/1')).toMatchObject({ status: 200, body: { pets: [] } });
  expect((await readUsers(outage)).map(({ pets }) => pets)).toEqual([[], []]);
  expect(await send('PATCH', '/user/users/1', { name: 'Alice' })).toMatchObject({ status: 200 });
  const notFound = { status: 404, body: { detail: 'pet not found' } };
  expect(await send('POST', '/user/users/1/pets/3')).toMatchObject(notFound);
  expect(await send('PATCH', '/user/users/1', { pets_ids: [2, 1] })).toMatchObject(notFound);
  outage.answerBy(correct);
  await expectRecovery(outage, users);
});

test('a user with pets can be deleted while the pet service is away', async (t) => {
  const outage = await buildOutage(t);
  const { send } = outage;
  const [, bob] = await createUsers(outage);
  outage.answerBy((reply) => answerRaw(reply, (raw) => raw.destroy()));
  expect(await send('DELETE', '/user/users/1')).toMatchObject({ status: 200, body: { ok: true } });
  expect(await send('GET', '/user/users/1')).toMatchObject({ status: 404 });
  outage.answerBy(correct);
  expect(await readUsers(outage)).toStrictEqual([bob]);
});

test('where there is no pet service at all: 503, nothing changed, all back when it is', async (t) => {
  const serviceConfigs = { user: { database: `sqlite:${makeFolder(t)}/user.db` } };
  const whole = await createExampleApp(t, { config: { services: serviceConfigs } });
  for (let count = 0; count < 3; count++)
    await whole.send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  const users = await createUsers(whole);

  // The user service of another process, which finds no pet service where the config says that it is.
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port: await findFreePort(), services: ['pet'] },
  };
  const alone = await createExampleApp(t, { config: { apps, services: serviceConfigs } });
  await expectRefusals(alone, 503);
  await expectUsersWithoutPets(alone);

  await expectRecovery(whole, users);
});
