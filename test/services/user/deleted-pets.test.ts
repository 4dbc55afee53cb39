import { join } from 'node:path';
import Client from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createExampleApp, makeFolder } from '../../support/app.ts';
import {
  abandon,
  adopt,
  createOwner,
  createPets,
  createUser,
  expectProblem,
  petsOf,
  readUser,
} from './requests.ts';

test.for([
  ['in one process', false],
  ['in separate apps', true],
] as const)('the deletion of a pet ends its adoptions by all users, %s', async ([, split], t) => {
  const app = await createExampleApp(t, { split });
  const { send } = app;
  await createOwner(send, 3);
  const { id } = await createUser(send);
  await adopt(send, id, 1);
  await app.delete('/pet/pets/1');
  await app.untilEventsHandled();
  for (const user of [1, id]) expectProblem(await abandon(send, user, 1), 404, 'pet not found');
  expect(petsOf(await readUser(send, 1))).toEqual([2, 3]);
  // Other adoptions are as before.
  expect((await abandon(send, 1, 2)).status).toBe(200);
});

test('a deleted pet makes room for another one', async (t) => {
  const app = await createExampleApp(t);
  const { send } = app;
  await createOwner(send, 1_000);
  const [extra] = await createPets(send, 1);
  const adoptExtra = () => adopt(send, 1, extra?.id as number);
  expectProblem(await adoptExtra(), 409);
  await app.delete('/pet/pets/7');
  await app.untilEventsHandled();
  expect((await adoptExtra()).status).toBe(200);
});

test('an adoption that was written after the event of its pet does not count', async (t) => {
  const file = join(makeFolder(t), 'user.db');
  const app = await createExampleApp(t, { config: { services: { user: { database: `sqlite:${file}` } } } });
  const { send } = app;
  await createOwner(send, 999);
  const [next, extra] = (await createPets(send, 2)).map(({ id }) => id) as [number, number];
  const client = new Client(file);
  client.exec('INSERT INTO adoption (user_id, pet_id) VALUES (1, 5000)');
  client.close();
  expect((await adopt(send, 1, next)).status).toBe(200);
  expect(petsOf(await readUser(send, 1))).toHaveLength(1_000);
  expectProblem(await adopt(send, 1, extra), 409);
});

test('changes of a pet end no adoption', async (t) => {
  const app = await createExampleApp(t);
  const { send } = app;
  await createOwner(send, 1);
  await send('PATCH', '/pet/pets/1', { name: 'Tom' });
  await send('POST', '/pet/pets/1/treat');
  expect((await send('DELETE', '/pet/pets/99')).status).toBe(404);
  await app.untilEventsHandled();
  expect(petsOf(await readUser(send, 1))).toEqual([1]);
});
