import { type TSchema, Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { literals, mood, respond, send } from './compatibility-helpers.ts';

/** A narrow schema, a wide schema, and the breaking changes of a wider response and of a narrower input. */
type Widening = readonly [name: string, narrow: object, wide: object, response: string, input: string];
type Create = (options: object) => TSchema;

const array: Create = (options) => Type.Array(Type.String(), options);
const record: Create = (options) => Type.Record(Type.String(), Type.String(), options);

function changed(keyword: string, create: Create, narrow: number, wide: number): Widening {
  const describe = (before: number, now: number) => `: ${keyword} was ${before} and is now ${now}`;
  const schemas = [create({ [keyword]: narrow }), create({ [keyword]: wide })] as const;
  return [keyword, ...schemas, describe(narrow, wide), describe(wide, narrow)];
}

function removed(keyword: string, create: Create, value: unknown): Widening {
  const keywordAndValue = `${keyword} ${JSON.stringify(value)}`;
  const schemas = [create({ [keyword]: value }), create({})] as const;
  return [keyword, ...schemas, `: no longer has ${keywordAndValue}`, `: now has ${keywordAndValue}`];
}

const widenings: readonly Widening[] = [
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
    'null, in the form of OpenAPI 3.0',
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
  changed('minimum', Type.Integer, 1, 0),
  removed('maximum', Type.Integer, 9),
  [
    'exclusiveMinimum',
    Type.Number({ exclusiveMinimum: 0 }),
    Type.Number({ minimum: 0 }),
    ': no longer has exclusiveMinimum 0',
    ': now has exclusiveMinimum 0',
  ],
  changed('exclusiveMaximum', Type.Number, 5, 6),
  changed('multipleOf', Type.Integer, 4, 2),
  removed('minLength', Type.String, 1),
  changed('maxLength', Type.String, 9, 10),
  removed('pattern', Type.String, '^a'),
  removed('format', Type.String, 'date'),
  removed('minItems', array, 1),
  changed('maxItems', array, 1, 2),
  removed('uniqueItems', array, true),
  [
    'minProperties',
    record({ minProperties: 1 }),
    record({}),
    ': minProperties was 1 and is now 0',
    ': minProperties was 0 and is now 1',
  ],
  removed('maxProperties', record, 1),
  [
    'not',
    Type.Not(Type.Literal('a')),
    Type.Unknown(),
    ': cannot be compared: not',
    ': cannot be compared: not',
  ],
];

describe('a wider response and a narrower input are breaking changes', () => {
  test.for(widenings)('%s', ([, narrow, wide, response, input]) => {
    expect(respond(narrow, wide)).toContain(`response${response}`);
    expect(respond(wide, narrow)).toEqual([]);
    expect(send(wide, narrow)).toContain(`body${input}`);
    expect(send(narrow, wide)).toEqual([]);
  });
});
