import { expect, test } from 'vitest';
import { parseFields } from '../../../scripts/scaffold/fields.ts';
import { deriveNames } from '../../../scripts/scaffold/names.ts';
import { UsageError } from '../../../src/framework/app/arguments.ts';

test('fields have a type, a range, null and a default', () => {
  const list =
    'name:string(1..200), note:string?, age : integer(0..99)?=7, kind:enum(ball, soft doll)=ball, home:pet.Pet?';
  expect(parseFields(list)).toEqual([
    { name: 'name', type: 'string', min: 1, max: 200, isNullable: false, fallback: undefined },
    { name: 'note', type: 'string', min: 1, max: 200, isNullable: true, fallback: null },
    { name: 'age', type: 'integer', min: 0, max: 99, isNullable: true, fallback: 7 },
    { name: 'kind', type: 'enum', values: ['ball', 'soft doll'], isNullable: false, fallback: 'ball' },
    { name: 'home_id', type: 'reference', service: 'pet', schema: 'Pet', isNullable: true, fallback: null },
  ]);
});

test('an integer without a range has every value that a number holds exactly', () => {
  expect(parseFields('n:integer')).toMatchObject([
    { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
  ]);
});

test.for([
  ['', 'Expected --fields'],
  ['name', 'not "name"'],
  ['name:', 'not "name:"'],
  ['name:text', 'not "name:text"'],
  ['Name:string', 'not "Name:string"'],
  ['a:string,,b:string', 'not ""'],
  ['a:string(1..2', 'not "a:string(1..2"'],
  ['a:string!', 'not "a:string!"'],
  ['a:string(5)', 'expected string(MIN..MAX)'],
  ['a:string(5..1)', '5 is above 1'],
  ['a:string(0..0)', 'within 0..100000'],
  ['a:string(0..100001)', 'within 0..100000'],
  ['a:integer(1..x)', 'expected integer(MIN..MAX)'],
  ['a:integer(0..99999999999999999999)', 'expected integer(MIN..MAX)'],
  ['a:integer(0..9)=10', 'the default 10 is not within 0..9'],
  ['a:integer=1.5', 'the default 1.5 is not within'],
  ['a:string(1..3)=four', 'the default four is not within 1..3'],
  ['a:enum', 'expected enum(A,B)'],
  ['a:enum()', 'expected enum(A,B)'],
  ["a:enum(b,it's)", 'expected enum(A,B)'],
  ['a:enum(b,b)', 'is there twice'],
  ['a:enum(b)=c', 'the default c is not a value'],
  ['a:string, a:integer', 'the name is used twice'],
  ['a_1:string, a1:integer', 'the name is used twice'],
  ['b:string, toy:string', 'it is the name of the service'],
  ['pet:pet.Pet, pet_id:integer', 'the name is used twice'],
  ['pet:pet.Pet=1', 'a reference has no default'],
  ['pet:pet.Pet.Name', 'expected SERVICE.SCHEMA'],
  ['id:integer', 'the name is reserved'],
  ['class:string', 'the name is reserved'],
  [Array.from({ length: 41 }, (_, index) => `f${index}:string`).join(), 'at most 40 fields'],
])('%j is an error of one line', ([list = '', message = '']) => {
  const read = () => parseFields(list, 'toy');
  expect(read).toThrow(UsageError);
  expect(read).toThrow(message);
  expect(read).toThrow(/^[^\n]+$/);
});

test('names follow from the name of the folder', () => {
  expect(deriveNames('pet-visit')).toEqual({
    name: 'pet-visit',
    resource: 'pet-visits',
    type: 'PetVisit',
    types: 'PetVisits',
    one: 'petVisit',
    many: 'petVisits',
    table: 'pet_visit',
    words: 'pet visit',
    plural: 'pet visits',
    article: 'a pet visit',
  });
  expect(['city', 'box', 'branch', 'toy', 'index'].map((name) => deriveNames(name).resource)).toEqual([
    ...['cities', 'boxes', 'branches', 'toys', 'indexes'],
  ]);
  expect(deriveNames('person', 'people')).toMatchObject({ types: 'People', many: 'people' });
});

test.for([
  'gateway',
  'events',
  'docs',
  'health',
  'class',
  'new',
  'id',
  'database',
  'Toy',
  'a_b',
  '-a',
  'a-',
  'a--b',
  '../x',
  '1a',
  '',
])('%j is no name of a service', (name) => {
  expect(() => deriveNames(name)).toThrow(UsageError);
  expect(() => deriveNames(name)).toThrow(/^[^\n]+$/);
});

test.for(['Toys', 'delete', '/toys', 'a b'])('%j is no plural', (resource) => {
  expect(() => deriveNames('toy', resource)).toThrow(UsageError);
});
