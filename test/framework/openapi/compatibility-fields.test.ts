import { type TSchema, Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { literals, respond, send } from './compatibility-helpers.ts';

const Pet = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 200 }),
  mood: literals('happy', 'sad'),
  age: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  chip: Type.Optional(Type.String({ format: 'uuid', pattern: '^[0-9a-f-]*$' })),
  tags: Type.Array(Type.String(), { maxItems: 5 }),
  scores: Type.Record(Type.String(), Type.Integer()),
  place: Type.Tuple([Type.Number(), Type.Number()]),
  owner: Type.Intersect([Type.Object({ id: Type.Integer() }), Type.Object({ email: Type.String() })]),
  closed: Type.Object({ a: Type.String() }, { additionalProperties: false }),
});
type Changes = Readonly<Record<string, TSchema>>;
const changedPet = (changes: Changes) => Type.Object({ ...Pet.properties, ...changes });

describe('a breaking change of a response has a location and a reason', () => {
  test.for<readonly [name: string, changes: Changes, expected: string]>([
    ['a new literal in a union', { mood: literals('happy', 'sad', 'angry') }, 'mood: may now be "angry"'],
    ['any string instead of a union of literals', { mood: Type.String() }, 'mood: may now be another string'],
    [
      'null in a union',
      { mood: Type.Union([literals('happy', 'sad'), Type.Null()]) },
      'mood: may now be null',
    ],
    [
      'a lower minimum in a union',
      { age: Type.Union([Type.Integer({ minimum: -1 }), Type.Null()]) },
      'age: minimum was 0 and is now -1',
    ],
    [
      'a number instead of an integer in a union',
      { age: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]) },
      'age: may now be a number',
    ],
    [
      'a longer string',
      { name: Type.String({ minLength: 1, maxLength: 300 }) },
      'name: maxLength was 200 and is now 300',
    ],
    ['an empty string', { name: Type.String({ maxLength: 200 }) }, 'name: no longer has minLength 1'],
    [
      'another pattern',
      { chip: Type.Optional(Type.String({ format: 'uuid', pattern: '^[0-9]*$' })) },
      'chip: cannot be compared: pattern was "^[0-9a-f-]*$" and is now "^[0-9]*$"',
    ],
    [
      'another format',
      { chip: Type.Optional(Type.String({ format: 'date', pattern: '^[0-9a-f-]*$' })) },
      'chip: cannot be compared: format was "uuid" and is now "date"',
    ],
    ['more items', { tags: Type.Array(Type.String()) }, 'tags: no longer has maxItems 5'],
    [
      'other items',
      { tags: Type.Array(Type.Union([Type.String(), Type.Integer()]), { maxItems: 5 }) },
      'tags[]: may now be an integer',
    ],
    [
      'other values of a record',
      { scores: Type.Record(Type.String(), Type.Number()) },
      'scores.*: may now be a number',
    ],
    [
      'another item of a tuple',
      { place: Type.Tuple([Type.Number(), Type.String()]) },
      'place[1]: may now be a string',
    ],
    [
      'a part of an intersection without a field',
      { owner: Type.Intersect([Type.Object({ id: Type.Integer() }), Type.Object({})]) },
      'owner.email: is gone',
    ],
    [
      'a part of an intersection with an optional field',
      {
        owner: Type.Intersect([
          Type.Object({ id: Type.Integer() }),
          Type.Partial(Type.Object({ email: Type.String() })),
        ]),
      },
      'owner.email: may now be missing',
    ],
    [
      'a new field in a closed object',
      { closed: Type.Object({ a: Type.String(), b: Type.String() }, { additionalProperties: false }) },
      'closed.b: may now be present',
    ],
    [
      'a closed object that is now open',
      { closed: Type.Object({ a: Type.String() }) },
      'closed.*: may now be present',
    ],
  ])('%s', ([, changes, expected]) => {
    expect(respond(Pet, changedPet(changes))).toEqual([`response.${expected}`]);
  });
});

