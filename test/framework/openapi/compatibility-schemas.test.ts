import { type TSchema, Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { findBreakingChanges } from '../../../src/framework/openapi/compatibility.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';

const use = { method: 'post', path: '/x' };

function publish(operation: object, schemas: object = {}): OpenApiDocument {
  const document = { openapi: '3.1.0', paths: { '/x': { post: operation } }, components: { schemas } };
  return JSON.parse(JSON.stringify(document));
}
const json = (schema: object) => ({ content: { 'application/json': { schema } } });

/** What breaks where a response of the first schema was promised and the peer now has the second. */
function respond(promised: object, live: object, schemas: readonly [object, object] = [{}, {}]): string[] {
  const of = (schema: object, all: object) => publish({ responses: { 200: json(schema) } }, all);
  return describeBreaks(of(promised, schemas[0]), of(live, schemas[1]));
}

/** What breaks where a body of the first schema may be sent and the peer now takes the second. */
function send(promised: object, live: object, schemas: readonly [object, object] = [{}, {}]): string[] {
  const of = (schema: object, all: object) => publish({ requestBody: json(schema) }, all);
  return describeBreaks(of(promised, schemas[0]), of(live, schemas[1]));
}

function describeBreaks(promised: OpenApiDocument, live: OpenApiDocument): string[] {
  return findBreakingChanges(promised, live, use).map(({ field, reason }) => `${field}: ${reason}`);
}

const literals = (...values: string[]) => Type.Union(values.map((value) => Type.Literal(value)));
const mood = (schema: TSchema) => Type.Object({ mood: schema });

/** The first schema promises less than the second: a response breaks one way, an input the other way. */
const widenings: readonly (readonly [
  name: string,
  narrow: object,
  wide: object,
  response: string,
  input: string,
])[] = [
  [
    'a union of literals',
    mood(literals('a', 'b')),
    mood(literals('a', 'b', 'c')),
    '.mood: may now be "c"',
    '.mood: no longer accepts "c"',
  ],
  [
    'a literal',
    mood(Type.Literal('a')),
    mood(literals('a', 'b')),
    '.mood: may now be "b"',
    '.mood: no longer accepts "b"',
  ],
  [
    'a literal and any string',
    mood(Type.Literal('a')),
    mood(Type.String()),
    '.mood: may now be another string',
    '.mood: no longer accepts another string',
  ],
  [
    'null, as a union',
    mood(Type.String()),
    mood(Type.Union([Type.String(), Type.Null()])),
    '.mood: may now be null',
    '.mood: no longer accepts null',
  ],
  [
    'null, as a list of types',
    mood(Type.Integer()),
    mood(Type.Unsafe({ type: ['integer', 'null'] })),
    '.mood: may now be null',
    '.mood: no longer accepts null',
  ],
  [
    'null, as OpenAPI 3.0 has it',
    mood(Type.Integer()),
    mood(Type.Unsafe({ type: 'integer', nullable: true })),
    '.mood: may now be null',
    '.mood: no longer accepts null',
  ],
  [
    'an enum',
    mood(Type.Unsafe({ enum: ['a', null] })),
    mood(Type.Unsafe({ enum: ['a', null, 1] })),
    '.mood: may now be 1',
    '.mood: no longer accepts 1',
  ],
  [
    'a type',
    mood(Type.Integer()),
    mood(Type.Number()),
    '.mood: may now be a number',
    '.mood: no longer accepts a number',
  ],
  [
    'a union of objects',
    Type.Union([Type.Object({ kind: Type.Literal('a') })]),
    Type.Union([Type.Object({ kind: Type.Literal('a') }), Type.Object({ kind: Type.Literal('b') })]),
    '.kind: may now be "b"',
    '.kind: no longer accepts "b"',
  ],
  [
    'a part of an intersection',
    Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Integer() })]),
    Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Number() })]),
    '.b: may now be a number',
    '.b: no longer accepts a number',
  ],
  [
    'the values of a record',
    Type.Record(Type.String(), Type.Integer()),
    Type.Record(Type.String(), Type.Number()),
    '.*: may now be a number',
    '.*: no longer accepts a number',
  ],
  [
    'additionalProperties',
    Type.Object({}, { additionalProperties: Type.Integer() }),
    Type.Object({}, { additionalProperties: Type.Number() }),
    '.*: may now be a number',
    '.*: no longer accepts a number',
  ],
  [
    'an item of a tuple',
    Type.Tuple([Type.String(), Type.Integer()]),
    Type.Tuple([Type.String(), Type.Number()]),
    '[1]: may now be a number',
    '[1]: no longer accepts a number',
  ],
  [
    'minimum',
    Type.Integer({ minimum: 1 }),
    Type.Integer({ minimum: 0 }),
    ': minimum was 1 and is now 0',
    ': minimum was 0 and is now 1',
  ],
  [
    'maximum',
    Type.Integer({ maximum: 9 }),
    Type.Integer(),
    ': no longer has maximum 9',
    ': now has maximum 9',
  ],
  [
    'exclusiveMinimum',
    Type.Number({ exclusiveMinimum: 0 }),
    Type.Number({ minimum: 0 }),
    ': no longer has exclusiveMinimum 0',
    ': now has exclusiveMinimum 0',
  ],
  [
    'exclusiveMaximum',
    Type.Number({ exclusiveMaximum: 5 }),
    Type.Number({ exclusiveMaximum: 6 }),
    ': exclusiveMaximum was 5 and is now 6',
    ': exclusiveMaximum was 6 and is now 5',
  ],
  [
    'multipleOf',
    Type.Integer({ multipleOf: 4 }),
    Type.Integer({ multipleOf: 2 }),
    ': multipleOf was 4 and is now 2',
    ': multipleOf was 2 and is now 4',
  ],
  [
    'minLength',
    Type.String({ minLength: 1 }),
    Type.String(),
    ': no longer has minLength 1',
    ': now has minLength 1',
  ],
  [
    'maxLength',
    Type.String({ maxLength: 9 }),
    Type.String({ maxLength: 10 }),
    ': maxLength was 9 and is now 10',
    ': maxLength was 10 and is now 9',
  ],
  [
    'pattern',
    Type.String({ pattern: '^a' }),
    Type.String(),
    ': no longer has pattern "^a"',
    ': now has pattern "^a"',
  ],
  [
    'format',
    Type.String({ format: 'date' }),
    Type.String(),
    ': no longer has format "date"',
    ': now has format "date"',
  ],
  [
    'minItems',
    Type.Array(Type.String(), { minItems: 1 }),
    Type.Array(Type.String()),
    ': no longer has minItems 1',
    ': now has minItems 1',
  ],
  [
    'maxItems',
    Type.Array(Type.String(), { maxItems: 1 }),
    Type.Array(Type.String(), { maxItems: 2 }),
    ': maxItems was 1 and is now 2',
    ': maxItems was 2 and is now 1',
  ],
  [
    'uniqueItems',
    Type.Array(Type.String(), { uniqueItems: true }),
    Type.Array(Type.String()),
    ': no longer has uniqueItems true',
    ': now has uniqueItems true',
  ],
  [
    'minProperties',
    Type.Record(Type.String(), Type.String(), { minProperties: 1 }),
    Type.Record(Type.String(), Type.String()),
    ': minProperties was 1 and is now 0',
    ': minProperties was 0 and is now 1',
  ],
  [
    'maxProperties',
    Type.Record(Type.String(), Type.String(), { maxProperties: 1 }),
    Type.Record(Type.String(), Type.String()),
    ': no longer has maxProperties 1',
    ': now has maxProperties 1',
  ],
  [
    'not',
    Type.Not(Type.Literal('a')),
    Type.Unknown(),
    ': cannot be compared: not',
    ': cannot be compared: not',
  ],
];

