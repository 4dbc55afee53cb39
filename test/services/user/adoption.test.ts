import { describe, expect, test } from 'vitest';
import { createExampleApp, makeFolder } from '../../support/app.ts';
import { formType, idsOf, upTo } from '../../support/route-contract.ts';
import {
  abandon,
  adopt,
  createOwner,
  createPets,
  createUser,
  expectProblem,
  listUsers,
  petsOf,
  readUser,
  setPets,
} from './requests.ts';

describe('an adoption', () => {
  test('returns the user with the new pet last', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 3);
    await createUser(send);
    for (const id of [2, 3, 1]) expect((await adopt(send, 1, id)).status).toBe(200);
    const user = { name: 'Alice', id: 1, pets: [pets[1], pets[2], pets[0]] };
    expect((await adopt(send, 1, 1)).body).toStrictEqual(user);
    expect(await readUser(send, 1)).toStrictEqual(user);
  });

  test('keeps the position of the pet if the user adopts it again', async (t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 2);
    const { status, body } = await adopt(send, 1, 1);
    expect(status).toBe(200);
    expect(petsOf(body)).toEqual([1, 2]);
    expect(petsOf(await readUser(send, 1))).toEqual([1, 2]);
    expect(petsOf((await abandon(send, 1, 1)).body)).toEqual([2]);
  });

  test('adds the pet once for 40 concurrent requests', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 1);
    await createUser(send);
    const responses = await Promise.all(upTo(40).map(() => adopt(send, 1, 1)));
    for (const { status, body } of responses) {
      expect({ status, pets: petsOf(body) }).toEqual({ status: 200, pets: [1] });
    }
    expect(petsOf(await readUser(send, 1))).toEqual([1]);
    expect(petsOf((await abandon(send, 1, 1)).body)).toEqual([]);
    expect(petsOf(await readUser(send, 1))).toEqual([]);
  });

  test('adds 40 pets that concurrent requests adopt', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 40);
    await createUser(send);
    const responses = await Promise.all(upTo(40).map((id) => adopt(send, 1, id)));
    for (const [index, { status, body }] of responses.entries()) {
      expect(status).toBe(200);
      expect(petsOf(body)).toContain(index + 1);
    }
    expect(petsOf(await readUser(send, 1)).toSorted((a, b) => a - b)).toEqual(upTo(40));
  });

  test('of a pet by a second user does not change the first user', async (t) => {
    const { send } = await createExampleApp(t);
    const alice = await createOwner(send, 2);
    const bob = await createUser(send, 'Bob');
    expect((await adopt(send, bob.id, 1)).body).toStrictEqual({ ...bob, pets: [alice.pets[0]] });
    expect(await readUser(send, 1)).toStrictEqual(alice);
    await abandon(send, bob.id, 1);
    expect(await readUser(send, 1)).toStrictEqual(alice);
  });

  test('does not change the pet', async (t) => {
    const { send } = await createExampleApp(t);
    const [pet] = await createPets(send, 1);
    await createUser(send);
    await adopt(send, 1, 1);
    expect((await send('GET', '/pet/pets/1')).body).toStrictEqual(pet);
    await abandon(send, 1, 1);
    expect((await send('GET', '/pet/pets/1')).body).toStrictEqual(pet);
  });

  test.for([
    ['that never existed', 99],
    ['that was deleted', 3],
    ['with the highest id', Number.MAX_SAFE_INTEGER],
  ] as const)('of a pet %s fails with 404, and changes nothing', async ([, id], t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 2);
    await createPets(send, 1);
    await send('DELETE', '/pet/pets/3');
    const user = await readUser(send, 1);
    expectProblem(await adopt(send, 1, id), 404, 'pet not found');
    expect(await readUser(send, 1)).toStrictEqual(user);
    expectProblem(await abandon(send, 1, id), 404);
  });

  test('survives a restart, and keeps its position', async (t) => {
    const folder = makeFolder(t);
    const serviceConfigs = {
      pet: { database: `sqlite:${folder}/pet.db` },
      user: { database: `sqlite:${folder}/user.db` },
    };
    const { send, app } = await createExampleApp(t, { config: { services: serviceConfigs } });
    await createOwner(send, 3);
    const user = await setPets(send, 1, [3, 1, 2]);
    await app.stop();
    const again = await createExampleApp(t, { config: { services: serviceConfigs } });
    expect(await listUsers(again.send)).toStrictEqual([user]);
  });

  test('accepts a request without a body, and an empty body of any content type', async (t) => {
    const { send, url } = await createExampleApp(t);
    await createPets(send, 1);
    await createUser(send);
    const path = '/user/users/1/pets/1';
    expect((await send('POST', path)).status).toBe(200);
    const types = [formType, 'application/json', 'text/plain', 'multipart/form-data'];
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
  test('returns the user with the remaining pets, and does not delete the pet', async (t) => {
    const { send } = await createExampleApp(t);
    const { pets } = await createOwner(send, 3);
    const { status, body } = await abandon(send, 1, 2);
    expect(status).toBe(200);
    expect(body).toStrictEqual({ name: 'Alice', id: 1, pets: [pets[0], pets[2]] });
    expect(await readUser(send, 1)).toStrictEqual(body);
    expect((await send('GET', '/pet/pets/2')).body).toStrictEqual(pets[1]);
    expect(petsOf((await adopt(send, 1, 2)).body)).toEqual([1, 3, 2]);
  });

  test('fails with 404 if the adoption does not exist', async (t) => {
    const { send } = await createExampleApp(t);
    const user = await createOwner(send, 2);
    await createPets(send, 1);
    for (const id of [3, 99]) expectProblem(await abandon(send, 1, id), 404, 'pet not found');
    await abandon(send, 1, 2);
    expectProblem(await abandon(send, 1, 2), 404, 'pet not found');
    expect(await readUser(send, 1)).toStrictEqual({ ...user, pets: user.pets.slice(0, 1) });
  });

  test('succeeds for 1 of 20 concurrent requests', async (t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 2);
    const responses = await Promise.all(upTo(20).map(() => abandon(send, 1, 1)));
    expect(responses.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(404)]);
    expect(petsOf(await readUser(send, 1))).toEqual([2]);
  });
});

