import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import { describe, expect, test } from 'vitest';
import type { components } from '#generated/api.d.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import type { TestLifetime } from '../../../src/framework/testing/test-app.ts';
import user from '../../../src/services/user/index.ts';
import {
  createExampleApp,
  createTestApp,
  findFreePort,
  makeFolder,
  type TestApp,
  type TestResponse,
} from '../../support/app.ts';
import { shareStarted, upTo } from '../../support/route-contract.ts';
import { petsOf, type User } from './requests.ts';

type Pet = components['schemas']['pet.Pet'];

/** Responds to a request for pets in place of the pet service. */
type Responder = (reply: FastifyReply, pets: Pet[]) => unknown;

const json = 'application/json; charset=utf-8';
const respondCorrectly: Responder = (_reply, pets) => pets;
const petOf = (id: number): Pet => ({
  name: `Pet ${id}`,
  species: 'dog',
  age: null,
  mood: 'happy',
  id,
  last_fed: '2024-12-18T21:03:51.790256Z',
  last_interaction: '2024-12-18T21:03:51.790256Z',
});

/** Responds without Fastify. */
async function respondRaw(reply: FastifyReply, write: (raw: FastifyReply['raw']) => unknown): Promise<void> {
  reply.hijack();
  await write(reply.raw);
}

/** Sends a part of the response, and then closes the connection. */
async function sendPart(
  raw: FastifyReply['raw'],
  headers: Record<string, string>,
  body: string,
): Promise<void> {
  raw.writeHead(200, { 'content-type': json, ...headers });
  await new Promise((resolve) => raw.write(body, resolve));
  await sleep(10);
  raw.destroy();
}

/** Responses that the user service cannot use: it responds with 503. */
const unusable: [description: string, respond: Responder][] = [
  ['closes the connection', (reply) => respondRaw(reply, (raw) => raw.destroy())],
  ['fails', () => Promise.reject(new Error('a secret of the pet service'))],
  ['responds with 500', (reply) => reply.code(500).send({ secret: 1 })],
  ['responds with 503', (reply) => reply.code(503).header('retry-after', '3600').send({ secret: 1 })],
  ['responds with 400', (reply) => reply.code(400).send({ secret: 1 })],
  ['responds with 429', (reply) => reply.code(429).send({ secret: 1 })],
  ['responds with 404 and JSON', (reply) => reply.code(404).send({ detail: 'a secret' })],
  ['responds with 404 and HTML', (reply) => reply.code(404).type('text/html').send('<h1>a secret</h1>')],
  ['sends HTML', (reply) => reply.type('text/html').send('<h1>a secret</h1>')],
  ['sends HTML with the content type of JSON', (reply) => reply.type(json).send('<h1>a secret</h1>')],
  [
    'sends JSON with the content type of HTML',
    (reply, pets) => reply.type('text/html').send(JSON.stringify(pets)),
  ],
  ['responds with 201', (reply, pets) => reply.code(201).send(pets)],
  ['responds with 204', (reply) => reply.code(204).send()],
  ['sends an empty body', (reply) => reply.type(json).send('')],
  ['redirects', (reply) => reply.redirect(reply.request.url.replace('/pets/', '/elsewhere/'))],
  ['sends an object', (_reply, pets) => ({ pets })],
  ['sends null', (reply) => reply.type(json).send('null')],
  ['sends a list of ids', (_reply, pets) => pets.map(({ id }) => id)],
  ['sends pets without a mood', (_reply, pets) => pets.map(({ mood, ...pet }) => pet)],
  ['sends an age as a text', (_reply, pets) => pets.map((pet) => ({ ...pet, age: '7' }))],
  ['sends an id as a text', (_reply, pets) => pets.map((pet) => ({ ...pet, id: String(pet.id) }))],
  ['sends an invalid time', (_reply, pets) => pets.map((pet) => ({ ...pet, last_fed: 'today' }))],
  ['sends only its last pet in a wrong shape', (_reply, pets) => [...pets.slice(0, -1), {}]],
  ['adds a pet that was not requested', (_reply, pets) => [...pets, petOf(77)]],
  ['sends pets that were not requested', (_reply, pets) => pets.map(({ id }) => petOf(id + 76))],
  ['sends a pet twice', (_reply, pets) => [...pets, pets[0]]],
  [
    'closes the connection before the declared length',
    (reply) => respondRaw(reply, (raw) => sendPart(raw, { 'content-length': '900' }, '[{"na')),
  ],
  [
    'closes the connection within a chunked body',
    (reply) => respondRaw(reply, (raw) => sendPart(raw, {}, '[{"name":')),
  ],
  [
    'closes the connection after JSON that looks complete',
    (reply) => respondRaw(reply, (raw) => sendPart(raw, {}, '[]')),
  ],
];

