import { describe, expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { malformedIds, shareApp } from '../../support/route-contract.ts';
import { testUnknownRoutes } from '../../support/route-tests.ts';
import {
  createOwner,
  createUser,
  createUsers,
  expectProblem,
  expectViolations,
  listUsers,
  setPets,
} from './requests.ts';

describe('every user route', () => {
  // A lenient parser would read `007` as 7, and find user 7.
  const shared = shareApp(async (send) => {
    await createOwner(send, 7);
    await createUsers(send, 6);
  });

  const routesOfUser: [name: string, method: string, path: string, body?: object][] = [
    ['reading the user', 'GET', ''],
    ['changing nothing', 'PATCH', '', {}],
    ['changing the name', 'PATCH', '', { name: 'Bob' }],
    ['changing the pets', 'PATCH', '', { pets_ids: [1] }],
    ['deleting the user', 'DELETE', ''],
    ['adopting', 'POST', '/pets/1'],
    ['ending an adoption', 'DELETE', '/pets/1'],
  ];

  test.for(routesOfUser)(
    '%s fails with 404 for a deleted or unknown user',
    async ([, method, path, body]) => {
      const { send } = shared;
      const before = await listUsers(send);
      const deleted = await createUser(send);
      await setPets(send, deleted.id, [1]);
      await send('DELETE', `/user/users/${deleted.id}`);
      for (const id of [deleted.id, deleted.id + 1, Number.MAX_SAFE_INTEGER]) {
        expectProblem(await send(method, `/user/users/${id}${path}`, body), 404, 'user not found');
      }
      expect(await listUsers(send)).toStrictEqual(before);
    },
  );

  test.for(routesOfUser)('%s rejects an invalid id', async ([, method, path, body]) => {
    const { send } = shared;
    const before = await listUsers(send);
    for (const id of malformedIds) {
      expectViolations(await send(method, `/user/users/${id}${path}`, body), 'path', '/user_id');
    }
    expect(await listUsers(send)).toStrictEqual(before);
  });

  test.for(['POST', 'DELETE'])('%s {user_id}/pets/{pet_id} rejects an invalid id', async (method) => {
    const { send } = shared;
    const before = await listUsers(send);
    for (const id of malformedIds) {
      expectViolations(await send(method, `/user/users/1/pets/${id}`), 'path', '/pet_id');
    }
    expectViolations(await send(method, '/user/users/x/pets/y'), 'path', '/user_id', '/pet_id');
    expect(await listUsers(send)).toStrictEqual(before);
  });

  test.for(routesOfUser)('%s works with and without a trailing slash', async ([, method, path, body]) => {
    const { send } = shared;
    for (const slash of ['', '/']) {
      const { id } = await createUser(send);
      await setPets(send, id, [1]);
      const response = await send(method, `/user/users/${id}${path}${slash}`, body);
      const isDelete = method === 'DELETE' && path === '';
      expect(response).toMatchObject({ status: 200, body: isDelete ? { ok: true } : { id } });
    }
  });

  test('list and creation work with and without a trailing slash', async (t) => {
    const { send } = await createExampleApp(t);
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

  testUnknownRoutes(
    'user',
    shared,
    [
      ['/user/users', ['GET', 'POST'], ['PUT', 'PATCH', 'DELETE']],
      ['/user/users/1', ['DELETE', 'GET', 'PATCH'], ['PUT', 'POST']],
      ['/user/users/1/pets/1', ['DELETE', 'POST'], ['GET', 'PUT', 'PATCH']],
    ],
    ['/user/user', '/user/users/1/pets', '/user/users/1/pets/1/feed', '/user/Users'],
  );
});
