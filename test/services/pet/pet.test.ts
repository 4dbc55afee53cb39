import { afterEach, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import type { components } from '#generated/api.d.ts';
import { createExampleApp, makeFolder, type TestApp, type TestResponse } from '../../support/app.ts';

type Pet = components['schemas']['pet.Pet'];
type Send = TestApp['send'];

const rex = { name: 'Rex', species: 'dog' };
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
/** The first pet of a database, made of `rex` alone. */
const fresh = { ...rex, age: null, mood: 'happy', id: 1, last_fed: instant, last_interaction: instant };
const care = ['hydrate', 'feed', 'treat'] as const;
const form = 'application/x-www-form-urlencoded';
/** What is no plain decimal, as it stands in a URL. */
const notPlain = ['007', '+1', '%2B1', '1e3', '0x10', '%207', '1.0', '1,2', 'one', '9007199254740992'];

const hour = 3_600_000; // ms
const realNow = Date.now;

afterEach(() => {
  vi.restoreAllMocks();
});

/** One app for tests of a table that do not mind each other's pets: a new one for each row takes time. */
function shareApp(seed?: (send: Send) => Promise<unknown>): { send: Send } {
  const shared: { send: Send } = { send: () => Promise.reject(new Error('it has not started')) };
  beforeAll(async () => {
    const ends: (() => unknown)[] = [];
    const onTestFinished = (end: () => unknown) => void ends.push(end);
    Object.assign(shared, await createExampleApp({ onTestFinished } as unknown as TestContext));
    await seed?.(shared.send);
    return async () => {
      for (const end of ends) await end();
    };
  });
  return shared;
}

async function createPet(send: Send, given: object = {}): Promise<Pet> {
  const { status, body } = await send('POST', '/pet/pets/', { ...rex, ...given });
  expect(status).toBe(200);
  return body;
}

/** One after the other, so that their ids are 1, 2, 3… */
async function createPets(send: Send, count: number): Promise<Pet[]> {
  const pets: Pet[] = [];
  while (pets.length < count) pets.push(await createPet(send, { name: `Pet ${pets.length + 1}` }));
  return pets;
}

const readPet = async (send: Send, id: number): Promise<Pet> => (await send('GET', `/pet/pets/${id}`)).body;
const listPets = async (send: Send, query = ''): Promise<Pet[]> =>
  (await send('GET', `/pet/pets/${query}`)).body;
const idsOf = (pets: Pet[]) => pets.map(({ id }) => id);
const byIds = (ids: Iterable<number>) => `?${[...ids].map((id) => `ids=${id}`).join('&')}`;
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Microseconds since 1970. */
const micros = (time: string) => Date.parse(`${time.slice(0, 23)}Z`) * 1_000 + Number(time.slice(23, 26));

function moveClock(step: number): void {
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + step);
}

