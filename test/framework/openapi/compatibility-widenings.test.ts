import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { literals, mood, respond, send } from './compatibility-helpers.ts';

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

describe('a wider response breaks the caller, and so does a narrower input:', () => {
  test.for(widenings)('%s', ([, narrow, wide, response, input]) => {
    expect(respond(narrow, wide)).toContain(`response${response}`);
    expect(respond(wide, narrow)).toEqual([]);
    expect(send(wide, narrow)).toContain(`body${input}`);
    expect(send(narrow, wide)).toEqual([]);
  });
});
