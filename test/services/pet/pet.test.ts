import { describe, expect, test } from 'vitest';
import { createExampleApp, makeFolder } from '../../support/app.ts';
import {
  idsOf,
  invalidBodies,
  invalidTexts,
  shareApp,
  unusualTexts,
  upTo,
} from '../../support/route-contract.ts';
import {
  createPet,
  createPets,
  expectProblem,
  expectViolations,
  listPets,
  readPet,
  rex,
  toMicroseconds,
} from './requests.ts';

/** A time with microseconds. */
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
/** The first pet of a database, created from `rex` alone. */
const firstPet = { ...rex, age: null, mood: 'happy', id: 1, last_fed: time, last_interaction: time };

const invalidFields: [description: string, given: object, ...pointers: string[]][] = [
  ...['name', 'species', 'mood'].flatMap((field) =>
    invalidTexts.map(([description, value]): [string, object, string] => [
      `a ${field} that is ${description}`,
      { [field]: value },
      `/${field}`,
    ]),
  ),
  ['an age that is a text', { age: '7' }, '/age'],
  ['an age with a fraction', { age: 7.5 }, '/age'],
  ['an age below 0', { age: -1 }, '/age'],
  ['an age over 1,000', { age: 1001 }, '/age'],
  ['an age that is true', { age: true }, '/age'],
  ['an age that is an empty text', { age: '' }, '/age'],
  ['several invalid fields, and names each', { name: '', mood: null, age: '7' }, '/name', '/mood', '/age'],
];

describe('POST /pet/pets/', () => {
  const shared = shareApp();

  test('creates a pet with default values', async (t) => {
    const { send } = await createExampleApp(t);
    const { status, body } = await send('POST', '/pet/pets/', rex);
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...firstPet, last_interaction: body.last_fed });
    expect(Math.abs(toMicroseconds(body.last_fed) / 1_000 - Date.now())).toBeLessThan(5_000);
    expect(await readPet(send, 1)).toStrictEqual(body);
  });

  test('creates a pet with the given values', async (t) => {
    const { send } = await createExampleApp(t);
    const given = { name: 'Tom', species: 'cat', age: 3, mood: 'sleepy' };
    const pet = await createPet(send, given);
    expect(pet).toMatchObject(given);
    expect(await readPet(send, pet.id)).toStrictEqual(pet);
  });

  test.for([0, 1, 1000, null])('accepts an age of %s', async (age) => {
    const { send } = shared;
    expect((await createPet(send, { age })).age).toBe(age);
  });

  test.for(unusualTexts)('stores texts unchanged: %s', async ([, text]) => {
    const { send } = shared;
    const given = { name: text, species: text, mood: text };
    const { id } = await createPet(send, given);
    expect(await readPet(send, id)).toMatchObject(given);
  });

  test('ignores ids, times and unknown keys', async (t) => {
    const { send } = await createExampleApp(t);
    const past = '2001-01-01T00:00:00.000000Z';
    const pet = await createPet(send, { id: 77, last_fed: past, last_interaction: past, colour: 'brown' });
    expect(pet).toStrictEqual({ ...firstPet, last_interaction: pet.last_fed });
    expect(toMicroseconds(pet.last_fed)).toBeGreaterThan(toMicroseconds(past));
    expect((await send('GET', '/pet/pets/77')).status).toBe(404);
  });

  test.for([
    '{"name":"Rex","species":"dog","__proto__":{"age":7,"mood":"polluted"}}',
    '{"name":"Rex","species":"dog","constructor":{"prototype":{"age":7,"mood":"polluted"}}}',
  ])('ignores keys that could pollute a prototype: %s', async (body) => {
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
    ['neither name nor species', {}, '/name', '/species'],
    ['a name only in the prototype', '{"__proto__":{"name":"Rex"},"species":"dog"}', '/name'],
  ] as const)('rejects a pet with %s', async ([, body, ...pointers]) => {
    const { send } = shared;
    const before = await listPets(send);
    expectViolations(await send('POST', '/pet/pets/', body), 'body', ...pointers);
    expect(await listPets(send)).toStrictEqual(before);
  });

  test.for(invalidFields)('rejects %s', async ([, given, ...pointers]) => {
    const { send } = shared;
    const before = await listPets(send);
    expectViolations(await send('POST', '/pet/pets/', { ...rex, ...given }), 'body', ...pointers);
    expect(await listPets(send)).toStrictEqual(before);
  });

  test.for(invalidBodies(rex))('rejects %s', async ([, body, status, contentType]) => {
    const { send } = shared;
    const before = await listPets(send);
    expectProblem(await send('POST', '/pet/pets/', body, { 'content-type': contentType }), status);
    expect(await listPets(send)).toStrictEqual(before);
  });

  test('rejects a request without a body', async (t) => {
    const { send } = await createExampleApp(t);
    expectProblem(await send('POST', '/pet/pets/'), 422);
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
  ])('changes only the given fields: %j', async (change) => {
    const { send } = shared;
    const before = await listPets(send);
    const pet = await createPet(send, given);
    const { status, body } = await send('PATCH', `/pet/pets/${pet.id}`, change);
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...pet, ...change });
    expect(await listPets(send)).toStrictEqual([...before, body]);
  });

  test('sets an unknown age', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send);
    expect((await send('PATCH', `/pet/pets/${pet.id}`, { age: 7 })).body).toStrictEqual({ ...pet, age: 7 });
  });

  test('ignores ids, times and unknown keys', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send, given);
    const past = '2001-01-01T00:00:00.000000Z';
    const change = { id: 77, last_fed: past, last_interaction: past, colour: 'brown' };
    expect((await send('PATCH', '/pet/pets/1', change)).body).toStrictEqual(pet);
    expect((await send('PATCH', '/pet/pets/1', '{"__proto__":{"age":7}}')).body).toStrictEqual(pet);
    expect(await listPets(send)).toStrictEqual([pet]);
  });

  test.for(unusualTexts)('stores texts unchanged: %s', async ([, text]) => {
    const { send } = shared;
    const pet = await createPet(send);
    const change = { name: text, species: text, mood: text };
    await send('PATCH', `/pet/pets/${pet.id}`, change);
    expect(await readPet(send, pet.id)).toStrictEqual({ ...pet, ...change });
  });

  test.for(invalidFields)('rejects %s, and changes nothing', async ([, change, ...pointers]) => {
    const { send } = shared;
    const pet = await createPet(send, given);
    expectViolations(
      await send('PATCH', `/pet/pets/${pet.id}`, { mood: 'new', ...change }),
      'body',
      ...pointers,
    );
    expect(await readPet(send, pet.id)).toStrictEqual(pet);
  });

  test.for(invalidBodies(rex))('rejects %s', async ([, body, status, contentType]) => {
    const { send } = shared;
    const pet = await createPet(send);
    expectProblem(await send('PATCH', `/pet/pets/${pet.id}`, body, { 'content-type': contentType }), status);
    expect(await readPet(send, pet.id)).toStrictEqual(pet);
  });
});

