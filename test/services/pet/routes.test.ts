import { describe, expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { idsOf, malformedIds, shareApp } from '../../support/route-contract.ts';
import { testUnknownRoutes } from '../../support/route-tests.ts';
import {
  actions,
  createPet,
  createPets,
  expectProblem,
  expectViolations,
  listPets,
  rex,
} from './requests.ts';

describe('every pet route', () => {
  // A lenient parser would read `007` as 7, and find pet 7.
  const shared = shareApp((send) => createPets(send, 7));

  const routesOfPet: [method: string, path: string, body?: object][] = [
    ['GET', ''],
    ['PATCH', '', {}],
    ['DELETE', ''],
    ...actions.map((action): [string, string] => ['POST', `/${action}`]),
  ];

  test.for(routesOfPet)(
    '%s {pet_id}%s fails with 404 for a deleted or unknown pet',
    async ([method, path, body]) => {
      const { send } = shared;
      const before = await listPets(send);
      const deleted = await createPet(send);
      await send('DELETE', `/pet/pets/${deleted.id}`);
      for (const id of [deleted.id, deleted.id + 1, Number.MAX_SAFE_INTEGER]) {
        expectProblem(await send(method, `/pet/pets/${id}${path}`, body), 404, 'Pet not found');
      }
      expect(await listPets(send)).toStrictEqual(before);
    },
  );

  test.for(routesOfPet)('%s {pet_id}%s rejects an invalid id', async ([method, path, body]) => {
    const { send } = shared;
    const before = await listPets(send);
    for (const id of malformedIds) {
      expectViolations(await send(method, `/pet/pets/${id}${path}`, body), 'path', '/pet_id');
    }
    expect(await listPets(send)).toStrictEqual(before);
  });

  test.for(routesOfPet)(
    '%s {pet_id}%s works with and without a trailing slash',
    async ([method, path, body]) => {
      const { send } = shared;
      for (const slash of ['', '/']) {
        const { id } = await createPet(send);
        const response = await send(method, `/pet/pets/${id}${path}${slash}`, body);
        expect(response).toMatchObject({ status: 200, body: method === 'DELETE' ? { ok: true } : { id } });
      }
    },
  );

  test('list and creation work with and without a trailing slash', async (t) => {
    const { send } = await createExampleApp(t);
    expect(await send('POST', '/pet/pets', rex)).toMatchObject({ status: 200, body: { id: 1 } });
    expect(await send('POST', '/pet/pets/', rex)).toMatchObject({ status: 200, body: { id: 2 } });
    expect(await send('GET', '/pet/pets')).toMatchObject({ status: 200, body: [{ id: 1 }, { id: 2 }] });
    for (const path of ['/pet/pets', '/pet/pets/']) {
      expect(idsOf((await send('GET', `${path}?limit=1&offset=1`)).body)).toEqual([2]);
      expect(idsOf((await send('GET', `${path}?ids=2`)).body)).toEqual([2]);
    }
  });

  testUnknownRoutes(
    'pet',
    shared,
    [
      ['/pet/pets', ['GET', 'POST'], ['PUT', 'PATCH', 'DELETE']],
      ['/pet/pets/1', ['DELETE', 'GET', 'PATCH'], ['PUT', 'POST']],
      ...actions.map((action) => {
        return [`/pet/pets/1/${action}`, ['POST'], ['GET', 'PUT', 'PATCH', 'DELETE']] as const;
      }),
    ],
    ['/pet/pet', '/pet/pets/1/walk', '/pet/pets/1/feed/more', '/pet/Pets'],
  );
});
