import { beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import type { components } from '#generated/api.d.ts';
import {
  createExampleApp as buildProduct,
  type ExampleAppOptions,
  makeFolder,
  type TestApp,
  type TestResponse,
} from '../../support/app.ts';

type Pet = components['schemas']['pet.Pet'];
type User = components['schemas']['user.User'];
type Send = TestApp['send'];

const form = 'application/x-www-form-urlencoded';
/** What is no plain decimal, as it stands in a URL. */
const notPlain = ['007', '+1', '%2B1', '1e3', '0x10', '%207', '1.0', '1,2', 'one', '9007199254740992'];
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** A busy machine is no outage. */
const build = (t: TestContext, options: ExampleAppOptions = {}) =>
  buildProduct(t, { config: { calls: { deadline: 20_000 } }, ...options });

/** One app for tests of a table that do not mind each other's users: a new one for each row takes time. */
function shareApp(seed?: (send: Send) => Promise<unknown>): { send: Send } {
  const shared: { send: Send } = { send: () => Promise.reject(new Error('it has not started')) };
  beforeAll(async () => {
    const ends: (() => unknown)[] = [];
    const onTestFinished = (end: () => unknown) => void ends.push(end);
    Object.assign(shared, await build({ onTestFinished } as unknown as TestContext));
    await seed?.(shared.send);
    return async () => {
      for (const end of ends) await end();
    };
  });
  return shared;
}

async function createUser(send: Send, name = 'Alice'): Promise<User> {
  const { status, body } = await send('POST', '/user/users/', { name });
  expect(status).toBe(200);
  return body;
}

/** One after the other, so that their ids are 1, 2, 3… */
async function createUsers(send: Send, count: number): Promise<User[]> {
  const users: User[] = [];
  while (users.length < count) users.push(await createUser(send, `User ${users.length + 1}`));
  return users;
}

/** The ids of new pets are 1, 2, 3…; the pets come in this order. */
async function createPets(send: Send, count: number): Promise<Pet[]> {
  const pets: Pet[] = [];
  while (pets.length < count) {
    // Not all at once: each would have a connection of its own.
    const some = upTo(Math.min(50, count - pets.length)).map(async () => {
      const { body } = await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
      return body as Pet;
    });
    pets.push(...(await Promise.all(some)));
  }
  return pets.toSorted((a, b) => a.id - b.id);
}

/** A user, the first, with the first pets. */
async function createOwner(send: Send, count: number): Promise<User> {
  await createPets(send, count);
  const { id } = await createUser(send);
  return setPets(send, id, upTo(count));
}

async function setPets(send: Send, id: number, pets_ids: readonly number[]): Promise<User> {
  const { status, body } = await send('PATCH', `/user/users/${id}`, { pets_ids });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body;
}

const readUser = async (send: Send, id: number): Promise<User> =>
  (await send('GET', `/user/users/${id}`)).body;
const listUsers = async (send: Send, query = ''): Promise<User[]> =>
  (await send('GET', `/user/users/${query}`)).body;
const adopt = (send: Send, id: number, petId: number) => send('POST', `/user/users/${id}/pets/${petId}`);
const abandon = (send: Send, id: number, petId: number) => send('DELETE', `/user/users/${id}/pets/${petId}`);
const idsOf = (things: readonly { id: number }[]) => things.map(({ id }) => id);
const petsOf = ({ pets }: User) => idsOf(pets);

/** How many calls the pet service gets for lists of pets because of this request. */
async function countCalls({ send, logs }: TestApp, method: string, path: string, body?: unknown) {
  const id = crypto.randomUUID();
  const before = logs.length;
  const reply = await send(method, path, body, { 'x-request-id': id });
  expect(reply.status).toBe(200);
  const accesses = () => logs.slice(before).filter(({ msg }) => msg === 'request');
  // Its own line is the last of all.
  await vi.waitFor(() =>
    expect(accesses()).toContainEqual(expect.objectContaining({ service: 'user', reqId: id })),
  );
  const calls = accesses().filter(({ service, path }) => service === 'pet' && path === '/pet/pets/');
  return { reply, calls: calls.length };
}

function expectProblem({ status, headers, body }: TestResponse, expected: number, detail?: string): void {
  expect({ status, body }).toMatchObject({
    status: expected,
    body: {
      type: expect.any(String),
      title: expect.any(String),
      status: expected,
      detail: detail ?? expect.any(String),
      instance: expect.stringMatching(/^\/user\//),
    },
  });
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
}

/** Refused with exactly these faults. */
function expectFaults(reply: TestResponse, place: 'body' | 'path' | 'query', ...pointers: string[]): void {
  expectProblem(reply, 422);
  const faults = (reply.body.errors as { in: string; pointer: string }[]).map((fault) => [
    fault.in,
    fault.pointer,
  ]);
  expect(faults.toSorted()).toEqual(pointers.map((pointer) => [place, pointer]).toSorted());
}

/** Names that do not fit, wherever they are given. */
const unfitNames: [fault: string, name: unknown][] = [
  ['an empty name', ''],
  ['a name that is null', null],
  ['a name of 201 characters', 'x'.repeat(201)],
  ['a name of 201 characters of two units each', '🐶'.repeat(201)],
  ['a name that is a number', 7],
  ['a name that is true', true],
  ['a name that is a list', ['Alice']],
];

/** Bodies that a route with a body refuses, and how. */
const unfitBodies: [fault: string, body: string, status: number, type?: string][] = [
  ['a list', '[]', 422],
  ['a text', '"Alice"', 422],
  ['null', 'null', 422],
  ['an empty body', '', 422],
  ['JSON that is cut off', '{"name":"Alice"', 400],
  ['what is no JSON at all', 'name=Alice', 400],
  ['a form', 'name=Alice', 415, form],
  ['plain text', '{"name":"Alice"}', 415, 'text/plain'],
  ['a body that is too large', JSON.stringify({ name: 'Alice', more: 'x'.repeat(200_000) }), 413],
];

/** Texts that are not as harmless as they look. */
const texts: [string, string][] = [
  ['one character', 'x'],
  ['200 characters', 'x'.repeat(200)],
  ['200 characters of two units each', '🐶'.repeat(200)],
  ['SQL', `Robert'); DROP TABLE user; --`],
  ['quotes and line ends', '"\\\'\n\r\t\u2028'],
];

describe('POST /user/users/', () => {
  const shared = shareApp();

  test('creates a user without pets', async (t) => {
    const { send } = await build(t);
    const { status, body } = await send('POST', '/user/users/', { name: 'Alice' });
    expect(status).toBe(200);
    expect(body).toStrictEqual({ name: 'Alice', id: 1, pets: [] });
    expect(await readUser(send, 1)).toStrictEqual(body);
  });

  test('ignores ids, pets and keys that it does not know', async (t) => {
    const { send } = await build(t);
    await createPets(send, 1);
    const given = { name: 'Alice', id: 77, pets: [{ id: 1 }], pets_ids: [1], admin: true };
    const { body } = await send('POST', '/user/users/', given);
    expect(body).toStrictEqual({ name: 'Alice', id: 1, pets: [] });
    expect(await listUsers(send)).toStrictEqual([body]);
  });

  test('takes a name that another has', async (t) => {
    const { send } = await build(t);
    await createUser(send, 'Alice');
    expect(await createUser(send, 'Alice')).toMatchObject({ name: 'Alice', id: 2 });
  });

  test.for(texts)('keeps names as they are: %s', async ([, name]) => {
    const { id } = await createUser(shared.send, name);
    expect(await readUser(shared.send, id)).toMatchObject({ name });
  });

  test.for(unfitNames)('refuses %s', async ([, name]) => {
    const before = await listUsers(shared.send);
    expectFaults(await shared.send('POST', '/user/users/', { name }), 'body', '/name');
    expect(await listUsers(shared.send)).toStrictEqual(before);
  });

  test.for(['{}', '{"__proto__":{"name":"Alice"}}'])('refuses a user without a name: %s', async (body) => {
    expectFaults(await shared.send('POST', '/user/users/', body), 'body', '/name');
  });

  test.for(unfitBodies)('refuses %s', async ([, body, status, type]) => {
    const before = await listUsers(shared.send);
    const headers = type === undefined ? undefined : { 'content-type': type };
    expectProblem(await shared.send('POST', '/user/users/', body, headers), status);
    expect(await listUsers(shared.send)).toStrictEqual(before);
  });
});

describe('GET /user/users/', () => {
  const shared = shareApp();

  test('lists no users where there are none', async (t) => {
    const { send } = await build(t);
    expect(await send('GET', '/user/users/')).toMatchObject({ status: 200, body: [] });
  });

  test('lists the users in id order, the first 100 unless told otherwise', async (t) => {
    const { send } = await build(t);
    const users = await createUsers(send, 103);
    expect(await listUsers(send)).toStrictEqual(users.slice(0, 100));
    expect(await listUsers(send, '?limit=100&offset=100')).toStrictEqual(users.slice(100));
  });

  test('lists what limit and offset say', async (t) => {
    const { send } = await build(t);
    await createUsers(send, 5);
    await send('DELETE', '/user/users/3');
    expect(idsOf(await listUsers(send, '?limit=2'))).toEqual([1, 2]);
    expect(idsOf(await listUsers(send, '?offset=1'))).toEqual([2, 4, 5]);
    expect(idsOf(await listUsers(send, '?offset=1&limit=2'))).toEqual([2, 4]);
    expect(idsOf(await listUsers(send, '?offset=4'))).toEqual([]);
    expect(idsOf(await listUsers(send, `?offset=${Number.MAX_SAFE_INTEGER}`))).toEqual([]);
  });

  test('shows each user with its pets in the order of adoption', async (t) => {
    const { send } = await build(t);
    const pets = await createPets(send, 3);
    await createUsers(send, 3);
    await setPets(send, 1, [3, 1]);
    await setPets(send, 3, [1, 2, 3]);
    expect(await listUsers(send)).toStrictEqual([
      { name: 'User 1', id: 1, pets: [pets[2], pets[0]] },
      { name: 'User 2', id: 2, pets: [] },
      { name: 'User 3', id: 3, pets },
    ]);
  });

  test.for(['0', '101', '-1', '', '1&limit=2', ...notPlain])('refuses limit=%s', async (limit) => {
    expectFaults(await shared.send('GET', `/user/users/?limit=${limit}`), 'query', '/limit');
  });

  test.for(['-1', '', '-0', '1&offset=2', ...notPlain])('refuses offset=%s', async (offset) => {
    expectFaults(await shared.send('GET', `/user/users/?offset=${offset}`), 'query', '/offset');
  });
});

describe('GET /user/users/{user_id}', () => {
  test('shows the pets as the pet service has them now', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 2);
    const { body: treated } = await send('POST', '/pet/pets/1/treat');
    const { body: renamed } = await send('PATCH', '/pet/pets/2', { name: 'Tom', age: 7 });
    expect(await readUser(send, 1)).toStrictEqual({ name: 'Alice', id: 1, pets: [treated, renamed] });
  });

  test('does not show a pet that is gone, and shows the others', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 3);
    await send('DELETE', '/pet/pets/2');
    expect(petsOf(await readUser(send, 1))).toEqual([1, 3]);
    expect((await listUsers(send)).map(petsOf)).toEqual([[1, 3]]);
    for (const id of [1, 3]) await send('DELETE', `/pet/pets/${id}`);
    expect(petsOf(await readUser(send, 1))).toEqual([]);
  });

  test('does not show a new pet in place of one that is gone', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 2);
    await send('DELETE', '/pet/pets/2');
    await createPets(send, 1);
    expect(petsOf(await readUser(send, 1))).toEqual([1]);
  });
});

