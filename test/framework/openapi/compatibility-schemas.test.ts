import { type TSchema, Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { respond, send } from './compatibility-helpers.ts';

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

  test('is compared completely', () => {
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

  test('is equal to an unfolded copy', () => {
    const { properties, ...rest } = node(Type.Literal('a'));
    const unfolded = { ...rest, properties: { ...properties, next: node(Type.Literal('a')) } };
    const all = [{ Node: node(Type.Literal('a')) }, { Node: unfolded }] as const;
    expect(respond(root, root, all)).toEqual([]);
    expect(send(root, root, all)).toEqual([]);
  });

  test('reports a breaking change behind a cycle of two schemas', () => {
    const to = (name: string, value: TSchema) =>
      Type.Object({ value, next: Type.Unsafe({ $ref: `#/components/schemas/${name}` }) });
    const promised = { Node: to('Other', Type.String()), Other: to('Node', Type.Integer()) };
    expect(respond(root, root, [promised, { ...promised, Other: to('Node', Type.Number()) }])).toEqual([
      'response.next.value: may now be a number',
    ]);
  });
});

test('a changed keyword without a rule cannot be compared', () => {
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

test('overlapping branches of oneOf cannot be compared', () => {
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

test('an endless comparison is reported as impossible', () => {
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