function expectProblem({ status, headers, body }: TestResponse, expected: number, detail?: string): void {
  expect({ status, body }).toMatchObject({
    status: expected,
    body: {
      type: expect.any(String),
      title: expect.any(String),
      status: expected,
      detail: detail ?? expect.any(String),
      instance: expect.stringMatching(/^\/pet\//),
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

/** Texts and ages that do not fit, wherever they are given. */
const misfits: [fault: string, given: object, ...pointers: string[]][] = [
  ['an empty name', { name: '' }, '/name'],
  ['a name that is null', { name: null }, '/name'],
  ['a name of 201 characters', { name: 'x'.repeat(201) }, '/name'],
  ['a name of 201 characters of two units each', { name: '🐶'.repeat(201) }, '/name'],
  ['a name that is a number', { name: 7 }, '/name'],
  ['a name that is a list', { name: ['Rex'] }, '/name'],
  ['an empty species', { species: '' }, '/species'],
  ['a species that is null', { species: null }, '/species'],
  ['a species of 201 characters', { species: 'x'.repeat(201) }, '/species'],
  ['a species that is true', { species: true }, '/species'],
  ['an empty mood', { mood: '' }, '/mood'],
  ['a mood that is null', { mood: null }, '/mood'],
  ['a mood of 201 characters', { mood: 'x'.repeat(201) }, '/mood'],
  ['an age that is a text', { age: '7' }, '/age'],
  ['an age with a fraction', { age: 7.5 }, '/age'],
  ['an age below 0', { age: -1 }, '/age'],
  ['an age over 1,000', { age: 1001 }, '/age'],
  ['an age that is true', { age: true }, '/age'],
  ['an age that is an empty text', { age: '' }, '/age'],
  ['several faults, each of them', { name: '', mood: null, age: '7' }, '/name', '/mood', '/age'],
];

/** Bodies that a route with a body refuses, and how. */
const unfitBodies: [fault: string, body: string, status: number, type?: string][] = [
  ['a list', '[]', 422],
  ['a text', '"Rex"', 422],
  ['a number', '7', 422],
  ['null', 'null', 422],
  ['an empty body', '', 422],
  ['JSON that is cut off', '{"name":"Rex"', 400],
  ['JSON with a comma too many', '{"name":"Rex","species":"dog",}', 400],
  ['what is no JSON at all', 'name=Rex', 400],
  ['a form', 'name=Rex&species=dog', 415, form],
  ['plain text', '{"name":"Rex","species":"dog"}', 415, 'text/plain'],
  ['a body that is too large', JSON.stringify({ ...rex, more: 'x'.repeat(200_000) }), 413],
];

/** Texts that are not as harmless as they look. */
const texts: [string, string][] = [
  ['one character', 'x'],
  ['200 characters', 'x'.repeat(200)],
  ['200 characters of two units each', '🐶'.repeat(200)],
  ['spaces alone', '   '],
  ['SQL', `Robert'); DROP TABLE pet; --`],
  ['quotes and line ends', '"\\\'\n\r\t\u2028'],
];

describe('POST /pet/pets/', () => {
  const shared = shareApp();

  test('creates a pet with the defaults of what is not given', async (t) => {
    const { send } = await createExampleApp(t);
    const { status, body } = await send('POST', '/pet/pets/', rex);
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...fresh, last_interaction: body.last_fed });
    expect(Math.abs(micros(body.last_fed) / 1_000 - Date.now())).toBeLessThan(5_000);
    expect(await readPet(send, 1)).toStrictEqual(body);
  });

  test('creates a pet with all that is given', async (t) => {
    const { send } = await createExampleApp(t);
    const given = { name: 'Tom', species: 'cat', age: 3, mood: 'sleepy' };
    const pet = await createPet(send, given);
    expect(pet).toMatchObject(given);
    expect(await readPet(send, pet.id)).toStrictEqual(pet);
  });

  test.for([0, 1, 1000, null])('takes %s for an age', async (age) => {
    const { send } = shared;
    expect((await createPet(send, { age })).age).toBe(age);
  });

  test.for(texts)('keeps texts as they are: %s', async ([, text]) => {
    const { send } = shared;
    const given = { name: text, species: text, mood: text };
    const { id } = await createPet(send, given);
    expect(await readPet(send, id)).toMatchObject(given);
  });

  test('ignores ids, times and keys that it does not know', async (t) => {
    const { send } = await createExampleApp(t);
    const past = '2001-01-01T00:00:00.000000Z';
    const pet = await createPet(send, { id: 77, last_fed: past, last_interaction: past, colour: 'brown' });
    expect(pet).toStrictEqual({ ...fresh, last_interaction: pet.last_fed });
    expect(micros(pet.last_fed)).toBeGreaterThan(micros(past));
    expect((await send('GET', '/pet/pets/77')).status).toBe(404);
  });

  test.for([
    '{"name":"Rex","species":"dog","__proto__":{"age":7,"mood":"polluted"}}',
    '{"name":"Rex","species":"dog","constructor":{"prototype":{"age":7,"mood":"polluted"}}}',
  ])('ignores keys that JavaScript minds: %s', async (body) => {
    const { send } = shared;
    expect(await send('POST', '/pet/pets/', body)).toMatchObject({
      status: 200,
      body: { age: null, mood: 'happy' },
    });
    expect(({} as Record<string, unknown>).mood).toBeUndefined();
  });

  test.for([
    ['no name', { species: 'dog' }, '/name'],
    ['no species', { name: 'Rex' }, '/species'],
    ['neither', {}, '/name', '/species'],
    ['a name in the prototype alone', '{"__proto__":{"name":"Rex"},"species":"dog"}', '/name'],
  ] as const)('refuses a pet with %s', async ([, body, ...pointers]) => {
    const { send } = shared;
    const before = await listPets(send);
    expectFaults(await send('POST', '/pet/pets/', body), 'body', ...pointers);
    expect(await listPets(send)).toStrictEqual(before);
  });

  test.for(misfits)('refuses %s', async ([, given, ...pointers]) => {
    const { send } = shared;
    const before = await listPets(send);
    expectFaults(await send('POST', '/pet/pets/', { ...rex, ...given }), 'body', ...pointers);
    expect(await listPets(send)).toStrictEqual(before);
  });

  test.for(unfitBodies)('refuses %s', async ([, body, status, type]) => {
    const { send } = shared;
    const before = await listPets(send);
    const headers = type === undefined ? undefined : { 'content-type': type };
    expectProblem(await send('POST', '/pet/pets/', body, headers), status);
    expect(await listPets(send)).toStrictEqual(before);
  });

  test('refuses to be asked without any body', async (t) => {
    const { send } = await createExampleApp(t);
    expectProblem(await send('POST', '/pet/pets/'), 422);
  });
});

describe('GET /pet/pets/', () => {
  const shared = shareApp();

  test('lists no pets where there are none', async (t) => {
    const { send } = await createExampleApp(t);
    expect(await send('GET', '/pet/pets/')).toMatchObject({ status: 200, body: [] });
  });

  test('lists the pets in id order, the first 100 unless told otherwise', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 103);
    expect(await listPets(send)).toStrictEqual(pets.slice(0, 100));
    expect(await listPets(send, '?limit=100&offset=100')).toStrictEqual(pets.slice(100));
  });

  test('lists what limit and offset say', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 5);
    await send('DELETE', '/pet/pets/3');
    expect(idsOf(await listPets(send, '?limit=2'))).toEqual([1, 2]);
    expect(idsOf(await listPets(send, '?offset=1'))).toEqual([2, 4, 5]);
    expect(idsOf(await listPets(send, '?offset=1&limit=2'))).toEqual([2, 4]);
    expect(idsOf(await listPets(send, '?offset=0&limit=1'))).toEqual([1]);
    expect(idsOf(await listPets(send, '?offset=4'))).toEqual([]);
    expect(idsOf(await listPets(send, `?offset=${Number.MAX_SAFE_INTEGER}`))).toEqual([]);
  });

  test.for(['0', '101', '-1', '', '1&limit=2', ...notPlain])('refuses limit=%s', async (limit) => {
    const { send } = shared;
    expectFaults(await send('GET', `/pet/pets/?limit=${limit}`), 'query', '/limit');
  });

  test.for(['-1', '', '-0', '1&offset=2', ...notPlain])('refuses offset=%s', async (offset) => {
    const { send } = shared;
    expectFaults(await send('GET', `/pet/pets/?offset=${offset}`), 'query', '/offset');
  });

  test('names each fault of a query', async (t) => {
    const { send } = await createExampleApp(t);
    expectFaults(await send('GET', '/pet/pets/?limit=0&offset=x'), 'query', '/limit', '/offset');
  });
});

