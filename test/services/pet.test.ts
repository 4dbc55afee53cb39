import { expect, test } from 'vitest';
import { build } from '../helper.ts';

test('creates a pet with the defaults of what is not given', async (t) => {
  const { send } = await build(t);
  const { status, body } = await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ name: 'Rex', species: 'dog', age: null, mood: 'happy', id: 1 });
  expect(body.last_fed).toBe(body.last_interaction);
});