describe('a user with 1,000 pets', () => {
  test('cannot adopt more, and keeps its pets', async (t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 999);
    const ids = idsOf(await createPets(send, 6));
    const [last, extra] = ids as [number, number];

    // The user has 999 pets: there is room for one of the six.
    const responses = await Promise.all(ids.map((id) => adopt(send, 1, id)));
    expect(responses.map(({ status }) => status).toSorted()).toEqual([200, ...Array(5).fill(409)]);
    for (const response of responses) if (response.status === 409) expectProblem(response, 409);
    expect((await readUser(send, 1)).pets).toHaveLength(1000);

    const full = await setPets(send, 1, [last, ...upTo(999)]);
    expectProblem(await adopt(send, 1, extra), 409);
    const tooMany = { name: 'Bob', pets_ids: [...upTo(999), last, extra] };
    expectProblem(await send('PATCH', '/user/users/1', tooMany), 409);
    expect(await readUser(send, 1)).toStrictEqual(full);

    // Adopting the same pet again adds nothing. Abandoning a pet makes room for another.
    expect((await adopt(send, 1, last)).status).toBe(200);
    expect(petsOf(await setPets(send, 1, [...upTo(999), last, 1, 2, 3]))).toHaveLength(1000);
    await abandon(send, 1, 500);
    expect((await adopt(send, 1, extra)).status).toBe(200);
    expect(petsOf(await readUser(send, 1)).at(-1)).toBe(extra);
  });

  test('is the maximum: a PATCH with 1,001 ids fails with 409, also for unknown pets', async (t) => {
    const { send } = await createExampleApp(t);
    const user = await createUser(send);
    expectProblem(await send('PATCH', '/user/users/1', { pets_ids: upTo(1001) }), 409);
    expectProblem(await send('PATCH', '/user/users/1', { pets_ids: upTo(1000) }), 404, 'pet not found');
    expect(await readUser(send, 1)).toStrictEqual(user);
  });
});
