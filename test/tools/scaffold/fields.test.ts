import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFields } from '../../../scripts/scaffold/fields.ts';
import { deriveNames, deriveNewNames } from '../../../scripts/scaffold/names.ts';
import { UsageError } from '../../../src/framework/app/arguments.ts';
import { formatInstant } from '../../../src/framework/database/instant.ts';

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

test('numbers, booleans and points in time have a default too', () => {
  const list =
    'weight:number(-0.5..1.5), ratio:number=0.25, tame:boolean=true, wild:boolean?, born:instant, due:instant=2024-02-29T23:59:59.999999Z';
  const common = { isNullable: false, fallback: undefined };
  expect(parseFields(list)).toEqual([
    { ...common, name: 'weight', type: 'number', min: -0.5, max: 1.5 },
    {
      ...common,
      name: 'ratio',
      type: 'number',
      min: -Number.MAX_VALUE,
      max: Number.MAX_VALUE,
      fallback: 0.25,
    },
    { ...common, name: 'tame', type: 'boolean', fallback: true },
    { name: 'wild', type: 'boolean', isNullable: true, fallback: null },
    { ...common, name: 'born', type: 'instant' },
    { ...common, name: 'due', type: 'instant', fallback: '2024-02-29T23:59:59.999999Z' },
  ]);
});

test('an integer without a range has every value that a number holds exactly', () => {
  expect(parseFields('n:integer')).toMatchObject([
    { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
  ]);
});

test('a range of numbers is read as it is written', () => {
  const end = fc.tuple(fc.integer({ min: -(10 ** 6), max: 10 ** 6 }), fc.nat(999));
  const text = end.map(([whole, rest]) => `${whole}.${rest}`);
  const space = fc.constantFrom('', ' ');
  fc.assert(
    fc.property(text, text, space, (one, other, space) => {
      const [min = '', max = ''] = [one, other].sort((a, b) => Number(a) - Number(b));
      const field = { type: 'number', min: Number(min), max: Number(max), fallback: Number(max) };
      expect(parseFields(`n:number(${space}${min}${space}..${space}${max})=${max}`)).toMatchObject([field]);
    }),
  );
});

test('every time that the database writes is a default of a point in time, and a time with another form is none', () => {
  const micros = fc.integer({ min: -8_520_336_000_000_000, max: 7_258_118_399_999_999 });
  fc.assert(
    fc.property(
      micros.map(formatInstant),
      fc.nat(26),
      fc.constantFrom('', '0', ':', 'x'),
      (at, index, put) => {
        expect(parseFields(`at:instant=${at}`)).toMatchObject([{ fallback: at }]);
        const other = at.slice(0, index) + put + at.slice(index + 1);
        const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(other);
        if (!isTime) expect(() => parseFields(`at:instant=${other}`)).toThrow('expected a time such as');
      },
    ),
  );
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
  ['a:string(0..0)', 'within 0..60000'],
  ['a:string(0..60001)', 'within 0..60000'],
  ['a:integer(1..x)', 'expected integer(MIN..MAX)'],
  ['a:integer(0..99999999999999999999)', 'expected integer(MIN..MAX)'],
  ['a:integer(0..9)=10', 'the default 10 is not within 0..9'],
  ['a:integer=1.5', 'the default 1.5 is not within'],
  ['a:number(1..x)', 'expected number(MIN..MAX)'],
  ['a:number(1.5..1.25)', '1.5 is above 1.25'],
  ['a:number(.5..1)', 'expected number(MIN..MAX)'],
  ['a:number(0..1e3)', 'expected number(MIN..MAX)'],
  [`a:number(0..${'9'.repeat(400)})`, 'expected number(MIN..MAX)'],
  ['a:number(0..1)=1.5', 'the default 1.5 is not within 0..1'],
  ['a:number=Infinity', 'the default Infinity is not within'],
  ['a:number=x', 'the default x is not within'],
  ['a:boolean(1..2)', 'expected boolean without parentheses'],
  ['a:boolean=yes', 'the default yes is not true or false'],
  ['a:instant(1..2)', 'expected instant without parentheses'],
  ['a:instant=2024-12-18', 'expected a time such as 2024-12-18T21:03:51.790256Z, not 2024-12-18'],
  ['a:instant=2023-02-29T00:00:00.000000Z', 'expected a time such as'],
  ['a:instant=2016-12-31T23:59:60.000000Z', 'expected a time such as'],
  ['a:instant=2200-01-01T00:00:00.000000Z', 'expected a time such as'],
  ['a:integer=', 'not "a:integer="'],
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
  ['constructor:string', 'the name is reserved'],
  ['xmin:integer', 'the name is reserved'],
  ['then:string', 'the name is reserved'],
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
  'service',
  'map',
  'weak-set',
  'promise',
  'Toy',
  'a_b',
  '-a',
  'a-',
  'a--b',
  '../x',
  '1a',
  '',
])('%j is no name of a service', (name) => {
  expect(() => deriveNewNames(name)).toThrow(UsageError);
  expect(() => deriveNewNames(name)).toThrow(/^[^\n]+$/);
});

test.for(['Toys', 'delete', '/toys', 'a b', 'docs', 'events', 'health', 'ready'])(
  '%j is no plural',
  (resource) => {
    expect(() => deriveNewNames('toy', resource)).toThrow(UsageError);
  },
);