describe('PATCH /user/users/{user_id}', () => {
  const shared = shareApp();

  test('changes the name and leaves the pets', async (t) => {
    const { send } = await build(t);
    const { pets } = await createOwner(send, 2);
    const { status, body } = await send('PATCH', '/user/users/1', { name: 'Bob' });
    expect(status).toBe(200);
    expect(body).toStrictEqual({ name: 'Bob', id: 1, pets });
    expect(await readUser(send, 1)).toStrictEqual(body);
  });

  test.for([
    ['nothing', '{}'],
    ['what it does not know', '{"id":77,"pets":[],"admin":true,"__proto__":{"name":"Eve","pets_ids":[]}}'],
  ] as const)('changes nothing where it is given %s', async ([, change], t) => {
    const { send } = await build(t);
    const user = await createOwner(send, 2);
    expect(await send('PATCH', '/user/users/1', change)).toMatchObject({ status: 200, body: user });
    expect(await listUsers(send)).toStrictEqual([user]);
  });

  test('replaces the pets and leaves the name', async (t) => {
    const { send } = await build(t);
    const pets = await createPets(send, 4);
    await createUser(send);
    await setPets(send, 1, [1, 2]);
    const { body } = await send('PATCH', '/user/users/1', { pets_ids: [4, 2, 3] });
    expect(body).toStrictEqual({ name: 'Alice', id: 1, pets: [pets[3], pets[1], pets[2]] });
    expect(await readUser(send, 1)).toStrictEqual(body);
  });

  test('changes the name and the pets together', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 3);
    const { body } = await send('PATCH', '/user/users/1', { name: 'Bob', pets_ids: [3] });
    expect(body).toMatchObject({ name: 'Bob', pets: [{ id: 3 }] });
    expect(await readUser(send, 1)).toStrictEqual(body);
  });

  test('keeps the order that is given, and counts a repeated id once', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 3);
    for (const [given, kept] of [
      [
        [3, 1, 2],
        [3, 1, 2],
      ],
      [
        [2, 1, 2, 2, 3, 1],
        [2, 1, 3],
      ],
      [[1, 1, 1], [1]],
      [[], []],
    ] as const) {
      expect(petsOf(await setPets(send, 1, given))).toEqual(kept);
      expect(petsOf(await readUser(send, 1))).toEqual(kept);
    }
  });

  test.for([
    ['an unknown pet', [99]],
    ['an unknown pet among others', [3, 99, 1]],
    ['an unknown pet that is the last of many', [1, 2, 3, 3, 2, 1, Number.MAX_SAFE_INTEGER]],
    ['a pet that is gone', [1, 4]],
  ] as const)('answers 404 for %s, with nothing changed', async ([, pets_ids], t) => {
    const { send } = await build(t);
    await createOwner(send, 4);
    await send('DELETE', '/pet/pets/4');
    const user = await setPets(send, 1, [2, 1]);
    expectProblem(await send('PATCH', '/user/users/1', { pets_ids }), 404, 'pet not found');
    const both = { name: 'Bob', pets_ids };
    expectProblem(await send('PATCH', '/user/users/1', both), 404, 'pet not found');
    expect(await readUser(send, 1)).toStrictEqual(user);
  });

  test('leaves one of two lists whole, when both are given many times at once', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 6);
    const lists = [
      [1, 2, 3],
      [6, 5, 4],
    ];
    await Promise.all(upTo(40).map((turn) => setPets(send, 1, lists[turn % 2] ?? [])));
    expect(lists).toContainEqual(petsOf(await readUser(send, 1)));
  });

  test.for(unfitNames)('refuses %s, and changes nothing', async ([, name]) => {
    const user = await createUser(shared.send);
    const change = { name, pets_ids: [] };
    expectFaults(await shared.send('PATCH', `/user/users/${user.id}`, change), 'body', '/name');
    expect(await readUser(shared.send, user.id)).toStrictEqual(user);
  });

  test.for<[unknown, string]>([
    [null, '/pets_ids'],
    [1, '/pets_ids'],
    ['1', '/pets_ids'],
    [{ 0: 1 }, '/pets_ids'],
    [['1'], '/pets_ids/0'],
    [[1.5], '/pets_ids/0'],
    [[0], '/pets_ids/0'],
    [[-1], '/pets_ids/0'],
    [[null], '/pets_ids/0'],
    [[[1]], '/pets_ids/0'],
    [[1, 2 ** 53], '/pets_ids/1'],
  ])('refuses pets_ids of %j, and changes nothing', async ([pets_ids, pointer]) => {
    const user = await createUser(shared.send);
    const change = { name: 'Bob', pets_ids };
    expectFaults(await shared.send('PATCH', `/user/users/${user.id}`, change), 'body', pointer);
    expect(await readUser(shared.send, user.id)).toStrictEqual(user);
  });

  test.for(unfitBodies)('refuses %s', async ([, body, status, type]) => {
    const user = await createUser(shared.send);
    const headers = type === undefined ? undefined : { 'content-type': type };
    expectProblem(await shared.send('PATCH', `/user/users/${user.id}`, body, headers), status);
    expect(await readUser(shared.send, user.id)).toStrictEqual(user);
  });
});