describe('a peer that sends more than it promised breaks a response, and one that takes less an input:', () => {
  test.for(widenings)('%s', ([, narrow, wide, response, input]) => {
    expect(respond(narrow, wide)).toContain(`response${response}`);
    expect(respond(wide, narrow)).toEqual([]);
    expect(send(wide, narrow)).toContain(`body${input}`);
    expect(send(narrow, wide)).toEqual([]);
  });
});

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

describe('a change of one field is one break, with its place and its reason:', () => {
  test.for<readonly [name: string, changes: Changes, expected: string]>([
    ['a literal more in a union', { mood: literals('happy', 'sad', 'angry') }, 'mood: may now be "angry"'],
    [
      'any string in place of a union of literals',
      { mood: Type.String() },
      'mood: may now be another string',
    ],
    [
      'null in a union',
      { mood: Type.Union([literals('happy', 'sad'), Type.Null()]) },
      'mood: may now be null',
    ],
    [
      'a lower minimum within a union',
      { age: Type.Union([Type.Integer({ minimum: -1 }), Type.Null()]) },
      'age: minimum was 0 and is now -1',
    ],
    [
      'a number for an integer within a union',
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
      'a field more in a closed object',
      { closed: Type.Object({ a: Type.String(), b: Type.String() }, { additionalProperties: false }) },
      'closed.b: may now be present',
    ],
    [
      'a closed object that is open',
      { closed: Type.Object({ a: Type.String() }) },
      'closed.*: may now be present',
    ],
  ])('%s', ([, changes, expected]) => {
    expect(respond(Pet, changedPet(changes))).toEqual([`response.${expected}`]);
  });
});

