import { describe, expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { invalidBodies, invalidTexts, shareApp, upTo } from '../../support/route-contract.ts';
import {
  createOwner,
  createPets,
  createUser,
  expectProblem,
  expectViolations,
  listUsers,
  petsOf,
  readUser,
  setPets,
} from './requests.ts';

describe('PATCH /user/users/{user_id}', () => {
  const shared = shareApp();

  test('changes the name and keeps the pets', async (t) => {
    const { send } = await createExampleApp(t);
    const { pets } = await createOwner(send, 2);
    const { status, body } = await send('PATCH', '/user/users/1', { name: 'Bob' });
    expect(status).toBe(200);
    expect(body).toStrictEqual({ name: 'Bob', id: 1, pets });
    expect(await readUser(send, 1)).toStrictEqual(body);
  });

  test.for([
    ['no keys', '{}'],
    ['unknown keys', '{"id":77,"pets":[],"admin":true,"__proto__":{"name":"Eve","pets_ids":[]}}'],
  ] as const)('changes nothing if the body has %s', async ([, change], t) => {
    const { send } = await createExampleApp(t);
    const user = await createOwner(send, 2);
    expect(await send('PATCH', '/user/users/1', change)).toMatchObject({ status: 200, body: user });
    expect(await listUsers(send)).toStrictEqual([user]);
  });

  test('replaces the pets and keeps the name', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 4);
    await createUser(send);
    await setPets(send, 1, [1, 2]);
    const { body } = await send('PATCH', '/user/users/1', { pets_ids: [4, 2, 3] });
    expect(body).toStrictEqual({ name: 'Alice', id: 1, pets: [pets[3], pets[1], pets[2]] });
    expect(await readUser(send, 1)).toStrictEqual(body);
  });

  test('changes the name and the pets together', async (t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 3);
    const { body } = await send('PATCH', '/user/users/1', { name: 'Bob', pets_ids: [3] });
    expect(body).toMatchObject({ name: 'Bob', pets: [{ id: 3 }] });
    expect(await readUser(send, 1)).toStrictEqual(body);
  });

  test('keeps the given order, and ignores repeated ids', async (t) => {
    const { send } = await createExampleApp(t);
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
    ['an unknown pet after several known pets', [1, 2, 3, 3, 2, 1, Number.MAX_SAFE_INTEGER]],
    ['a deleted pet', [1, 4]],
  ] as const)('fails with 404 for %s, and changes nothing', async ([, pets_ids], t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 4);
    await send('DELETE', '/pet/pets/4');
    const user = await setPets(send, 1, [2, 1]);
    expectProblem(await send('PATCH', '/user/users/1', { pets_ids }), 404, 'pet not found');
    const both = { name: 'Bob', pets_ids };
    expectProblem(await send('PATCH', '/user/users/1', both), 404, 'pet not found');
    expect(await readUser(send, 1)).toStrictEqual(user);
  });

  test('stores one of the lists if concurrent requests set two different lists', async (t) => {
    const { send } = await createExampleApp(t);
    await createOwner(send, 6);
    const lists = [
      [1, 2, 3],
      [6, 5, 4],
    ];
    await Promise.all(upTo(40).map((index) => setPets(send, 1, lists[index % 2] ?? [])));
    expect(lists).toContainEqual(petsOf(await readUser(send, 1)));
  });

  test.for(invalidTexts)('rejects a name that is %s, and changes nothing', async ([, name]) => {
    const user = await createUser(shared.send);
    const change = { name, pets_ids: [] };
    expectViolations(await shared.send('PATCH', `/user/users/${user.id}`, change), 'body', '/name');
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
  ])('rejects pets_ids of %j, and changes nothing', async ([pets_ids, pointer]) => {
    const user = await createUser(shared.send);
    const change = { name: 'Bob', pets_ids };
    expectViolations(await shared.send('PATCH', `/user/users/${user.id}`, change), 'body', pointer);
    expect(await readUser(shared.send, user.id)).toStrictEqual(user);
  });

  test.for(invalidBodies({ name: 'Alice' }))('rejects %s', async ([, body, status, contentType]) => {
    const user = await createUser(shared.send);
    expectProblem(
      await shared.send('PATCH', `/user/users/${user.id}`, body, { 'content-type': contentType }),
      status,
    );
    expect(await readUser(shared.send, user.id)).toStrictEqual(user);
  });
});