describe('DELETE /user/users/{user_id}', () => {
  test('deletes the user, and no other', async (t) => {
    const { send } = await build(t);
    const [first, , third] = await createUsers(send, 3);
    const { status, body } = await send('DELETE', '/user/users/2');
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ok: true });
    expect(await listUsers(send)).toStrictEqual([first, third]);
    expectProblem(await send('DELETE', '/user/users/2'), 404, 'user not found');
  });

  test('leaves the pets, and the adoptions of others', async (t) => {
    const { send } = await build(t);
    const { pets } = await createOwner(send, 2);
    await createUser(send, 'Bob');
    await setPets(send, 2, [2, 1]);
    await send('DELETE', '/user/users/1');
    expect((await send('GET', '/pet/pets/')).body).toStrictEqual(pets);
    expect(petsOf(await readUser(send, 2))).toEqual([2, 1]);
  });

  test('leaves an id that is never used again, and no adoption for a new user', async (t) => {
    const serviceConfigs = { user: { database: `sqlite:${makeFolder(t)}/user.db` } };
    const { send, app } = await build(t, { config: { services: serviceConfigs } });
    await createOwner(send, 2);
    await send('DELETE', '/user/users/1');
    expect(await createUser(send)).toStrictEqual({ name: 'Alice', id: 2, pets: [] });
    await send('DELETE', '/user/users/2');
    await app.stop();
    const again = await build(t, { config: { services: serviceConfigs } });
    expect(await createUser(again.send)).toStrictEqual({ name: 'Alice', id: 3, pets: [] });
  });
});