describe('an input that accepts fewer values is a breaking change', () => {
  test.for<readonly [name: string, changes: Changes, expected: string]>([
    ['a removed literal', { mood: Type.Literal('happy') }, 'mood: no longer accepts "sad"'],
    ['null is removed', { age: Type.Integer({ minimum: 0 }) }, 'age: no longer accepts null'],
    [
      'a higher minimum',
      { age: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]) },
      'age: minimum was 0 and is now 1',
    ],
    ['a shorter string', { name: Type.String({ maxLength: 100 }) }, 'name: maxLength was 200 and is now 100'],
    ['a new pattern', { name: Type.String({ pattern: '^a' }) }, 'name: now has pattern "^a"'],
    ['a new format', { name: Type.String({ format: 'email' }) }, 'name: now has format "email"'],
    [
      'fewer items',
      { tags: Type.Array(Type.String(), { maxItems: 4 }) },
      'tags: maxItems was 5 and is now 4',
    ],
    [
      'unique items',
      { tags: Type.Array(Type.String(), { uniqueItems: true }) },
      'tags: now has uniqueItems true',
    ],
    [
      'other keys of a record',
      {
        scores: Type.Record(Type.String({ pattern: '^x' }), Type.Integer(), { additionalProperties: false }),
      },
      'scores.*: is no longer accepted',
    ],
    [
      'a longer tuple',
      { place: Type.Tuple([Type.Number(), Type.Number(), Type.Number()]) },
      'place: minItems was 2 and is now 3',
    ],
    ['a new required field', { extra: Type.String() }, 'extra: is newly required'],
    [
      'an optional field that is now required',
      { chip: Type.String({ format: 'uuid', pattern: '^[0-9a-f-]*$' }) },
      'chip: is newly required',
    ],
    [
      'a field that accepts no value',
      { chip: Type.Optional(Type.Never()) },
      'chip: no longer accepts a string',
    ],
    [
      'a keyword without a rule',
      { tags: Type.Array(Type.String(), { contains: Type.Literal('a') }) },
      'tags: cannot be compared: contains',
    ],
  ])('%s', ([, changes, expected]) => {
    expect(send(Pet, changedPet(changes))).toEqual([`body.${expected}`]);
  });

  test('a removed field', () => {
    const { chip: _, ...properties } = Pet.properties;
    expect(respond(Pet, Type.Object(properties))).toEqual(['response.chip: is gone']);
    expect(send(Pet, Type.Object(properties))).toEqual(['body.chip: is no longer accepted']);
    const parts = Type.Intersect([Type.Pick(Pet, ['name']), Type.Omit(Pet, ['name', 'chip'])]);
    expect(send(Pet, parts)).toEqual(['body.chip: is no longer accepted']);
  });
});

describe('a compatible change is not reported', () => {
  const responses: Record<string, Changes> = {
    'a removed literal of a union': { mood: Type.Literal('happy') },
    'an enum instead of a union': { mood: Type.Unsafe({ type: 'string', enum: ['sad', 'happy'] }) },
    'a union in another order': { age: Type.Union([Type.Null(), Type.Integer({ minimum: 0 })]) },
    'a list of types instead of a union': { age: Type.Unsafe({ type: ['null', 'integer'], minimum: 0 }) },
    'an integer that is never null': { age: Type.Integer({ exclusiveMinimum: -1 }) },
    'narrower bounds': { name: Type.String({ minLength: 2, maxLength: 10, pattern: '^a' }) },
    'an optional field that is always present': {
      chip: Type.String({ format: 'uuid', pattern: '^[0-9a-f-]*$' }),
    },
    'fewer items': { tags: Type.Tuple([Type.Literal('a')]) },
    'a record of known fields': {
      scores: Type.Object({ a: Type.Integer() }, { additionalProperties: false }),
    },
    'integers in a tuple': { place: Type.Tuple([Type.Integer(), Type.Literal(1)]) },
    'an intersection as one object': {
      owner: Type.Object({ id: Type.Integer(), email: Type.String(), more: Type.String() }),
    },
    'annotations, and another field': {
      name: Type.String({
        ...Pet.properties.name,
        title: 'x',
        description: 'y',
        default: 'z',
        examples: ['a'],
        'x-y': 1,
      }),
      more: Type.Null(),
    },
  };
  test.for(Object.entries(responses))('in a response: %s', ([, changes]) => {
    expect(respond(Pet, changedPet(changes))).toEqual([]);
  });

  const inputs: Record<string, Changes> = {
    'a new literal in a union': { mood: literals('happy', 'sad', 'angry') },
    'any string': { mood: Type.String() },
    'any value': { name: Type.Unknown(), age: Type.Any(), owner: Type.Unknown() },
    'wider bounds': {
      name: Type.String({ maxLength: 300 }),
      tags: Type.Array(Type.String(), { maxItems: 6 }),
    },
    'a new optional field': { more: Type.Optional(Type.String()) },
    'a field that is now optional': {
      name: Type.Optional(Pet.properties.name),
      mood: Type.Optional(Pet.properties.mood),
    },
    'a number': { place: Type.Array(Type.Number()), scores: Type.Record(Type.String(), Type.Number()) },
    'an intersection as one object': { owner: Type.Object({ id: Type.Integer(), email: Type.String() }) },
    'a closed object that is now open': { closed: Type.Object({ a: Type.String() }) },
    'a closed object with all sent fields': {
      owner: Type.Object({ id: Type.Integer(), email: Type.String() }, { additionalProperties: false }),
    },
  };
  test.for(Object.entries(inputs))('in an input: %s', ([, changes]) => {
    expect(send(Pet, changedPet(changes))).toEqual([]);
  });
});