describe('a change of an input is a break where it takes less:', () => {
  test.for<readonly [name: string, changes: Changes, expected: string]>([
    ['a literal less', { mood: Type.Literal('happy') }, 'mood: no longer accepts "sad"'],
    ['null no more', { age: Type.Integer({ minimum: 0 }) }, 'age: no longer accepts null'],
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
      'items once each',
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
      'an optional field that is required',
      { chip: Type.String({ format: 'uuid', pattern: '^[0-9a-f-]*$' }) },
      'chip: is newly required',
    ],
    [
      'a field that is never taken',
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

  test('a field that is gone', () => {
    const { chip: _, ...properties } = Pet.properties;
    expect(respond(Pet, Type.Object(properties))).toEqual(['response.chip: is gone']);
    expect(send(Pet, Type.Object(properties))).toEqual(['body.chip: is no longer accepted']);
    const parts = Type.Intersect([Type.Pick(Pet, ['name']), Type.Omit(Pet, ['name', 'chip'])]);
    expect(send(Pet, parts)).toEqual(['body.chip: is no longer accepted']);
  });
});

describe('a change that takes nothing from anybody is silent:', () => {
  const responses: Record<string, Changes> = {
    'a literal less in a union': { mood: Type.Literal('happy') },
    'an enum in place of a union': { mood: Type.Unsafe({ type: 'string', enum: ['sad', 'happy'] }) },
    'a union in another order': { age: Type.Union([Type.Null(), Type.Integer({ minimum: 0 })]) },
    'a list of types in place of a union': { age: Type.Unsafe({ type: ['null', 'integer'], minimum: 0 }) },
    'an integer that is never null': { age: Type.Integer({ exclusiveMinimum: -1 }) },
    'narrower bounds': { name: Type.String({ minLength: 2, maxLength: 10, pattern: '^a' }) },
    'an optional field that is always there': {
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
  test.for(Object.entries(responses))('%s, in a response', ([, changes]) => {
    expect(respond(Pet, changedPet(changes))).toEqual([]);
  });

  const inputs: Record<string, Changes> = {
    'a literal more in a union': { mood: literals('happy', 'sad', 'angry') },
    'any string': { mood: Type.String() },
    'any value': { name: Type.Unknown(), age: Type.Any(), owner: Type.Unknown() },
    'wider bounds': {
      name: Type.String({ maxLength: 300 }),
      tags: Type.Array(Type.String(), { maxItems: 6 }),
    },
    'an optional field more': { more: Type.Optional(Type.String()) },
    'a field that need not be sent': {
      name: Type.Optional(Pet.properties.name),
      mood: Type.Optional(Pet.properties.mood),
    },
    'a number': { place: Type.Array(Type.Number()), scores: Type.Record(Type.String(), Type.Number()) },
    'an intersection as one object': { owner: Type.Object({ id: Type.Integer(), email: Type.String() }) },
    'a closed object that is open': { closed: Type.Object({ a: Type.String() }) },
    'fewer than were sent of an open object, closed': {
      owner: Type.Object({ id: Type.Integer(), email: Type.String() }, { additionalProperties: false }),
    },
  };
  test.for(Object.entries(inputs))('%s, in an input', ([, changes]) => {
    expect(send(Pet, changedPet(changes))).toEqual([]);
  });
});

describe('a recursive schema', () => {
  const node = (value: TSchema, more: object = {}) =>
    JSON.parse(
      JSON.stringify(
        Type.Recursive(
          (This) => Type.Object({ value, next: Type.Optional(This), all: Type.Array(This), ...more }),
          { $id: 'Node' },
        ),
      ).replaceAll('"$ref":"Node"', '"$ref":"#/components/schemas/Node"'),
    );
  const root = { $ref: '#/components/schemas/Node' };

  test('is compared to its end, whether its parts are equal or not', () => {
    const all = (promised: TSchema, live: TSchema) =>
      [{ Node: node(promised) }, { Node: node(live) }] as const;
    expect(respond(root, root, all(Type.String(), Type.String()))).toEqual([]);
    expect(respond(root, root, all(Type.String(), Type.Literal('a')))).toEqual([]);
    expect(respond(root, root, all(Type.Integer(), Type.Number()))).toEqual([
      'response.value: may now be a number',
    ]);
    expect(send(root, root, all(Type.Number(), Type.Integer()))).toEqual([
      'body.value: no longer accepts a number',
    ]);
  });

  test('is equal to its own unfolding', () => {
    const { properties, ...rest } = node(Type.Literal('a'));
    const unfolded = { ...rest, properties: { ...properties, next: node(Type.Literal('a')) } };
    const all = [{ Node: node(Type.Literal('a')) }, { Node: unfolded }] as const;
    expect(respond(root, root, all)).toEqual([]);
    expect(send(root, root, all)).toEqual([]);
  });

  test('breaks behind a cycle of two schemas', () => {
    const to = (name: string, value: TSchema) =>
      Type.Object({ value, next: Type.Unsafe({ $ref: `#/components/schemas/${name}` }) });
    const promised = { Node: to('Other', Type.String()), Other: to('Node', Type.Integer()) };
    expect(respond(root, root, [promised, { ...promised, Other: to('Node', Type.Number()) }])).toEqual([
      'response.next.value: may now be a number',
    ]);
  });
});

test('what has no rule is equal, or cannot be compared', () => {
  const keywords: Record<string, unknown> = {
    if: { type: 'string' },
    dependentRequired: { a: ['b'] },
    propertyNames: { maxLength: 3 },
    unevaluatedItems: false,
    contentEncoding: 'base64',
    madeUp: { deep: [1, { two: 3 }] },
  };
  for (const [keyword, value] of Object.entries(keywords)) {
    expect(respond({ [keyword]: value }, { [keyword]: structuredClone(value) }), keyword).toEqual([]);
    expect(respond({ [keyword]: value }, {}), keyword).toEqual([`response: cannot be compared: ${keyword}`]);
    expect(send({}, { [keyword]: value }), keyword).toEqual([`body: cannot be compared: ${keyword}`]);
  }
});

test('exactly one branch of oneOf must match: branches that are not apart cannot be compared', () => {
  const [a, b] = [Type.Object({ kind: Type.Literal('a') }), Type.Object({ kind: Type.Literal('b') })];
  expect(respond({ oneOf: [a, b] }, { oneOf: [b] })).toEqual([]);
  expect(respond({ oneOf: [a, Type.Null()] }, { anyOf: [a, Type.Null()] })).toEqual([]);
  const overlapping = { oneOf: [Type.Number({ minimum: 0 }), Type.Number({ maximum: 9 })] };
  expect(respond(overlapping, Type.Number({ minimum: 3 }))).toEqual(['response: cannot be compared: oneOf']);
});

test('unevaluatedProperties closes an intersection', () => {
  const parts = [Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })];
  const closed = Type.Intersect(parts, { unevaluatedProperties: false });
  const more = Type.Intersect([...parts, Type.Object({ c: Type.String() })], {
    unevaluatedProperties: false,
  });
  expect(
    respond(closed, Type.Object({ a: Type.String(), b: Type.String() }, { additionalProperties: false })),
  ).toEqual([]);
  expect(respond(closed, more)).toEqual(['response.c: may now be present']);
  expect(respond(closed, Type.Intersect(parts))).toEqual(['response.*: may now be present']);
});

test('a comparison that would never end says that it cannot be made', () => {
  const union = (from: number) =>
    Type.Union(Array.from({ length: 20 }, (_, at) => Type.Object({ [`p${from + at}`]: Type.String() })));
  const many = Type.Intersect([union(0), union(20), union(40)]);
  expect(respond(many, Type.Intersect([union(1), union(21), union(40)])).join()).toMatch(
    /cannot be compared: too many alternatives/,
  );
  let deep: TSchema = Type.String();
  for (let level = 0; level < 300; level += 1) deep = Type.Array(deep);
  const deeper = Type.Array(deep);
  expect(respond(deep, deeper).join()).toMatch(/cannot be compared: the schemas are nested too deeply/);
});