describe('an adoption', () => {
  test('answers with the user and its pets, the new one last', async (t) => {
    const { send } = await build(t);
    const pets = await createPets(send, 3);
    await createUser(send);
    for (const id of [2, 3, 1]) expect((await adopt(send, 1, id)).status).toBe(200);
    const user = { name: 'Alice', id: 1, pets: [pets[1], pets[2], pets[0]] };
    expect((await adopt(send, 1, 1)).body).toStrictEqual(user);
    expect(await readUser(send, 1)).toStrictEqual(user);
  });

  test('made twice is one, and keeps its place', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 2);
    const { status, body } = await adopt(send, 1, 1);
    expect(status).toBe(200);
    expect(petsOf(body)).toEqual([1, 2]);
    expect(petsOf(await readUser(send, 1))).toEqual([1, 2]);
    expect(petsOf((await abandon(send, 1, 1)).body)).toEqual([2]);
  });

  test('made 40 times at once is one', async (t) => {
    const { send } = await build(t);
    await createPets(send, 1);
    await createUser(send);
    const replies = await Promise.all(upTo(40).map(() => adopt(send, 1, 1)));
    for (const { status, body } of replies) {
      expect({ status, pets: petsOf(body) }).toEqual({ status: 200, pets: [1] });
    }
    expect(petsOf(await readUser(send, 1))).toEqual([1]);
    expect(petsOf((await abandon(send, 1, 1)).body)).toEqual([]);
    expect(petsOf(await readUser(send, 1))).toEqual([]);
  });

  test('of 40 pets at once loses none', async (t) => {
    const { send } = await build(t);
    await createPets(send, 40);
    await createUser(send);
    const replies = await Promise.all(upTo(40).map((id) => adopt(send, 1, id)));
    for (const [index, { status, body }] of replies.entries()) {
      expect(status).toBe(200);
      expect(petsOf(body)).toContain(index + 1);
    }
    expect(petsOf(await readUser(send, 1)).toSorted((a, b) => a - b)).toEqual(upTo(40));
  });

  test('by a second user takes nothing from the first', async (t) => {
    const { send } = await build(t);
    const alice = await createOwner(send, 2);
    const bob = await createUser(send, 'Bob');
    expect((await adopt(send, bob.id, 1)).body).toStrictEqual({ ...bob, pets: [alice.pets[0]] });
    expect(await readUser(send, 1)).toStrictEqual(alice);
    await abandon(send, bob.id, 1);
    expect(await readUser(send, 1)).toStrictEqual(alice);
  });

  test('tells the pet service nothing', async (t) => {
    const { send } = await build(t);
    const [pet] = await createPets(send, 1);
    await createUser(send);
    await adopt(send, 1, 1);
    expect((await send('GET', '/pet/pets/1')).body).toStrictEqual(pet);
    await abandon(send, 1, 1);
    expect((await send('GET', '/pet/pets/1')).body).toStrictEqual(pet);
  });

  test.for([
    ['that never was', 99],
    ['that is gone', 3],
    ['with the last of all ids', Number.MAX_SAFE_INTEGER],
  ] as const)('of a pet %s is 404, and changes nothing', async ([, id], t) => {
    const { send } = await build(t);
    await createOwner(send, 2);
    await createPets(send, 1);
    await send('DELETE', '/pet/pets/3');
    const user = await readUser(send, 1);
    expectProblem(await adopt(send, 1, id), 404, 'pet not found');
    expect(await readUser(send, 1)).toStrictEqual(user);
    expectProblem(await abandon(send, 1, id), 404);
  });

  test('is still there after a restart, in its order', async (t) => {
    const folder = makeFolder(t);
    const serviceConfigs = {
      pet: { database: `sqlite:${folder}/pet.db` },
      user: { database: `sqlite:${folder}/user.db` },
    };
    const { send, app } = await build(t, { config: { services: serviceConfigs } });
    await createOwner(send, 3);
    const user = await setPets(send, 1, [3, 1, 2]);
    await app.stop();
    const again = await build(t, { config: { services: serviceConfigs } });
    expect(await listUsers(again.send)).toStrictEqual([user]);
  });

  test('needs no body, and takes an empty one under any content type', async (t) => {
    const { send, url } = await build(t);
    await createPets(send, 1);
    await createUser(send);
    const path = '/user/users/1/pets/1';
    expect((await send('POST', path)).status).toBe(200);
    const types = [form, 'application/json', 'text/plain', 'multipart/form-data'];
    for (const type of types) {
      const headers = { 'content-type': type };
      expect({ type, ...(await send('POST', path, '', headers)) }).toMatchObject({ type, status: 200 });
      const body = new ReadableStream({ start: (controller) => controller.close() });
      const chunked = await fetch(`${url}${path}`, { method: 'POST', body, duplex: 'half', headers });
      expect({ type, status: chunked.status }).toEqual({ type, status: 200 });
    }
  });
});

