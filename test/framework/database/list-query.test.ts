import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { expect, expectTypeOf, test } from 'vitest';
import { listQuery, readListColumns } from '../../../src/framework/database/list-query.ts';
import { DefinitionError } from '../../../src/framework/errors/definition-error.ts';
import { Id, nullable, ref, Timestamp, text } from '../../../src/framework/openapi/schema.ts';

const Kind = Type.Unsafe<'ball' | 'doll' | null>({ type: ['string', 'null'], enum: ['ball', 'doll', null] });
const Toy = Type.Object(
  {
    id: Id,
    name: text({ maxLength: 200, examples: ['bear'] }),
    story: text({ maxLength: 201 }),
    kind: Kind,
    age: nullable(Type.Integer({ minimum: 0, description: 'In years' })),
    isNew: Type.Boolean(),
    made: Timestamp,
    tags: Type.Array(Type.String()),
    sort: Type.String({ maxLength: 9 }),
  },
  { $id: 'Toy' },
);
const Child = Type.Object({ id: Id, toy: ref(Toy) });

test('has the type and the schema of each parameter', () => {
  const query = listQuery(Toy, { filter: ['kind', 'age', 'isNew'], sort: ['name', 'made'], ids: 7 });
  type Query = Static<typeof query>;
  expectTypeOf<Query['sort']>().toEqualTypeOf<
    'id' | '-id' | 'name' | '-name' | 'made' | '-made' | undefined
  >();
  expectTypeOf<Query['kind']>().toEqualTypeOf<'ball' | 'doll' | undefined>();
  expectTypeOf<Query['age']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Query>().not.toHaveProperty('name');
  const { properties, required } = query as unknown as {
    properties: Record<string, object>;
    required?: unknown;
  };
  expect(Object.keys(properties)).toEqual([
    'offset',
    'limit',
    'after',
    'sort',
    'kind',
    'age',
    'isNew',
    'ids',
  ]);
  expect(required).toBeUndefined();
  expect(properties).toMatchObject({
    sort: { enum: ['id', '-id', 'name', '-name', 'made', '-made'], default: 'id' },
    kind: { type: 'string', enum: ['ball', 'doll'] },
    age: { type: 'integer', minimum: 0, description: 'Only items with this age' },
    isNew: { type: 'boolean' },
    ids: { maxItems: 7 },
  });
  expect(readListColumns(query)).toEqual({
    filter: ['kind', 'age', 'isNew'],
    sort: ['name', 'made'],
    hasIds: true,
  });
});

test('a filter rejects values that a column cannot have', () => {
  const Plain = Type.Object({ id: Id, name: Type.String(), age: Type.Integer({ maximum: 9 }) });
  const query = listQuery(Plain, { filter: ['name', 'age'] });
  for (const filter of [{ name: 'x' }, { age: Number.MIN_SAFE_INTEGER }, { age: 9 }])
    expect(Value.Check(query, filter), JSON.stringify(filter)).toBe(true);
  for (const filter of [{ name: 'x\0' }, { age: -1e20 }, { age: 10 }])
    expect(Value.Check(query, filter), JSON.stringify(filter)).toBe(false);
});

test('has neither ids nor filters by default, and other schemas have no columns', () => {
  const { properties } = listQuery(Toy) as unknown as { properties: object };
  expect(Object.keys(properties)).toEqual(['offset', 'limit', 'after', 'sort']);
  expect(readListColumns(Toy)).toBeUndefined();
  expect(readListColumns(undefined)).toBeUndefined();
});

const many = Type.Object(
  Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`n${index}`, Type.Integer()])),
);
const names = Object.keys(many.properties);

test.for<[create: () => unknown, message: RegExp]>([
  [
    () => listQuery(Toy, { filter: ['made'] }),
    /^a list cannot be filtered by made: expected a string without/,
  ],
  [() => listQuery(Toy, { filter: ['tags'] }), /^a list cannot be filtered by tags: /],
  [() => listQuery(Child, { filter: ['toy'] }), /^a list cannot be filtered by toy: /],
  [() => listQuery(Toy, { filter: ['sort'] }), /^a list cannot be filtered by sort: choose another property/],
  [() => listQuery(Toy, { filter: ['absent' as 'name'] }), /^a list cannot be filtered by absent: /],
  [
    () => listQuery(Toy, { sort: ['story'] }),
    /^a list cannot be sorted by story: its texts may be longer than 200/,
  ],
  [() => listQuery(Toy, { sort: ['tags'] }), /^a list cannot be sorted by tags: /],
  [() => listQuery(Child, { sort: ['toy'] }), /^a list cannot be sorted by toy: /],
  [() => listQuery(Toy, { sort: ['absent' as 'name'] }), /^a list cannot be sorted by absent: /],
  [() => listQuery(many, { filter: names.slice(0, 6) }), /^a list has at most 5 filters: /],
  [() => listQuery(many, { sort: names }), /^a list can be sorted by at most 8 properties: /],
])('%s is an error of the definition', ([create, message]) => {
  expect(create).toThrow(DefinitionError);
  expect(create).toThrow(message);
});
