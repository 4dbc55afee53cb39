import { describe, expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { idsOf, malformedIds, shareApp, upTo } from '../../support/route-contract.ts';
import { testPages } from '../../support/route-tests.ts';
import { createPets, expectViolations, listPets } from './requests.ts';

/** The query that lists the pets with these ids. */
const byIds = (ids: Iterable<number>) => `?${[...ids].map((id) => `ids=${id}`).join('&')}`;

describe('GET /pet/pets/', () => testPages('pet', createPets));

describe('GET /pet/pets/?ids', () => {
  const shared = shareApp();

  test('lists each existing pet once, in id order', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 5);
    await send('DELETE', '/pet/pets/2');
    const some = [pets[0], pets[2], pets[4]];
    expect(await listPets(send, byIds([5, 1, 99, 3, 2, 1, 5, Number.MAX_SAFE_INTEGER]))).toStrictEqual(some);
  });

  test('accepts a single id', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 3);
    expect(await listPets(send, '?ids=2')).toStrictEqual([pets[1]]);
    expect(await listPets(send, '?ids=4')).toStrictEqual([]);
  });

  test('accepts 300 ids, and rejects 301', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 302);
    const max = upTo(301).slice(1);
    expect(idsOf(await listPets(send, byIds(max)))).toEqual(max);
    const longIds = upTo(300).map((id) => Number.MAX_SAFE_INTEGER - id);
    expect(await listPets(send, byIds(longIds))).toEqual([]);
    expectViolations(await send('GET', `/pet/pets/${byIds(upTo(301))}`), 'query', '/ids');
  });

  test('ignores limit and offset', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 3);
    expect(await listPets(send, `${byIds([1, 2, 3])}&limit=1&offset=2`)).toStrictEqual(pets);
  });

  test.for(['', ...malformedIds])('rejects ids=%s, alone and after a valid id', async (id) => {
    const { send } = shared;
    expectViolations(await send('GET', `/pet/pets/?ids=${id}`), 'query', '/ids/0');
    expectViolations(await send('GET', `/pet/pets/?ids=1&ids=${id}`), 'query', '/ids/1');
  });
});