describe('the end of an adoption', () => {
  test('answers with the user and the pets that are left, and leaves the pet', async (t) => {
    const { send } = await build(t);
    const { pets } = await createOwner(send, 3);
    const { status, body } = await abandon(send, 1, 2);
    expect(status).toBe(200);
    expect(body).toStrictEqual({ name: 'Alice', id: 1, pets: [pets[0], pets[2]] });
    expect(await readUser(send, 1)).toStrictEqual(body);
    expect((await send('GET', '/pet/pets/2')).body).toStrictEqual(pets[1]);
    expect(petsOf((await adopt(send, 1, 2)).body)).toEqual([1, 3, 2]);
  });

  test('is 404 where there is no such adoption', async (t) => {
    const { send } = await build(t);
    const user = await createOwner(send, 2);
    await createPets(send, 1);
    for (const id of [3, 99]) expectProblem(await abandon(send, 1, id), 404, 'pet not found');
    await abandon(send, 1, 2);
    expectProblem(await abandon(send, 1, 2), 404, 'pet not found');
    expect(await readUser(send, 1)).toStrictEqual({ ...user, pets: user.pets.slice(0, 1) });
  });

  test('succeeds once when it is asked for 20 times at once', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 2);
    const replies = await Promise.all(upTo(20).map(() => abandon(send, 1, 1)));
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(404)]);
    expect(petsOf(await readUser(send, 1))).toEqual([2]);
  });

  test('is there for a pet that is gone, too', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 2);
    await send('DELETE', '/pet/pets/1');
    const { status, body } = await abandon(send, 1, 1);
    expect({ status, pets: petsOf(body) }).toEqual({ status: 200, pets: [2] });
    expectProblem(await abandon(send, 1, 1), 404, 'pet not found');
  });
});

