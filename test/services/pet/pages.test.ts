import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { idsOf, type Send, shareApp } from '../../support/route-contract.ts';
import { createPet, createPets, listPets, type Pet } from './requests.ts';

const path = '/pet/pets/';
const orders = ['id', '-id', 'name', '-name', 'age', '-age'] as const;
type Order = (typeof orders)[number];

/** Reads a page, and the path and query of the next page. */
async function readPage(send: Send, url: string): Promise<{ pets: Pet[]; next: string | undefined }> {
  const { status, body, headers } = await send('GET', url);
  expect({ status, body }).toMatchObject({ status: 200 });
  const link = headers.get('link');
  if (link === null) return { pets: body, next: undefined };
  const [, next] = /^<(\/[^<>]*)>; rel="next"$/.exec(link) ?? [];
  expect(next, link).toBeDefined();
  return { pets: body, next };
}

const compareText = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** Compares pets as the database does: texts by their bytes, null last, then by id. */
function compare(order: Order, one: Pet, other: Pet): number {
  const column = order.replace('-', '');
  const byColumn = {
    id: 0,
    name: compareText(one.name, other.name),
    age: (one.age ?? Number.POSITIVE_INFINITY) - (other.age ?? Number.POSITIVE_INFINITY) || 0,
  }[column];
  return (byColumn || one.id - other.id) * (order.startsWith('-') ? -1 : 1);
}

/** Few values, so that many are equal. UTF-16 units have another order than the bytes of UTF-8. */
const names = ['a', 'A', 'aa', 'b', 'ä', '\ufffd', '😀', '😀'.repeat(200), '\u0001"'.repeat(100)];
const newPet = fc.record({
  name: fc.constantFrom(...names),
  species: fc.constantFrom('dog', 'cat'),
  age: fc.constantFrom(null, null, 0, 1, 1000),
});
/** A change between two pages: a new pet, or the end of one that exists. */
const change = fc.oneof(newPet, fc.nat());

describe('the pages of a list', () => {
  const shared = shareApp();

  test('contain each pet that exists all the time exactly once, in order, whatever comes and goes', async () => {
    const { send } = shared;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          order: fc.constantFrom(...orders),
          limit: fc.integer({ min: 1, max: 4 }),
          species: fc.option(fc.constantFrom('dog', 'cat'), { nil: undefined }),
          pets: fc.array(newPet, { maxLength: 12 }),
          changes: fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 8 }),
        }),
        async ({ order, limit, species, pets, changes }) => {
          for (const { id } of await listPets(send)) await send('DELETE', `${path}${id}`);
          const live = new Map<number, Pet>();
          const add = async (given: object) => {
            const pet = await createPet(send, given);
            live.set(pet.id, pet);
          };
          for (const given of pets) await add(given);
          const constant = new Set(live.keys());
          const isListed = (pet: Pet) => species === undefined || pet.species === species;

          const seen: Pet[] = [];
          const filter = species === undefined ? '' : `&species=${species}`;
          let next: string | undefined = `${path}?sort=${order}&limit=${limit}${filter}`;
          for (let page = 0; next !== undefined; page += 1) {
            const read = await readPage(send, next);
            expect(read.pets.length <= limit).toBe(true);
            for (const pet of read.pets) expect(live.get(pet.id)).toEqual(pet);
            seen.push(...read.pets);
            next = read.next;
            for (const one of changes[page] ?? []) {
              if (typeof one === 'object') await add(one);
              const [id] = typeof one === 'number' ? [...live.keys()].slice(one % (live.size || 1)) : [];
              if (id === undefined) continue;
              await send('DELETE', `${path}${id}`);
              live.delete(id);
              constant.delete(id);
            }
          }
          expect(seen.toSorted((one, other) => compare(order, one, other))).toEqual(seen);
          expect(new Set(idsOf(seen)).size).toBe(seen.length);
          expect(seen.every(isListed)).toBe(true);
          const all = [...constant].map((id) => live.get(id) as Pet).filter(isListed);
          expect(
            idsOf(seen)
              .filter((id) => constant.has(id))
              .toSorted(),
          ).toEqual(idsOf(all).toSorted());
        },
      ),
      { numRuns: 40 },
    );
  });

  test.for(orders)(
    'have the order of `sort`: %s; also with offset, and for the pets with given ids',
    async (order, t) => {
      const { send } = await createExampleApp(t);
      const given = names.flatMap((name, index) => [
        { name, age: null },
        { name, age: index % 3 },
      ]);
      const pets: Pet[] = [];
      for (const one of given) pets.push(await createPet(send, one));
      const sorted = pets.toSorted((one, other) => compare(order, one, other));
      expect(await listPets(send, `?sort=${order}`)).toEqual(sorted);
      for (const offset of [1, 7, 13])
        expect(await listPets(send, `?sort=${order}&limit=5&offset=${offset}`)).toEqual(
          sorted.slice(offset, offset + 5),
        );
      const some = pets.filter(({ id }) => id % 2 === 0);
      const ids = some.map(({ id }) => `ids=${id}`).join('&');
      expect(await listPets(send, `?sort=${order}&${ids}`)).toEqual(
        some.toSorted((one, other) => compare(order, one, other)),
      );
    },
  );

  test('have only the pets of the filters', async (t) => {
    const { send } = await createExampleApp(t);
    for (const species of ['dog', 'cat', 'Dog']) {
      for (const mood of ['happy', 'sad']) await createPet(send, { species, mood });
    }
    expect(idsOf(await listPets(send, '?species=dog'))).toEqual([1, 2]);
    expect(idsOf(await listPets(send, '?mood=sad'))).toEqual([2, 4, 6]);
    expect(idsOf(await listPets(send, '?mood=sad&species=cat'))).toEqual([4]);
    expect(idsOf(await listPets(send, '?species=bird'))).toEqual([]);
    expect(idsOf(await listPets(send, '?species=cat&ids=2&ids=3'))).toEqual([3]);
    // Not in the contract, so ignored like any other unknown parameter.
    expect(idsOf(await listPets(send, '?name=x'))).toHaveLength(6);
  });
});

describe('the link to the next page', () => {
  test('has the path and the declared parameters of the request, without offset', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 5);
    const { next } = await readPage(send, `${path}?offset=1&limit=2&x=%3E%20a&species=dog&`);
    expect(next).toMatch(/^\/pet\/pets\/\?limit=2&species=dog&after=[\w-]+$/);
    const second = await readPage(send, next as string);
    expect(idsOf(second.pets)).toEqual([4, 5]);
    // A full page may be the last.
    expect(await readPage(send, second.next as string)).toEqual({ pets: [], next: undefined });
  });

  test('is absent after a page that is not full, and for given ids', async (t) => {
    const { send } = await createExampleApp(t);
    await createPets(send, 2);
    for (const query of ['', '?limit=3', '?ids=1&ids=2&limit=2', '?offset=2&limit=1'])
      expect((await readPage(send, `${path}${query}`)).next).toBeUndefined();
  });

  test('is short enough with the longest texts', async (t) => {
    const { send } = await createExampleApp(t);
    const long = ['😀', '\u0001'].map((character) => character.repeat(200));
    for (const name of long) await createPet(send, { name, species: long[0] });
    const query = `?sort=-name&limit=1&species=${encodeURIComponent(long[0] as string)}`;
    const first = await readPage(send, `${path}${query}`);
    const second = await readPage(send, first.next as string);
    expect([...first.pets, ...second.pets].map(({ name }) => name)).toEqual(long);
    expect((await readPage(send, second.next as string)).pets).toEqual([]);
  });
});
