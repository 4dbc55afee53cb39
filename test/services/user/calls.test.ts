import { describe, expect, test } from 'vitest';
import { createExampleApp, type TestApp } from '../../support/app.ts';
import { upTo } from '../../support/route-contract.ts';
import { until } from '../../support/until.ts';
import { createOwner, createPets, createUser, createUsers, petsOf, setPets } from './requests.ts';

/** Sends a request, and counts the lists of pets that the user service requests from the pet service because of it. */
async function countCalls({ send, logs }: TestApp, method: string, path: string, body?: unknown) {
  const id = crypto.randomUUID();
  const before = logs.length;
  const response = await send(method, path, body, { 'x-request-id': id });
  expect(response.status).toBe(200);
  const accessLog = () => logs.slice(before).filter(({ msg }) => msg === 'request');
  // The log entry of the request follows those of its calls.
  await until(() =>
    expect(accessLog()).toContainEqual(expect.objectContaining({ service: 'user', reqId: id })),
  );
  const calls = accessLog().filter(({ service, path }) => service === 'pet' && path === '/pet/pets/');
  return { response, calls: calls.length };
}

describe('the calls to the pet service', () => {
  test('are three for a user with 750 pets, and the pets keep the order of adoption', async (t) => {
    const app = await createExampleApp(t);
    const pets = await createPets(app.send, 750);
    await createUser(app.send);
    const order = upTo(750).map((id) => ((id * 7) % 750) + 1);
    expect(new Set(order).size).toBe(750);
    await setPets(app.send, 1, order);
    const { response, calls } = await countCalls(app, 'GET', '/user/users/1');
    expect(response.body.pets).toStrictEqual(order.map((id) => pets[id - 1]));
    expect(calls).toBe(3);
  });

  test('carry up to 300 pets of a user each', async (t) => {
    const app = await createExampleApp(t);
    await createOwner(app.send, 601);
    for (const [count, expected] of [
      [0, 0],
      [1, 1],
      [299, 1],
      [300, 1],
      [301, 2],
      [600, 2],
      [601, 3],
    ] as const) {
      await setPets(app.send, 1, upTo(count));
      const { response, calls } = await countCalls(app, 'GET', '/user/users/1');
      expect(petsOf(response.body)).toEqual(upTo(count));
      expect({ count, calls }).toEqual({ count, calls: expected });
    }
  });

  test('carry up to 300 distinct pets of a page of users each', async (t) => {
    const app = await createExampleApp(t);
    const { send } = app;
    const pets = await createPets(send, 750);
    await createUsers(send, 101);
    // Each user has 25 pets and shares most with users of near ids. Together they have 750.
    const petsIds = (id: number) => upTo(25).map((step) => ((id * 8 - step * 3 + 750) % 750) + 1);
    for (const id of upTo(101)) await setPets(send, id, petsIds(id));
    const distinct = (from: number, to: number) =>
      new Set(
        upTo(to)
          .slice(from - 1)
          .flatMap(petsIds),
      ).size;
    expect(distinct(1, 100)).toBe(750);

    const fullPage = await countCalls(app, 'GET', '/user/users/');
    expect(fullPage.calls).toBe(3);
    expect(fullPage.response.body).toStrictEqual(
      upTo(100).map((id) => ({
        name: `User ${id}`,
        id,
        pets: petsIds(id).map((petId) => pets[petId - 1]),
      })),
    );
    const shortPage = await countCalls(app, 'GET', '/user/users/?offset=50&limit=10');
    expect(shortPage.calls).toBe(Math.ceil(distinct(51, 60) / 300));
    const lastPage = await countCalls(app, 'GET', '/user/users/?offset=100');
    expect(lastPage.calls).toBe(1);
  });

  test('are one for a request about pets, and none for a request without pets', async (t) => {
    const app = await createExampleApp(t);
    await createOwner(app.send, 3);
    const path = '/user/users/1';
    expect(await countCalls(app, 'PATCH', path, { name: 'Bob' })).toMatchObject({ calls: 1 });
    expect(await countCalls(app, 'PATCH', path, { pets_ids: [2] })).toMatchObject({ calls: 1 });
    expect(await countCalls(app, 'POST', `${path}/pets/3`)).toMatchObject({ calls: 1 });
    expect(await countCalls(app, 'DELETE', `${path}/pets/2`)).toMatchObject({ calls: 1 });
    expect(await countCalls(app, 'PATCH', path, { pets_ids: [] })).toMatchObject({ calls: 0 });
    expect(await countCalls(app, 'POST', '/user/users/', { name: 'Eve' })).toMatchObject({ calls: 0 });
    expect(await countCalls(app, 'GET', '/user/users/')).toMatchObject({ calls: 0 });
    expect(await countCalls(app, 'DELETE', path)).toMatchObject({ calls: 0 });
  });
});