describe('a user with 1,000 pets', () => {
  test('can have no more, and changes nothing when it tries', async (t) => {
    const { send } = await build(t);
    await createOwner(send, 999);
    const more = idsOf(await createPets(send, 6));
    const [last, extra] = more as [number, number];

    // One place is left.
    const replies = await Promise.all(more.map((id) => adopt(send, 1, id)));
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, ...Array(5).fill(409)]);
    for (const reply of replies) if (reply.status === 409) expectProblem(reply, 409);
    expect((await readUser(send, 1)).pets).toHaveLength(1000);

    const full = await setPets(send, 1, [last, ...upTo(999)]);
    expectProblem(await adopt(send, 1, extra), 409);
    const tooMany = { name: 'Bob', pets_ids: [...upTo(999), last, extra] };
    expectProblem(await send('PATCH', '/user/users/1', tooMany), 409);
    expect(await readUser(send, 1)).toStrictEqual(full);

    // Once more what it has is no more; and what it gives up makes room.
    expect((await adopt(send, 1, last)).status).toBe(200);
    expect(petsOf(await setPets(send, 1, [...upTo(999), last, 1, 2, 3]))).toHaveLength(1000);
    await abandon(send, 1, 500);
    expect((await adopt(send, 1, extra)).status).toBe(200);
    expect(petsOf(await readUser(send, 1)).at(-1)).toBe(extra);
  });

  test('is what a PATCH with 1,001 ids asks for, whether the pets exist or not', async (t) => {
    const { send } = await build(t);
    const user = await createUser(send);
    expectProblem(await send('PATCH', '/user/users/1', { pets_ids: upTo(1001) }), 409);
    expectProblem(await send('PATCH', '/user/users/1', { pets_ids: upTo(1000) }), 404, 'pet not found');
    expect(await readUser(send, 1)).toStrictEqual(user);
  });
});