describe('GET /pet/pets/?ids', () => {
  const shared = shareApp();

  test('lists those that exist, once each, in id order', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 5);
    await send('DELETE', '/pet/pets/2');
    const some = [pets[0], pets[2], pets[4]];
    expect(await listPets(send, byIds([5, 1, 99, 3, 2, 1, 5, Number.MAX_SAFE_INTEGER]))).toStrictEqual(some);
  });

  test('takes one id', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 3);
    expect(await listPets(send, '?ids=2')).toStrictEqual([pets[1]]);
    expect(await listPets(send, '?ids=4')).toStrictEqual([]);
  });

  test('takes 300 ids, and refuses 301', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 302);
    const most = upTo(301).slice(1);
    expect(idsOf(await listPets(send, byIds(most)))).toEqual(most);
    const long = upTo(300).map((id) => Number.MAX_SAFE_INTEGER - id);
    expect(await listPets(send, byIds(long))).toEqual([]);
    expectFaults(await send('GET', `/pet/pets/${byIds(upTo(301))}`), 'query', '/ids');
  });

  test('lists all of them, whatever page is asked for', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 3);
    expect(await listPets(send, `${byIds([1, 2, 3])}&limit=1&offset=2`)).toStrictEqual(pets);
  });

  test.for(['', '0', '-1', ...notPlain])('refuses ids=%s, alone and among others', async (id) => {
    const { send } = shared;
    expectFaults(await send('GET', `/pet/pets/?ids=${id}`), 'query', '/ids/0');
    expectFaults(await send('GET', `/pet/pets/?ids=1&ids=${id}`), 'query', '/ids/1');
  });
});

