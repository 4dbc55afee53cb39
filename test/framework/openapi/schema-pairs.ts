import { type TSchema, Type } from '@sinclair/typebox';
import fc from 'fast-check';

/** A schema as JSON. */
export type Json = { [keyword: string]: unknown };

/** A schema, and two named schemas that all three may refer to. */
export interface Draft {
  readonly root: Json;
  readonly A: Json;
  readonly B: Json;
}

const names = ['a', 'b', 'c'] as const;
const small = fc.integer({ min: -2, max: 6 });
const count = fc.integer({ min: 0, max: 3 });
const some = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 2 });
const options = (of: Record<string, fc.Arbitrary<unknown>>) =>
  fc
    .record(Object.fromEntries(Object.entries(of).map(([key, value]) => [key, some(value)])))
    .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));

const literals = fc.constantFrom<string | number | boolean>('x', 'y', 'zz', 1, 2, true);
const scalar: fc.Arbitrary<TSchema> = fc.oneof(
  options({
    minLength: count,
    maxLength: fc.integer({ min: 2, max: 5 }),
    pattern: fc.constantFrom('^a', '^[a-z]*$'),
    format: fc.constantFrom('date', 'uuid'),
  }).map((given) => Type.String(given)),
  options({ minLength: count, maxLength: fc.integer({ min: 2, max: 5 }) }).map((given) => Type.String(given)),
  options({ minimum: small, maximum: small, exclusiveMinimum: small, exclusiveMaximum: small }).map((given) =>
    Type.Integer(given),
  ),
  options({ minimum: small, maximum: small, multipleOf: fc.constantFrom(0.5, 1, 2, 4) }).map((given) =>
    Type.Number(given),
  ),
  fc.constant(Type.Boolean()),
  fc.constant(Type.Null()),
  literals.map((value) => Type.Literal(value)),
  fc
    .uniqueArray(literals, { minLength: 1, maxLength: 4 })
    .map((values) => Type.Union(values.map((value) => Type.Literal(value)))),
  fc
    .subarray(['x', 'y', 'zz'], { minLength: 1 })
    .map((values) => Type.Unsafe({ type: 'string', enum: values })),
  fc.constant(Type.Unsafe({ type: ['integer', 'null'] })),
  fc.constant(Type.Unknown()),
);

const { schema, container } = fc.letrec<{ schema: TSchema; object: TSchema; container: TSchema }>((tie) => ({
  // No named schema is a reference, because it could refer to itself, which validators reject.
  container: fc.oneof(
    tie('object'),
    tie('object').map((object) => Type.Union([object, Type.Null()])),
    tie('schema').map((items) => Type.Array(items)),
  ),
  object: fc
    .tuple(
      fc.dictionary(fc.constantFrom(...names), fc.tuple(tie('schema'), fc.boolean()), { maxKeys: 3 }),
      options({
        additionalProperties: fc.oneof(fc.constant(false), fc.constant(true), scalar),
        maxProperties: fc.integer({ min: 1, max: 4 }),
        minProperties: count,
      }),
      fc.boolean(),
    )
    .map(([properties, given, isPlain]) =>
      Type.Object(
        Object.fromEntries(
          Object.entries(properties).map(([name, [one, isOptional]]) => [
            name,
            isOptional ? Type.Optional(one) : one,
          ]),
        ),
        isPlain ? {} : given,
      ),
    ),
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 5, arbitrary: scalar },
    { weight: 4, arbitrary: tie('object') },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom('A', 'B')
        .map((name) => Type.Unsafe({ $ref: `#/components/schemas/${name}` })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('schema'), options({ minItems: count, maxItems: count, uniqueItems: fc.boolean() }))
        .map(([items, given]) => Type.Array(items, given)),
    },
    { weight: 1, arbitrary: fc.array(tie('schema'), { maxLength: 3 }).map((items) => Type.Tuple(items)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(Type.String(), Type.Integer(), Type.String({ pattern: '^x' })),
          tie('schema'),
          fc.boolean(),
        )
        .map(([key, value, isClosed]) =>
          Type.Record(key, value, isClosed ? { additionalProperties: false } : {}),
        ),
    },
    {
      weight: 3,
      arbitrary: fc.array(tie('schema'), { minLength: 2, maxLength: 3 }).map((all) => Type.Union(all)),
    },
    {
      weight: 1,
      arbitrary: fc
        .array(tie('schema'), { minLength: 2, maxLength: 3 })
        .map((oneOf) => Type.Unsafe({ oneOf })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.array(tie('object'), { minLength: 2, maxLength: 2 }), fc.boolean())
        .map(([all, isClosed]) => Type.Intersect(all, isClosed ? { unevaluatedProperties: false } : {})),
    },
    { weight: 1, arbitrary: scalar.map((one) => Type.Not(one)) },
  ),
}));

