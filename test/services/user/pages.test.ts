import { expect, test } from 'vitest';
import { createSplitApps } from '../../../src/framework/testing/index.ts';
import pet from '../../../src/services/pet/index.ts';
import user from '../../../src/services/user/index.ts';
import { createExampleApp } from '../../support/app.ts';
import { idsOf, type Send } from '../../support/route-contract.ts';
import { createPets, createUser, listUsers, setPets } from './requests.ts';

const path = '/user/users/';

async function nextOf(send: Send, url: string): Promise<string> {
  const link = (await send('GET', url)).headers.get('link') ?? '';
  return /^<(.*)>; rel="next"$/.exec(link)?.[1] ?? `no link: ${link}`;
}

test('users are sorted and filtered by name, each with its pets', async (t) => {
  const { send } = await createExampleApp(t);
  await createPets(send, 2);
  for (const name of ['Bob', 'Alice', 'bob', 'Bob']) await createUser(send, name);
  const bob = await setPets(send, 4, [2, 1]);
  expect(idsOf(await listUsers(send, '?sort=name'))).toEqual([2, 1, 4, 3]);
  expect(await listUsers(send, '?sort=-name&name=Bob&limit=1')).toEqual([bob]);
  const next = await nextOf(send, `${path}?sort=-name&name=Bob&limit=1`);
  expect(next).toMatch(/^\/user\/users\/\?sort=-name&name=Bob&limit=1&after=[\w-]+$/);
  expect(idsOf((await send('GET', next)).body)).toEqual([1]);
});

test('the gateway forwards the link, and the page that it names', async (t) => {
  const { gateway } = await createSplitApps(t, { services: [pet, user] });
  const { send } = gateway;
  for (const name of ['Bob', 'Alice', 'Carol']) await createUser(send, name);
  const next = await nextOf(send, `${path}?sort=name&limit=2`);
  expect(idsOf((await send('GET', next)).body)).toEqual([3]);
});
