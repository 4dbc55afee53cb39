import { describe, expect, test } from 'vitest';
import { createExampleApp, makeFolder } from '../../support/app.ts';
import { invalidBodies, invalidTexts, shareApp, unusualTexts } from '../../support/route-contract.ts';
import { testPages } from '../../support/route-tests.ts';
import {
  createOwner,
  createPets,
  createUser,
  createUsers,
  expectProblem,
  expectViolations,
  listUsers,
  petsOf,
  readUser,
  setPets,
} from './requests.ts';

describe('POST /user/users/', () => {
  const shared = shareApp();

  test('creates a user without pets', async (t) => {
    const { send } = await createExampleApp(t);
    const { status, body } = await send('POST', '/user/users/', { name: 'Alice' });
    expect(status).toBe(200);
    expect(body).toStrictEqual({ name: 'Alice', id: 1, pets: [] });
    expect(await readUser(send, 1)).toStrictEqual(body);
  });

  test('ignores ids, pets and unknown keys', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 1);
    const given = { name: 'Alice', id: 77, pets: [{ id: 1 }], pets_ids: [1], admin: true };
    const { body } = await send('POST', '/user/users/', given);
    expect(body).toStrictEqual({ name: 'Alice', id: 1, pets: [] });
    expect(await listUsers(send)).toStrictEqual([body]);
  });

  test('accepts the name of another user', async (t) => {
    const { send } = await createExampleApp(t);
    await createUser(send, 'Alice');
    expect(await createUser(send, 'Alice')).toMatchObject({ name: 'Alice', id: 2 });
  });

  test.for(unusualTexts)('stores names unchanged: %s', async ([, name]) => {
    const { id } = await createUser(shared.send, name);
    expect(await readUser(shared.send, id)).toMatchObject({ name });
  });

  test.for(invalidTexts)('rejects a name that is %s', async ([, name]) => {
    const before = await listUsers(shared.send);
    expectViolations(await shared.send('POST', '/user/users/', { name }), 'body', '/name');
    expect(await listUsers(shared.send)).toStrictEqual(before);
  });

  test.for(['{}', '{"__proto__":{"name":"Alice"}}'])('rejects a user without a name: %s', async (body) => {
    expectViolations(await shared.send('POST', '/user/users/', body), 'body', '/name');
  });

  test.for(invalidBodies({ name: 'Alice' }))('rejects %s', async ([, body, status, contentType]) => {
    const before = await listUsers(shared.send);
    expectProblem(await shared.send('POST', '/user/users/', body, { 'content-type': contentType }), status);
    expect(await listUsers(shared.send)).toStrictEqual(before);
  });
});

describe('GET /user/users/', () => {
  testPages('user', createUsers);

  test('shows each user with its pets in the order of adoption', async (t) => {
    const { send } = await createExampleApp(t);
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
});

describe('GET /user/users/{user_id}', () => {
  test('shows the current values of the pets', async (t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 2);
    const { body: treated } = await send('POST', '/pet/pets/1/treat');
    const { body: renamed } = await send('PATCH', '/pet/pets/2', { name: 'Tom', age: 7 });
    expect(await readUser(send, 1)).toStrictEqual({ name: 'Alice', id: 1, pets: [treated, renamed] });
  });

  test('hides a deleted pet, and shows the others', async (t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 3);
    await send('DELETE', '/pet/pets/2');
    expect(petsOf(await readUser(send, 1))).toEqual([1, 3]);
    expect((await listUsers(send)).map(petsOf)).toEqual([[1, 3]]);
    for (const id of [1, 3]) await send('DELETE', `/pet/pets/${id}`);
    expect(petsOf(await readUser(send, 1))).toEqual([]);
  });

  test('does not show a new pet in place of a deleted pet', async (t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 2);
    await send('DELETE', '/pet/pets/2');
    await createPets(send, 1);
    expect(petsOf(await readUser(send, 1))).toEqual([1]);
  });
});

describe('DELETE /user/users/{user_id}', () => {
  test('deletes only this user', async (t) => {
    const { send } = await createExampleApp(t);
    const [first, , third] = await createUsers(send, 3);
    const { status, body } = await send('DELETE', '/user/users/2');
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ok: true });
    expect(await listUsers(send)).toStrictEqual([first, third]);
    expectProblem(await send('DELETE', '/user/users/2'), 404, 'user not found');
  });

  test('keeps the pets, and the adoptions of other users', async (t) => {
    const { send } = await createExampleApp(t);
    const { pets } = await createOwner(send, 2);
    await createUser(send, 'Bob');
    await setPets(send, 2, [2, 1]);
    await send('DELETE', '/user/users/1');
    expect((await send('GET', '/pet/pets/')).body).toStrictEqual(pets);
    expect(petsOf(await readUser(send, 2))).toEqual([2, 1]);
  });

  test('never uses the id again, and leaves no adoptions to a new user', async (t) => {
    const serviceConfigs = { user: { database: `sqlite:${makeFolder(t)}/user.db` } };
    const { send, app } = await createExampleApp(t, { config: { services: serviceConfigs } });
    await createOwner(send, 2);
    await send('DELETE', '/user/users/1');
    expect(await createUser(send)).toStrictEqual({ name: 'Alice', id: 2, pets: [] });
    await send('DELETE', '/user/users/2');
    await app.stop();
    const again = await createExampleApp(t, { config: { services: serviceConfigs } });
    expect(await createUser(again.send)).toStrictEqual({ name: 'Alice', id: 3, pets: [] });
  });
});