/** Generates all kinds of schemas that TypeBox writes, including references and recursion. */
export const draft: fc.Arbitrary<Draft> = fc
  .record({ root: schema, A: container, B: container })
  .map((all) => JSON.parse(JSON.stringify(all)) as Draft);

/** Generates a small change of a draft: the schema, the kind of change and its parameters. */
export const change = fc.record({
  at: fc.nat(1_000),
  kind: fc.nat(1_000),
  amount: fc.constantFrom(-2, -1, 1, 2),
  name: fc.constantFrom(...names, 'd'),
  replacement: scalar.map((one) => JSON.parse(JSON.stringify(one)) as Json),
});
export type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

const numeric = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
];
const counts = ['minItems', 'maxItems', 'minProperties', 'maxProperties'];

/** Returns a changed copy of a draft. */
export function applyChanges(before: Draft, changes: readonly Change[]): Draft {
  const draft = structuredClone(before) as unknown as Draft;
  for (const { at, kind, amount, name, replacement } of changes) {
    const schemas = [...listSchemas(draft)];
    const node = schemas[at % schemas.length] as Json;
    const kinds = kindsOf(node, amount, name, replacement);
    kinds[kind % kinds.length]?.();
  }
  return draft;
}

function kindsOf(node: Json, amount: number, name: string, replacement: Json): (() => void)[] {
  const replace = (by: Json) => {
    for (const key of Object.keys(node)) delete node[key];
    Object.assign(node, by);
  };
  const kinds = [
    () => replace(structuredClone(replacement)),
    () => replace({ anyOf: [{ ...node }, structuredClone(replacement)] }),
    () => replace({ anyOf: [{ ...node }, { type: 'null' }] }),
  ];
  for (const key of [...numeric, ...counts].filter((one) => typeof node[one] === 'number')) {
    kinds.push(() => {
      const value = (node[key] as number) + amount;
      if (key === 'multipleOf') node[key] = (node[key] as number) * (amount > 0 ? 2 : 0.5);
      else if (value >= 0 || /imum/i.test(key)) node[key] = value;
    });
    kinds.push(() => void delete node[key]);
  }
  for (const key of [
    'pattern',
    'format',
    'uniqueItems',
    'additionalProperties',
    'unevaluatedProperties',
    'not',
  ]) {
    if (node[key] !== undefined) kinds.push(() => void delete node[key]);
  }
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const branches = node[key] as Json[] | undefined;
    if (branches === undefined) continue;
    kinds.push(() => void branches.push(structuredClone(replacement)));
    if (branches.length > 1)
      kinds.push(
        () => void branches.pop(),
        () => void branches.shift(),
      );
    kinds.push(() => void branches.reverse());
    if (key !== 'allOf')
      kinds.push(() => {
        node[key === 'anyOf' ? 'oneOf' : 'anyOf'] = branches;
        delete node[key];
      });
  }
  if (node.type === 'string') kinds.push(() => Object.assign(node, { maxLength: 3 }));
  if (node.type === 'string') kinds.push(() => Object.assign(node, { pattern: '^a' }));
  if (node.type === 'number') kinds.push(() => Object.assign(node, { type: 'integer' }));
  if (node.type === 'integer') kinds.push(() => Object.assign(node, { type: 'number' }));
  if (node.type === 'integer') kinds.push(() => Object.assign(node, { minimum: 0, maximum: 3 }));
  if (node.type === 'array') kinds.push(() => Object.assign(node, { maxItems: 2 }));
  if (Array.isArray(node.enum)) kinds.push(() => void (node.enum as unknown[]).push('y2'));
  const properties = node.properties as Json | undefined;
  if (properties !== undefined) {
    const required = (node.required ?? []) as string[];
    kinds.push(
      () => void delete properties[name],
      () => Object.assign(properties, { [name]: structuredClone(replacement) }),
      () => Object.assign(node, { additionalProperties: false }),
      () => Object.assign(node, { additionalProperties: structuredClone(replacement) }),
      () => Object.assign(node, { required: required.filter((one) => one !== name) }),
      () => Object.assign(node, { required: [...new Set([...required, name])] }),
    );
  }
  return kinds;
}

/** Lists every schema in a draft. Ignores data that looks like a schema. */
function* listSchemas(node: unknown, isMap = true): Generator<Json> {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) {
    for (const one of node) yield* listSchemas(one, false);
    return;
  }
  if (!isMap) yield node as Json;
  for (const [key, value] of Object.entries(node)) {
    if (isMap) yield* listSchemas(value, false);
    else if (!['const', 'enum', 'required', 'type', '$ref'].includes(key)) {
      yield* listSchemas(value, key === 'properties' || key === 'patternProperties');
    }
  }
}