describe('PATCH /pet/pets/{pet_id}', () => {
  const shared = shareApp();
  const given = { ...rex, age: 3, mood: 'sleepy' };

  test.for([
    { name: 'Tom' },
    { species: 'cat' },
    { age: 4 },
    { age: 0 },
    { age: null },
    { mood: 'excited' },
    { name: 'Tom', species: 'cat', age: 1000, mood: 'bored' },
    {},
  ])('changes what is given and nothing else: %j', async (change) => {
    const { send } = shared;
    const before = await listPets(send);
    const pet = await createPet(send, given);
    const { status, body } = await send('PATCH', `/pet/pets/${pet.id}`, change);
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...pet, ...change });
    expect(await listPets(send)).toStrictEqual([...before, body]);
  });

  test('sets an age that was not known', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send);
    expect((await send('PATCH', `/pet/pets/${pet.id}`, { age: 7 })).body).toStrictEqual({ ...pet, age: 7 });
  });

  test('ignores ids, times and keys that it does not know', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send, given);
    const past = '2001-01-01T00:00:00.000000Z';
    const change = { id: 77, last_fed: past, last_interaction: past, colour: 'brown' };
    expect((await send('PATCH', '/pet/pets/1', change)).body).toStrictEqual(pet);
    expect((await send('PATCH', '/pet/pets/1', '{"__proto__":{"age":7}}')).body).toStrictEqual(pet);
    expect(await listPets(send)).toStrictEqual([pet]);
  });

  test.for(texts)('keeps texts as they are: %s', async ([, text]) => {
    const { send } = shared;
    const pet = await createPet(send);
    const change = { name: text, species: text, mood: text };
    await send('PATCH', `/pet/pets/${pet.id}`, change);
    expect(await readPet(send, pet.id)).toStrictEqual({ ...pet, ...change });
  });

  test.for(misfits)('refuses %s, and changes nothing', async ([, change, ...pointers]) => {
    const { send } = shared;
    const pet = await createPet(send, given);
    expectFaults(await send('PATCH', `/pet/pets/${pet.id}`, { mood: 'new', ...change }), 'body', ...pointers);
    expect(await readPet(send, pet.id)).toStrictEqual(pet);
  });

  test.for(unfitBodies)('refuses %s', async ([, body, status, type]) => {
    const { send } = shared;
    const pet = await createPet(send);
    const headers = type === undefined ? undefined : { 'content-type': type };
    expectProblem(await send('PATCH', `/pet/pets/${pet.id}`, body, headers), status);
    expect(await readPet(send, pet.id)).toStrictEqual(pet);
  });
});

describe('DELETE /pet/pets/{pet_id}', () => {
  test('deletes the pet, and no other', async (t) => {
    const { send } = await createExampleApp(t);
    const [first, , third] = await createPets(send, 3);
    const { status, body } = await send('DELETE', '/pet/pets/2');
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ok: true });
    expect(await listPets(send)).toStrictEqual([first, third]);
    expectProblem(await send('GET', '/pet/pets/2'), 404, 'Pet not found');
    expectProblem(await send('DELETE', '/pet/pets/2'), 404, 'Pet not found');
  });

  test('leaves an id that is never used again', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 3);
    await send('DELETE', '/pet/pets/3');
    expect((await createPet(send)).id).toBe(4);
    for (const id of [1, 2, 4]) await send('DELETE', `/pet/pets/${id}`);
    expect((await createPet(send)).id).toBe(5);
  });

  test('leaves an id that is not used again after a restart either', async (t) => {
    const serviceConfigs = { pet: { database: `sqlite:${makeFolder(t)}/pet.db` } };
    const { send, app } = await createExampleApp(t, { config: { services: serviceConfigs } });
    await createPets(send, 3);
    await send('DELETE', '/pet/pets/3');
    await app.stop();
    const again = await createExampleApp(t, { config: { services: serviceConfigs } });
    expect(idsOf(await listPets(again.send))).toEqual([1, 2]);
    expect((await createPet(again.send)).id).toBe(4);
  });

  test('succeeds once when it is asked 10 times at once', async (t) => {
    const { send } = await createExampleApp(t);
    await createPet(send);
    const replies = await Promise.all(upTo(10).map(() => send('DELETE', '/pet/pets/1')));
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(404)]);
  });
});

