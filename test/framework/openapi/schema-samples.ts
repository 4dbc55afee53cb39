import { listOf, mapOf } from '../../../src/framework/openapi/compatibility/alternatives.ts';
import type { Schema, SchemaDocument } from '../../../src/framework/openapi/compatibility/schema-document.ts';
import type { Json } from './schema-pairs.ts';

/** Creates pseudo-random numbers from a seed, so that a counterexample can be reproduced. */
export function createRandom(seed: number) {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return { next, pick: <Item>(items: readonly Item[]): Item => items[next(items.length)] as Item };
}
export type Random = ReturnType<typeof createRandom>;

const strings = [
  ...['', 'a', 'b', 'x', 'y', 'zz', 'y2', 'ab', 'aB', 'abc', 'abcd', 'Zabcd', 'abcdef', 'a1'],
  ...['2024-02-29', 'a0a0a0a0-a0a0-4a0a-8a0a-a0a0a0a0a0a0'],
];
const numbers = [-4, -3, -2, -1, -0.5, 0, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 12];
const scalars = [null, true, false, ...strings, ...numbers];
const formats: Record<string, RegExp> = { date: /^\d{4}-/, uuid: /^a0a0/ };

/** Stands for a value that does not exist or was not found. */
const nothing = Symbol('nothing');

/**
 * Samples values that a schema accepts. Objects have no properties beyond `properties`, `patternProperties` and
 * `additionalProperties`, because a caller that knows only the schema sends no others.
 */
export function createSampler(document: SchemaDocument, random: Random) {
  return function sample(schema: Schema): { readonly value: unknown } | undefined {
    const value = draw(schema, 0);
    return value === nothing ? undefined : { value };
  };

  function draw(schema: Schema, depth: number): unknown {
    if (schema === false || depth > 9) return nothing;
    if (schema === true) return anything();
    if (typeof schema.$ref === 'string') return draw(document.find(schema.$ref), depth + 1);
    const branches = [...listOf(schema.anyOf), ...listOf(schema.oneOf)];
    if (branches.length > 0) {
      const branch = random.pick(branches);
      const value = draw(branch, depth + 1);
      return value !== nothing && document.accepts(branch, value) ? value : nothing;
    }
    if (schema.allOf !== undefined) {
      const values = listOf(schema.allOf).map((one) => draw(one, depth + 1));
      const objects = values.filter(
        (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      );
      return objects.length === values.length ? Object.assign({}, ...objects) : (values[0] ?? nothing);
    }
    return drawPlain(schema, depth);
  }

  function drawPlain(schema: Json, depth: number): unknown {
    if ('const' in schema) return schema.const;
    if (Array.isArray(schema.enum)) return random.pick(schema.enum);
    if (schema.not !== undefined)
      return filter(scalars, (value) => !document.accepts(schema.not as Schema, value));
    const type = random.pick([schema.type].flat());
    if (type === 'null') return null;
    if (type === 'boolean') return random.pick([true, false]);
    if (type === 'string') return filter(strings, (value) => isString(schema, value));
    if (type === 'number' || type === 'integer') {
      return filter(
        numbers,
        (value) => isNumber(schema, value) && (type === 'number' || Number.isInteger(value)),
      );
    }
    if (type === 'array') return drawArray(schema, depth);
    if (type === 'object') return drawObject(schema, depth);
    return schema.properties === undefined ? anything() : drawObject(schema, depth);
  }

  function drawArray(schema: Json, depth: number): unknown {
    const prefix = listOf(schema.prefixItems);
    const [min, max] = [Number(schema.minItems ?? 0), Number(schema.maxItems ?? 4)];
    const items = Array.from({ length: min + random.next(Math.max(1, max - min + 1)) }, (_, index) =>
      draw(prefix[index] ?? (schema.items as Schema | undefined) ?? true, depth + 1),
    );
    const found = items.filter((item) => item !== nothing);
    return found.length >= min ? found : nothing;
  }

  function drawObject(schema: Json, depth: number): unknown {
    const { properties, additionalProperties: rest } = schema;
    const required = listOf<string>(schema.required);
    const object: Json = {};
    const put = (name: string, of: Schema) => {
      const value = draw(of, depth + 1);
      if (value !== nothing) object[name] = value;
      return value !== nothing;
    };
    for (const [name, of] of Object.entries(mapOf(properties))) {
      const isRequired = required.includes(name);
      if ((isRequired || random.next(2) === 0) && !put(name, of) && isRequired) return nothing;
    }
    const others = ['a', 'b', 'c', 'd', 'xa', '1', '20'].filter(
      (name) => !Object.hasOwn(mapOf(properties), name),
    );
    for (const [pattern, of] of Object.entries(mapOf(schema.patternProperties))) {
      const matching = others.filter((name) => new RegExp(pattern).test(name));
      for (const name of matching) if (random.next(3) === 0) put(name, of);
    }
    if (rest !== undefined && rest !== false) {
      const free = others.filter(
        (name) =>
          !Object.keys(mapOf(schema.patternProperties)).some((pattern) => new RegExp(pattern).test(name)),
      );
      for (const name of free) if (required.includes(name) || random.next(3) === 0) put(name, rest as Schema);
    }
    return object;
  }

  function anything(): unknown {
    const value = random.pick([...scalars, 'list', 'map'] as const);
    if (value === 'list') return Array.from({ length: random.next(4) }, () => random.pick(scalars));
    if (value !== 'map') return value;
    return Object.fromEntries(
      ['a', 'b', 'c'].filter(() => random.next(2)).map((name) => [name, random.pick(scalars)]),
    );
  }

  function filter<Value>(values: readonly Value[], isMatch: (value: Value) => boolean): unknown {
    const matches = values.filter(isMatch);
    return matches.length === 0 ? nothing : random.pick(matches);
  }
}

/** Changes a value at random: changes, adds or removes a part. */
export function disturb(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 || random.next(3) === 0) return [...value, random.pick(scalars)];
    const at = random.next(value.length);
    return value.map((item, index) => (index === at ? disturb(item, random) : item));
  }
  if (typeof value !== 'object' || value === null) return random.pick(scalars);
  const names = Object.keys(value);
  if (names.length === 0 || random.next(3) === 0) {
    return { ...value, [random.pick(['a', 'b', 'c', 'd', 'xa', '1'])]: random.pick(scalars) };
  }
  const name = random.pick(names);
  return { ...value, [name]: disturb((value as Json)[name], random) };
}

function isString({ minLength = 0, maxLength = 99, pattern = '', format }: Json, value: string): boolean {
  const matchesFormat = formats[String(format)]?.test(value) ?? true;
  return (
    value.length >= Number(minLength) &&
    value.length <= Number(maxLength) &&
    new RegExp(String(pattern)).test(value) &&
    matchesFormat
  );
}

function isNumber(schema: Json, value: number): boolean {
  const of = (key: string, none: number) => Number(schema[key] ?? none);
  const isInside =
    value >= of('minimum', -99) &&
    value <= of('maximum', 99) &&
    value > of('exclusiveMinimum', -99) &&
    value < of('exclusiveMaximum', 99);
  return isInside && (schema.multipleOf === undefined || Number.isInteger(value / of('multipleOf', 1)));
}