describe('the calls to the pet service', () => {
  test('are three for a user with 750 pets, which are in the order of adoption', async (t) => {
    const built = await build(t);
    const pets = await createPets(built.send, 750);
    await createUser(built.send);
    const order = upTo(750).map((id) => ((id * 7) % 750) + 1);
    expect(new Set(order).size).toBe(750);
    await setPets(built.send, 1, order);
    const { reply, calls } = await countCalls(built, 'GET', '/user/users/1');
    expect(reply.body.pets).toStrictEqual(order.map((id) => pets[id - 1]));
    expect(calls).toBe(3);
  });

  test('are one for each 300 pets of a user', async (t) => {
    const built = await build(t);
    await createOwner(built.send, 601);
    for (const [count, expected] of [
      [0, 0],
      [1, 1],
      [299, 1],
      [300, 1],
      [301, 2],
      [600, 2],
      [601, 3],
    ] as const) {
      await setPets(built.send, 1, upTo(count));
      const { reply, calls } = await countCalls(built, 'GET', '/user/users/1');
      expect(petsOf(reply.body)).toEqual(upTo(count));
      expect({ count, calls }).toEqual({ count, calls: expected });
    }
  });

  test('are one for each 300 distinct pets of a page of users', async (t) => {
    const built = await build(t);
    const { send } = built;
    const pets = await createPets(send, 750);
    await createUsers(send, 101);
    // Each has 25 pets, of which it shares most with its neighbours; all of them together have 750.
    const petsIds = (id: number) => upTo(25).map((step) => ((id * 8 - step * 3 + 750) % 750) + 1);
    for (const id of upTo(101)) await setPets(send, id, petsIds(id));
    const distinct = (from: number, to: number) =>
      new Set(
        upTo(to)
          .slice(from - 1)
          .flatMap(petsIds),
      ).size;
    expect(distinct(1, 100)).toBe(750);

    const whole = await countCalls(built, 'GET', '/user/users/');
    expect(whole.calls).toBe(3);
    expect(whole.reply.body).toStrictEqual(
      upTo(100).map((id) => ({
        name: `User ${id}`,
        id,
        pets: petsIds(id).map((petId) => pets[petId - 1]),
      })),
    );
    const part = await countCalls(built, 'GET', '/user/users/?offset=50&limit=10');
    expect(part.calls).toBe(Math.ceil(distinct(51, 60) / 300));
    const last = await countCalls(built, 'GET', '/user/users/?offset=100');
    expect(last.calls).toBe(1);
  });

  test('are one for each use case, and none where no pet is meant', async (t) => {
    const built = await build(t);
    await createOwner(built.send, 3);
    const one = '/user/users/1';
    expect(await countCalls(built, 'PATCH', one, { name: 'Bob' })).toMatchObject({ calls: 1 });
    expect(await countCalls(built, 'PATCH', one, { pets_ids: [2] })).toMatchObject({ calls: 1 });
    expect(await countCalls(built, 'POST', `${one}/pets/3`)).toMatchObject({ calls: 1 });
    expect(await countCalls(built, 'DELETE', `${one}/pets/2`)).toMatchObject({ calls: 1 });
    expect(await countCalls(built, 'PATCH', one, { pets_ids: [] })).toMatchObject({ calls: 0 });
    expect(await countCalls(built, 'POST', '/user/users/', { name: 'Eve' })).toMatchObject({ calls: 0 });
    expect(await countCalls(built, 'GET', '/user/users/')).toMatchObject({ calls: 0 });
    expect(await countCalls(built, 'DELETE', one)).toMatchObject({ calls: 0 });
  });
});