describe('care', () => {
  test('hydrate sets the last interaction alone', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send, { age: 3, mood: 'sleepy' });
    const { status, body } = await send('POST', '/pet/pets/1/hydrate');
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...pet, last_interaction: body.last_interaction });
    expect(micros(body.last_interaction)).toBeGreaterThan(micros(pet.last_interaction));
    expect(await readPet(send, 1)).toStrictEqual(body);
  });

  test('feed sets both times to one instant', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send, { age: 3, mood: 'sleepy' });
    const { status, body } = await send('POST', '/pet/pets/1/feed');
    const time = body.last_interaction;
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...pet, last_fed: time, last_interaction: time });
    expect(micros(time)).toBeGreaterThan(micros(pet.last_interaction));
    expect(await readPet(send, 1)).toStrictEqual(body);
  });

  test('treat sets both times to one instant, and excites', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send, { age: 3, mood: 'sleepy' });
    const { status, body } = await send('POST', '/pet/pets/1/treat');
    const time = body.last_interaction;
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...pet, mood: 'excited', last_fed: time, last_interaction: time });
    expect(micros(time)).toBeGreaterThan(micros(pet.last_interaction));
    expect(await readPet(send, 1)).toStrictEqual(body);
  });

  test('of one pet is nothing to another', async (t) => {
    const { send } = await createExampleApp(t);
    const [, second] = await createPets(send, 2);
    for (const verb of care) await send('POST', `/pet/pets/1/${verb}`);
    expect(await readPet(send, 2)).toStrictEqual(second);
  });

  test.for(care)('%s needs no body, and takes an empty one under any content type', async (verb, t) => {
    const { send } = await createExampleApp(t);
    await createPet(send);
    const path = `/pet/pets/1/${verb}`;
    expect((await send('POST', path)).status).toBe(200);
    const types = [form, 'application/json', 'text/plain', 'multipart/form-data', 'application/octet-stream'];
    for (const type of types) {
      const { status } = await send('POST', path, '', { 'content-type': type });
      expect({ type, status }).toEqual({ type, status: 200 });
    }
  });

  test('feed takes an empty body under a content type that is none', async (t) => {
    const { send } = await createExampleApp(t);
    await createPet(send);
    for (const type of ['nonsense', '']) {
      const { status } = await send('POST', '/pet/pets/1/feed', '', { 'content-type': type });
      expect({ type, status }).toEqual({ type, status: 200 });
    }
  });

  test.for(care)('%s takes an empty body in chunks', async (verb, t) => {
    const { url, send } = await createExampleApp(t);
    await createPet(send);
    for (const type of [undefined, form, 'application/json']) {
      const body = new ReadableStream({ start: (controller) => controller.close() });
      const { status } = await fetch(`${url}/pet/pets/1/${verb}`, {
        method: 'POST',
        body,
        duplex: 'half',
        headers: type === undefined ? {} : { 'content-type': type },
      });
      expect({ type, status }).toEqual({ type, status: 200 });
    }
  });
});

