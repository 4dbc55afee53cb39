import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { listPets, rex } from './requests.ts';

const newKey = () => ({ 'idempotency-key': `"${randomUUID()}"` });

test('a pet that is created twice with one idempotency key is one pet, and both responses are the same', async (t) => {
  const { post, send } = await createExampleApp(t);
  const key = newKey();
  const [first, second] = [await post('/pet/pets/', rex, key), await post('/pet/pets/', rex, key)];
  expect(first.status).toBe(200);
  expect([second.status, second.body]).toEqual([200, first.body]);
  expect(await listPets(send)).toHaveLength(1);
});

test('a pet that is fed twice with one idempotency key is fed once', async (t) => {
  const { get, post } = await createExampleApp(t);
  await post('/pet/pets/', rex);
  const key = newKey();
  const first = await post('/pet/pets/1/feed', undefined, key);
  expect(first.status).toBe(200);
  expect((await post('/pet/pets/1/feed', undefined, key)).body).toEqual(first.body);
  expect((await get('/pet/pets/1')).body).toEqual(first.body);
});

test('an adoption with an idempotency key is stored with it', async (t) => {
  const { post } = await createExampleApp(t);
  await post('/pet/pets/', rex, newKey());
  await post('/user/users/', { name: 'Alice' }, newKey());
  const key = newKey();
  const first = await post('/user/users/1/pets/1', {}, key);
  expect(first.body).toMatchObject({ id: 1, pets: [{ id: 1 }] });
  expect((await post('/user/users/1/pets/1', {}, key)).body).toEqual(first.body);
});