describe('every user route', () => {
  // As many as a reader that is too kind would find for what is no id.
  const shared = shareApp(async (send) => {
    await createOwner(send, 7);
    await createUsers(send, 6);
  });

  const ofOneUser: [name: string, method: string, path: string, body?: object][] = [
    ['reading one', 'GET', ''],
    ['changing nothing', 'PATCH', '', {}],
    ['changing the name', 'PATCH', '', { name: 'Bob' }],
    ['changing the pets', 'PATCH', '', { pets_ids: [1] }],
    ['deleting one', 'DELETE', ''],
    ['adopting', 'POST', '/pets/1'],
    ['ending an adoption', 'DELETE', '/pets/1'],
  ];

  test.for(ofOneUser)('%s answers 404 when the user is gone', async ([, method, path, body]) => {
    const { send } = shared;
    const before = await listUsers(send);
    const gone = await createUser(send);
    await setPets(send, gone.id, [1]);
    await send('DELETE', `/user/users/${gone.id}`);
    for (const id of [gone.id, gone.id + 1, Number.MAX_SAFE_INTEGER]) {
      expectProblem(await send(method, `/user/users/${id}${path}`, body), 404, 'user not found');
    }
    expect(await listUsers(send)).toStrictEqual(before);
  });

  test.for(ofOneUser)('%s refuses what is no id', async ([, method, path, body]) => {
    const { send } = shared;
    const before = await listUsers(send);
    for (const id of ['0', '-1', ...notPlain]) {
      expectFaults(await send(method, `/user/users/${id}${path}`, body), 'path', '/user_id');
    }
    expect(await listUsers(send)).toStrictEqual(before);
  });

  test.for(['POST', 'DELETE'])('%s {user_id}/pets/{pet_id} refuses what is no id', async (method) => {
    const { send } = shared;
    const before = await listUsers(send);
    for (const id of ['0', '-1', ...notPlain]) {
      expectFaults(await send(method, `/user/users/1/pets/${id}`), 'path', '/pet_id');
    }
    expectFaults(await send(method, '/user/users/x/pets/y'), 'path', '/user_id', '/pet_id');
    expect(await listUsers(send)).toStrictEqual(before);
  });

  test.for(ofOneUser)('%s answers with and without a trailing slash', async ([, method, path, body]) => {
    const { send } = shared;
    for (const slash of ['', '/']) {
      const { id } = await createUser(send);
      await setPets(send, id, [1]);
      const reply = await send(method, `/user/users/${id}${path}${slash}`, body);
      const isDelete = method === 'DELETE' && path === '';
      expect(reply).toMatchObject({ status: 200, body: isDelete ? { ok: true } : { id } });
    }
  });

  test('the list and creation answer with and without a trailing slash', async (t) => {
    const { send } = await build(t);
    const users = [
      { name: 'Alice', id: 1, pets: [] },
      { name: 'Alice', id: 2, pets: [] },
    ];
    expect((await send('POST', '/user/users', { name: 'Alice' })).body).toStrictEqual(users[0]);
    expect((await send('POST', '/user/users/', { name: 'Alice' })).body).toStrictEqual(users[1]);
    for (const path of ['/user/users', '/user/users/']) {
      expect((await send('GET', path)).body).toStrictEqual(users);
      expect((await send('GET', `${path}?limit=1&offset=1`)).body).toStrictEqual([users[1]]);
    }
  });

  test.for<[path: string, allowed: string[], refused: string[]]>([
    ['/user/users', ['GET', 'POST'], ['PUT', 'PATCH', 'DELETE']],
    ['/user/users/1', ['DELETE', 'GET', 'PATCH'], ['PUT', 'POST']],
    ['/user/users/1/pets/1', ['DELETE', 'POST'], ['GET', 'PUT', 'PATCH']],
  ])('%s answers 405 with what it allows', async ([path, allowed, refused]) => {
    const { send } = shared;
    const before = await listUsers(send);
    for (const method of refused) {
      for (const slash of ['', '/']) {
        const reply = await send(method, `${path}${slash}`);
        expectProblem(reply, 405);
        const allow = (reply.headers.get('allow') ?? '').split(', ');
        expect(allow.filter((one) => one !== 'HEAD' && one !== 'OPTIONS').toSorted()).toEqual(allowed);
      }
    }
    expect(await listUsers(send)).toStrictEqual(before);
  });

  test.for(['/user/user', '/user/users/1/pets', '/user/users/1/pets/1/feed', '/user/Users'])(
    '%s is no route, which the 404 says',
    async (path) => {
      const reply = await shared.send('GET', path);
      expectProblem(reply, 404);
      expect(reply.body.detail).toContain(path);
    },
  );
});