describe('the times of a pet', () => {
  test.for(care)('rise with each %s by a microsecond where the clock steps back an hour', async (verb, t) => {
    const { send } = await createExampleApp(t);
    let last = micros((await createPet(send)).last_interaction);
    moveClock(-hour);
    for (let times = 0; times < 3; times++) {
      const { body } = await send('POST', `/pet/pets/1/${verb}`);
      expect(micros(body.last_interaction)).toBe(last + 1);
      last = micros(body.last_interaction);
    }
    expect(micros((await readPet(send, 1)).last_interaction)).toBe(last);
  });

  test('are again those of the clock when it has caught up', async (t) => {
    const { send } = await createExampleApp(t);
    moveClock(hour);
    const ahead = await createPet(send);
    expect(Math.abs(micros(ahead.last_fed) / 1_000 - (realNow() + hour))).toBeLessThan(5_000);
    moveClock(0);
    const held = (await send('POST', '/pet/pets/1/feed')).body;
    expect(micros(held.last_fed)).toBe(micros(ahead.last_fed) + 1);
    moveClock(2 * hour);
    const free = (await send('POST', '/pet/pets/1/feed')).body;
    expect(Math.abs(micros(free.last_fed) / 1_000 - (realNow() + 2 * hour))).toBeLessThan(5_000);
  });

  test('do not hold back those of another pet', async (t) => {
    const { send } = await createExampleApp(t);
    moveClock(hour);
    await createPet(send);
    moveClock(0);
    const { last_fed } = await createPet(send);
    expect(Math.abs(micros(last_fed) / 1_000 - realNow())).toBeLessThan(5_000);
  });

  test('rise over a restart with a clock that has stepped back', async (t) => {
    const serviceConfigs = { pet: { database: `sqlite:${makeFolder(t)}/pet.db` } };
    const { send, app } = await createExampleApp(t, { config: { services: serviceConfigs } });
    await createPet(send);
    moveClock(hour);
    const ahead: Pet = (await send('POST', '/pet/pets/1/hydrate')).body;
    await app.stop();
    moveClock(0);
    const again = await createExampleApp(t, { config: { services: serviceConfigs } });
    expect(await readPet(again.send, 1)).toStrictEqual(ahead);
    const fed: Pet = (await again.send('POST', '/pet/pets/1/feed')).body;
    expect(fed.last_fed).toBe(fed.last_interaction);
    expect(micros(fed.last_fed)).toBe(micros(ahead.last_interaction) + 1);
  });

  test('rise also where two apps write to one database', async (t) => {
    const serviceConfigs = { pet: { database: `sqlite:${makeFolder(t)}/pet.db` } };
    const [one, two] = [
      await createExampleApp(t, { config: { services: serviceConfigs } }),
      await createExampleApp(t, { config: { services: serviceConfigs } }),
    ];
    let last = micros((await createPet(one.send)).last_interaction);
    for (const step of [hour, 0, -hour, 0]) {
      for (const { send } of [one, two]) {
        moveClock(step);
        const { body } = await send('POST', '/pet/pets/1/feed');
        expect(micros(body.last_interaction)).toBeGreaterThan(last);
        last = micros(body.last_interaction);
      }
    }
  });

  test.for([
    ['a clock that runs', realNow],
    ['a clock that stands still', (): number => 1_734_555_831_790],
  ] as const)('are 50 distinct ones for 50 feeds at once, with %s', async ([, now], t) => {
    const { send } = await createExampleApp(t);
    vi.spyOn(Date, 'now').mockImplementation(now);
    const created = await createPet(send);
    const replies = await Promise.all(upTo(50).map(() => send('POST', '/pet/pets/1/feed')));
    const fed: Pet[] = replies.map(({ body }) => body);
    for (const pet of fed) expect(pet.last_fed).toBe(pet.last_interaction);
    const times = fed.map((pet) => micros(pet.last_fed)).toSorted((a, b) => a - b);
    expect(new Set([micros(created.last_fed), ...times]).size).toBe(51);
    expect(times[0]).toBeGreaterThan(micros(created.last_fed));
    expect(micros((await readPet(send, 1)).last_fed)).toBe(times.at(-1));
  });

  test('rise from feed to feed in the order of the answers', async (t) => {
    const { send } = await createExampleApp(t);
    let last = micros((await createPet(send)).last_interaction);
    for (let times = 0; times < 30; times++) {
      const { body } = await send('POST', '/pet/pets/1/feed');
      expect(micros(body.last_interaction)).toBeGreaterThan(last);
      last = micros(body.last_interaction);
    }
  });
});

