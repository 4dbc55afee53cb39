import { expect, test } from 'vitest';
import { parseFields } from '../../../scripts/scaffold/fields.ts';
import { parseListFields } from '../../../scripts/scaffold/lists.ts';
import { UsageError } from '../../../src/framework/app/arguments.ts';

const fields = parseFields(
  'story:string(1..201), name:string(1..200), title:string, age:integer?, kind:enum(ball,doll), pet:pet.Pet?, bought:instant',
);

function namesOf(options: Parameters<typeof parseListFields>[1]) {
  const { filter, sort } = parseListFields(fields, options);
  return { filter: filter.map(({ name }) => name), sort: sort.map(({ name }) => name) };
}

test('by default a list is filtered by enums and references, and sorted by the first short text', () => {
  expect(namesOf({})).toEqual({ filter: ['kind', 'pet_id'], sort: ['name'] });
  expect(parseListFields(parseFields('age:integer'), {})).toEqual({ filter: [], sort: [] });
});

test('the options name the fields, or none', () => {
  expect(namesOf({ filter: 'story, pet_id', sort: 'age,kind' })).toEqual({
    filter: ['story', 'pet_id'],
    sort: ['age', 'kind'],
  });
  expect(namesOf({ filter: '', sort: '' })).toEqual({ filter: [], sort: [] });
});

const expected = 'expected one of story, name, title, age, kind, pet_id, bought';

test.for<[options: Parameters<typeof parseListFields>[1], message: string]>([
  [{ filter: 'nope' }, `Unknown field nope of --filter: ${expected}`],
  [{ filter: 'kind,' }, `Unknown field "" of --filter: ${expected}`],
  // The field of a reference has the id in its name.
  [{ filter: 'pet' }, `Unknown field pet of --filter: ${expected}`],
  [{ sort: 'id' }, `Unknown field id of --sort: ${expected}`],
  [{ sort: 'age,age' }, 'Expected each field of --sort once'],
  [{ sort: 'story' }, 'Field story of --sort: its texts may be longer than 200 characters'],
  [{ filter: 'bought' }, 'Field bought of --filter: a list cannot be filtered by a point in time'],
  [{ filter: 'a,b,c,d,e,f' }, 'Expected at most 5 fields of --filter, not 6'],
  [{ sort: 'a,b,c,d,e,f,g,h,i' }, 'Expected at most 8 fields of --sort, not 9'],
])('%j is rejected with one line', ([options, message]) => {
  expect(() => parseListFields(fields, options)).toThrow(new UsageError(message));
});