/** Responses that take longer than the deadline: the user service responds with 504. */
const delays: [description: string, respond: Responder][] = [
  ['never responds', () => new Promise(() => {})],
  [
    'never ends its response',
    (reply) =>
      respondRaw(reply, (raw) => {
        raw.writeHead(200, { 'content-type': json });
        raw.write('[');
      }),
  ],
  [
    'sends a byte every 50 ms',
    (reply) =>
      respondRaw(reply, (raw) => {
        raw.writeHead(200, { 'content-type': json });
        const timer = setInterval(() => raw.write(' '), 50);
        raw.once('close', () => clearInterval(timer));
      }),
  ],
  ['responds after the deadline', (_reply, pets) => sleep(1_500).then(() => pets)],
];

/** Requests that need the pet service if user 1 has the pets 1 and 2. */
const requests: [method: string, path: string, body?: object][] = [
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
  /** Sets how the pet service responds from now on. */
  setResponder(respond: Responder): void;
}

/**
 * Starts the user service with a fake pet service that has the pets 1 to 9. The path `/elsewhere/` always works: a
 * user service that followed the redirect would get pets.
 */
async function startOutage(t: TestLifetime, deadline?: number): Promise<Outage> {
  let respond = respondCorrectly;
  const pet = defineService({
    name: 'pet',
    description: 'Replaces the pet service in tests',
    routes(scope) {
      const ids = Type.Array(Type.Integer());
      for (const path of ['/pets/', '/elsewhere/']) {
        scope.get(path, { schema: { hide: true, querystring: Type.Object({ ids }) } }, (request, reply) => {
          const pets = request.query.ids.filter((id) => id < 10).map(petOf);
          return path === '/pets/' ? respond(reply, pets) : pets;
        });
      }
    },
  });
  const config = deadline === undefined ? {} : { config: { calls: { deadline } } };
  const app = await createTestApp(t, { services: [pet, user], ...config });
  return {
    ...app,
    setResponder(next) {
      respond = next;
    },
  };
}

/** Creates Alice with the pets 1 and 2, and Bob without pets. */
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

/** Expects this status within 8 s, also on a busy machine, for each of the requests that need the pet service. */
async function expectFailures({ send, url }: TestApp, status: number): Promise<void> {
  const start = performance.now();
  const responses = await Promise.all(requests.map((request) => send(...request)));
  expect(performance.now() - start).toBeLessThan(8_000);
  for (const [index, response] of responses.entries()) {
    const [method, path] = requests[index] ?? [];
    expect({ method, path, status: response.status }).toEqual({ method, path, status });
    expectTemporaryProblem(response, url);
    expect(response.body).toMatchObject({ status, instance: path });
  }
}

/** Expects a problem that has `retry-after`, and no details of the failure. */
function expectTemporaryProblem({ headers, body }: TestResponse, url: string): void {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
  expect(Object.keys(body).toSorted()).toEqual(['detail', 'instance', 'status', 'title', 'type']);
  const text = JSON.stringify(body);
  expect(text).not.toContain(new URL(url).port);
  expect(text).not.toMatch(/127\.0\.0\.1|localhost|https?:|\.[jt]s\b|node_modules|\n\s*at |\\n/i);
  expect(text).not.toMatch(/secret|<h1>|sqlite|select |econn|und_err|undici|fetch/i);
}

/** Expects that users without pets can be created, read, changed and deleted. */
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

/** Expects unchanged users, and that each request works at the first attempt. */
async function expectRecovery({ send }: TestApp, users: User[]): Promise<void> {
  expect((await send('GET', '/user/users/1')).body).toStrictEqual(users[0]);
  expect(await readUsers({ send })).toStrictEqual(users);
  const petsAfter = async (...request: Parameters<typeof send>) => {
    const { status, body } = await send(...request);
    return { status, pets: petsOf(body) };
  };
  const path = '/user/users/1';
  expect(await petsAfter('POST', `${path}/pets/3`)).toEqual({ status: 200, pets: [1, 2, 3] });
  expect(await petsAfter('DELETE', `${path}/pets/2`)).toEqual({ status: 200, pets: [1, 3] });
  expect(await petsAfter('PATCH', path, { pets_ids: [2, 1] })).toEqual({ status: 200, pets: [2, 1] });
  expect(await petsAfter('PATCH', path, { name: 'Eve' })).toEqual({ status: 200, pets: [2, 1] });
}

test('the user service works with the fake pet service', async (t) => {
  const outage = await startOutage(t);
  const users = await createUsers(outage);
  expect(users).toStrictEqual([
    { name: 'Alice', id: 1, pets: [petOf(1), petOf(2)] },
    { name: 'Bob', id: 2, pets: [] },
  ]);
  await expectUsersWithoutPets(outage);
  await expectRecovery(outage, users);
});