describe('every pet route', () => {
  // As many as a reader that is too kind would find for what is no id.
  const shared = shareApp((send) => createPets(send, 7));

  const ofOnePet: [method: string, path: string, body?: object][] = [
    ['GET', ''],
    ['PATCH', '', {}],
    ['DELETE', ''],
    ...care.map((verb): [string, string] => ['POST', `/${verb}`]),
  ];

  test.for(ofOnePet)('%s {pet_id}%s answers 404 when the pet is gone', async ([method, path, body]) => {
    const { send } = shared;
    const before = await listPets(send);
    const gone = await createPet(send);
    await send('DELETE', `/pet/pets/${gone.id}`);
    for (const id of [gone.id, gone.id + 1, Number.MAX_SAFE_INTEGER]) {
      expectProblem(await send(method, `/pet/pets/${id}${path}`, body), 404, 'Pet not found');
    }
    expect(await listPets(send)).toStrictEqual(before);
  });

  test.for(ofOnePet)('%s {pet_id}%s refuses what is no id', async ([method, path, body]) => {
    const { send } = shared;
    const before = await listPets(send);
    for (const id of ['0', '-1', ...notPlain]) {
      expectFaults(await send(method, `/pet/pets/${id}${path}`, body), 'path', '/pet_id');
    }
    expect(await listPets(send)).toStrictEqual(before);
  });

  test.for(ofOnePet)(
    '%s {pet_id}%s answers with and without a trailing slash',
    async ([method, path, body]) => {
      const { send } = shared;
      for (const slash of ['', '/']) {
        const { id } = await createPet(send);
        const reply = await send(method, `/pet/pets/${id}${path}${slash}`, body);
        expect(reply).toMatchObject({ status: 200, body: method === 'DELETE' ? { ok: true } : { id } });
      }
    },
  );

  test('the list and creation answer with and without a trailing slash', async (t) => {
    const { send } = await createExampleApp(t);
    expect(await send('POST', '/pet/pets', rex)).toMatchObject({ status: 200, body: { id: 1 } });
    expect(await send('POST', '/pet/pets/', rex)).toMatchObject({ status: 200, body: { id: 2 } });
    expect(await send('GET', '/pet/pets')).toMatchObject({ status: 200, body: [{ id: 1 }, { id: 2 }] });
    for (const path of ['/pet/pets', '/pet/pets/']) {
      expect(idsOf((await send('GET', `${path}?limit=1&offset=1`)).body)).toEqual([2]);
      expect(idsOf((await send('GET', `${path}?ids=2`)).body)).toEqual([2]);
    }
  });

  test.for<[path: string, allowed: string[], refused: string[]]>([
    ['/pet/pets', ['GET', 'POST'], ['PUT', 'PATCH', 'DELETE']],
    ['/pet/pets/1', ['DELETE', 'GET', 'PATCH'], ['PUT', 'POST']],
    ...care.map((verb): [string, string[], string[]] => [
      `/pet/pets/1/${verb}`,
      ['POST'],
      ['GET', 'PUT', 'PATCH', 'DELETE'],
    ]),
  ])('%s answers 405 with what it allows', async ([path, allowed, refused]) => {
    const { send } = shared;
    const before = await listPets(send);
    for (const method of refused) {
      for (const slash of ['', '/']) {
        const reply = await send(method, `${path}${slash}`);
        expectProblem(reply, 405);
        const allow = (reply.headers.get('allow') ?? '').split(', ');
        expect(allow.filter((one) => one !== 'HEAD' && one !== 'OPTIONS').toSorted()).toEqual(allowed);
      }
    }
    // Its body is of no interest.
    expectProblem(await send('PUT', path, 'name=Rex', { 'content-type': form }), 405);
    expect(await listPets(send)).toStrictEqual(before);
  });

  test.for(['/pet/pet', '/pet/pets/1/walk', '/pet/pets/1/feed/more', '/pet/Pets'])(
    '%s is no route, which the 404 says',
    async (path) => {
      const reply = await shared.send('POST', path);
      expectProblem(reply, 404);
      expect(reply.body.detail).toContain(path);
    },
  );
});