describe('DELETE /pet/pets/{pet_id}', () => {
  test('deletes only this pet', async (t) => {
    const { send } = await createExampleApp(t);
    const [first, , third] = await createPets(send, 3);
    const { status, body } = await send('DELETE', '/pet/pets/2');
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ok: true });
    expect(await listPets(send)).toStrictEqual([first, third]);
    expectProblem(await send('GET', '/pet/pets/2'), 404, 'Pet not found');
    expectProblem(await send('DELETE', '/pet/pets/2'), 404, 'Pet not found');
  });

  test('never uses the id again', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 3);
    await send('DELETE', '/pet/pets/3');
    expect((await createPet(send)).id).toBe(4);
    for (const id of [1, 2, 4]) await send('DELETE', `/pet/pets/${id}`);
    expect((await createPet(send)).id).toBe(5);
  });

  test('does not use the id again after a restart', async (t) => {
    const serviceConfigs = { pet: { database: `sqlite:${makeFolder(t)}/pet.db` } };
    const { send, app } = await createExampleApp(t, { config: { services: serviceConfigs } });
    await createPets(send, 3);
    await send('DELETE', '/pet/pets/3');
    await app.stop();
    const again = await createExampleApp(t, { config: { services: serviceConfigs } });
    expect(idsOf(await listPets(again.send))).toEqual([1, 2]);
    expect((await createPet(again.send)).id).toBe(4);
  });

  test('succeeds for 1 of 10 concurrent requests', async (t) => {
    const { send } = await createExampleApp(t);
    await createPet(send);
    const responses = await Promise.all(upTo(10).map(() => send('DELETE', '/pet/pets/1')));
    expect(responses.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(404)]);
  });
});
