import { describe, expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { idsOf, shareApp } from '../../support/route-contract.ts';
import { createPets, expectViolations, listPets } from './requests.ts';

const path = '/pet/pets/';

describe('a cursor', () => {
  const shared = shareApp();
  const toCursor = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
  const valid = toCursor([1, 'name', 7, 'Rex']);

  test('works after its pet is deleted', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 3);
    const after = toCursor([1, 'name', 2, 'Pet 2']);
    expect((await send('GET', `${path}?sort=name&limit=2`)).headers.get('link')).toContain(after);
    await send('DELETE', `${path}2`);
    expect(idsOf(await listPets(send, `?sort=name&after=${after}`))).toEqual([3]);
  });

  test('is valid for its order alone', async () => {
    expect((await shared.send('GET', `${path}?sort=name&after=${valid}`)).status).toBe(200);
    for (const query of ['', 'sort=id&', 'sort=-name&', 'sort=age&'])
      expectViolations(await shared.send('GET', `${path}?${query}after=${valid}`), 'query', '/after');
  });

  test.for(['offset=1', 'ids=1'])('is rejected together with %s', async (other) => {
    const response = await shared.send('GET', `${path}?sort=name&after=${valid}&${other}`);
    expectViolations(response, 'query', '/after');
  });

  const malformed: [description: string, sort: string, cursor: string][] = [
    ['an empty text', 'id', ''],
    ['other characters', 'id', 'a+b'],
    ['no JSON', 'id', 'abc'],
    ['a list that is too short', 'id', toCursor([1, 'id'])],
    ['a list that is too long', 'name', toCursor([1, 'name', 7, 'Rex', 1])],
    ['no list', 'id', toCursor({ 0: 1, 1: 'id', 2: 7 })],
    ['another version', 'id', toCursor([2, 'id', 7])],
    ['an id that is not positive', 'id', toCursor([1, 'id', 0])],
    ['an id that is no integer', 'id', toCursor([1, 'id', 1.5])],
    ['an id that is a text', 'id', toCursor([1, 'id', '7'])],
    ['an id that is too large', 'id', Buffer.from('[1,"id",9007199254740993]').toString('base64url')],
    ['a value for the id', 'id', toCursor([1, 'id', 7, 7])],
    ['no value', 'name', toCursor([1, 'name', 7])],
    ['null for a text that is never null', 'name', toCursor([1, 'name', 7, null])],
    ['a number for a text', 'name', toCursor([1, 'name', 7, 5])],
    ['a text with U+0000', 'name', toCursor([1, 'name', 7, 'a\0b'])],
    ['half of a surrogate pair', 'name', toCursor([1, 'name', 7, '\ud800'])],
    ['a text for a number', 'age', toCursor([1, 'age', 7, '5'])],
    ['a fraction for an integer', 'age', toCursor([1, 'age', 7, 1.5])],
    ['an object for a number', 'age', toCursor([1, 'age', 7, {}])],
    ['spaces', 'id', Buffer.from('[1, "id", 7]').toString('base64url')],
    ['a cut text', 'name', valid.slice(0, -1)],
    ['a longer text', 'name', `${valid}A`],
    ['two cursors', 'name', `${valid}&after=${valid}`],
    ['a text that is too long', 'name', 'A'.repeat(2001)],
  ];
  test.for(malformed)('is rejected with %s', async ([, sort, cursor]) => {
    const response = await shared.send('GET', `${path}?sort=${sort}&after=${cursor}`);
    expectViolations(response, 'query', '/after');
  });

  test.for(['', 'NAME', 'species', '--id', 'name,age'])('sort=%s is rejected', async (sort) => {
    expectViolations(await shared.send('GET', `${path}?sort=${sort}`), 'query', '/sort');
  });

  test.for(['', 'x'.repeat(201), 'a%00'])('species=%s is rejected', async (species) => {
    expectViolations(await shared.send('GET', `${path}?species=${species}`), 'query', '/species');
  });
});
