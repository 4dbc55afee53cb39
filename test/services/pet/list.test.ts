import { describe, expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import {
  idsOf,
  malformedIds,
  malformedLimits,
  malformedOffsets,
  shareApp,
  upTo,
} from '../../support/route-contract.ts';
import { createPets, expectViolations, listPets } from './requests.ts';

/** The query that lists the pets with these ids. */
const byIds = (ids: Iterable<number>) => `?${[...ids].map((id) => `ids=${id}`).join('&')}`;

describe('GET /pet/pets/', () => {
  const shared = shareApp();

  test('lists no pets if none exist', async (t) => {
    const { send } = await createExampleApp(t);
    expect(await send('GET', '/pet/pets/')).toMatchObject({ status: 200, body: [] });
  });

  test('lists the first 100 pets by default, in id order', async (t) => {
    const { send } = await createExampleApp(t);
    const pets = await createPets(send, 103);
    expect(await listPets(send)).toStrictEqual(pets.slice(0, 100));
    expect(await listPets(send, '?limit=100&offset=100')).toStrictEqual(pets.slice(100));
  });

  test('lists the page that limit and offset select', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 5);
    await send('DELETE', '/pet/pets/3');
    expect(idsOf(await listPets(send, '?limit=2'))).toEqual([1, 2]);
    expect(idsOf(await listPets(send, '?offset=1'))).toEqual([2, 4, 5]);
    expect(idsOf(await listPets(send, '?offset=1&limit=2'))).toEqual([2, 4]);
    expect(idsOf(await listPets(send, '?offset=0&limit=1'))).toEqual([1]);
    expect(idsOf(await listPets(send, '?offset=4'))).toEqual([]);
    expect(idsOf(await listPets(send, `?offset=${Number.MAX_SAFE_INTEGER}`))).toEqual([]);
  });

  test.for(malformedLimits)('rejects limit=%s', async (limit) => {
    const { send } = shared;
    expectViolations(await send('GET', `/pet/pets/?limit=${limit}`), 'query', '/limit');
  });

  test.for(malformedOffsets)('rejects offset=%s', async (offset) => {
    const { send } = shared;
    expectViolations(await send('GET', `/pet/pets/?offset=${offset}`), 'query', '/offset');
  });

  test('names each invalid parameter', async (t) => {
    const { send } = await createExampleApp(t);
    expectViolations(await send('GET', '/pet/pets/?limit=0&offset=x'), 'query', '/limit', '/offset');
  });
});

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