describe('an unusable response of the pet service', () => {
  // The tests share an app, so that each test notices what an earlier test left behind.
  const outage = shareStarted(async (t) => {
    const started = await startOutage(t);
    await createUsers(started);
    return started;
  });

  test.for(unusable)('causes 503 and changes nothing if the service %s', async ([, respond]) => {
    outage.setResponder(respondCorrectly);
    await outage.send('PATCH', '/user/users/1', { name: 'Alice', pets_ids: [1, 2] });
    await outage.send('PATCH', '/user/users/2', { pets_ids: [] });
    const users = await readUsers(outage);
    outage.setResponder(respond);
    await expectFailures(outage, 503);
    await expectUsersWithoutPets(outage);
    outage.setResponder(respondCorrectly);
    await expectRecovery(outage, users);
  });
});

describe('a late response of the pet service', () => {
  const deadline = 500;

  test.for(delays)('causes 504 and changes nothing if the service %s', async ([, respond], t) => {
    const outage = await startOutage(t, deadline);
    const users = await createUsers(outage);
    outage.setResponder(respond);
    await expectFailures(outage, 504);
    await expectUsersWithoutPets(outage);
    outage.setResponder(respondCorrectly);
    await expectRecovery(outage, users);
  });

  test('does not delay requests after 100 concurrent late responses', async (t) => {
    const outage = await startOutage(t, deadline);
    const users = await createUsers(outage);
    outage.setResponder(() => new Promise(() => {}));
    const start = performance.now();
    const responses = await Promise.all(upTo(100).map(() => outage.send('POST', '/user/users/1/pets/3')));
    expect(performance.now() - start).toBeLessThan(8_000);
    for (const { status } of responses) expect([503, 504]).toContain(status);
    outage.setResponder(respondCorrectly);
    await expectRecovery(outage, users);
  });

  test('fails the request if only one of several calls is late', async (t) => {
    const outage = await startOutage(t, deadline);
    const users = await createUsers(outage);
    // A call carries up to 300 ids. The second call requests only pet 301, which does not exist, and gets no response.
    const pets_ids = upTo(301);
    outage.setResponder((_reply, pets) => (pets.length > 0 ? pets : new Promise(() => {})));
    const response = await outage.send('PATCH', '/user/users/1', { name: 'Eve', pets_ids });
    expect(response.status).toBe(504);
    expectTemporaryProblem(response, outage.url);
    outage.setResponder(respondCorrectly);
    expect(await readUsers(outage)).toStrictEqual(users);
  });

  test('does not prevent 404 for an unknown user', async (t) => {
    const outage = await startOutage(t, deadline);
    await createUsers(outage);
    outage.setResponder(() => new Promise(() => {}));
    for (const [method, path, body] of requests.filter(([, path]) => path.startsWith('/user/users/1'))) {
      const unknown = path.replace('/user/users/1', '/user/users/99');
      expect(await outage.send(method, unknown, body)).toMatchObject({
        status: 404,
        body: { detail: 'user not found' },
      });
    }
  });
});

test('a pet service without pets hides pets temporarily, and no adoption is lost', async (t) => {
  const outage = await startOutage(t);
  const { send } = outage;
  const users = await createUsers(outage);
  outage.setResponder(() => []);
  expect(await send('GET', '/user/users/1')).toMatchObject({ status: 200, body: { pets: [] } });
  expect((await readUsers(outage)).map(({ pets }) => pets)).toEqual([[], []]);
  expect(await send('PATCH', '/user/users/1', { name: 'Alice' })).toMatchObject({ status: 200 });
  const notFound = { status: 404, body: { detail: 'pet not found' } };
  expect(await send('POST', '/user/users/1/pets/3')).toMatchObject(notFound);
  expect(await send('PATCH', '/user/users/1', { pets_ids: [2, 1] })).toMatchObject(notFound);
  outage.setResponder(respondCorrectly);
  await expectRecovery(outage, users);
});

test('a user with pets can be deleted while the pet service fails', async (t) => {
  const outage = await startOutage(t);
  const { send } = outage;
  const [, bob] = await createUsers(outage);
  outage.setResponder((reply) => respondRaw(reply, (raw) => raw.destroy()));
  expect(await send('DELETE', '/user/users/1')).toMatchObject({ status: 200, body: { ok: true } });
  expect(await send('GET', '/user/users/1')).toMatchObject({ status: 404 });
  outage.setResponder(respondCorrectly);
  expect(await readUsers(outage)).toStrictEqual([bob]);
});

test('a missing pet service causes 503 and changes nothing', async (t) => {
  const serviceConfigs = { user: { database: `sqlite:${makeFolder(t)}/user.db` } };
  const complete = await createExampleApp(t, { config: { services: serviceConfigs } });
  for (let count = 0; count < 3; count++)
    await complete.send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  const users = await createUsers(complete);

  // An app with only the user service: nothing listens on the port of the pet service.
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port: await findFreePort(), services: ['pet'] },
  };
  const alone = await createExampleApp(t, { config: { apps, services: serviceConfigs } });
  await expectFailures(alone, 503);
  await expectUsersWithoutPets(alone);

  await expectRecovery(complete, users);
});
