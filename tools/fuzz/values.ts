import fc from 'fast-check';
import { arrays, objects } from './containers.ts';
import { type Contract, type Schema, typesOf } from './document.ts';
import { numbers, texts } from './leaves.ts';
import { halves } from './odd.ts';

/** A placeholder for the id of a thing. It is replaced when the request is sent. */
export class Known {
  /** The kinds that it may be of. */
  readonly kinds: readonly string[];
  readonly index: number;
  /** The value if no such thing is known. */
  readonly otherwise: unknown;
  constructor(kinds: readonly string[], index: number, otherwise: unknown) {
    this.kinds = kinds;
    this.index = index;
    this.otherwise = otherwise;
  }
}

export interface ValueOptions {
  /** Returns the kinds of things whose id a value may be; none for any other value. @param parameter its name in a path. */
  readonly kindsOf: (schema: Schema, parameter?: string) => readonly string[];
  /** Whether every array has its maximum length. */
  readonly isLargest?: boolean;
}

/** The maximum depth of a recursive schema. */
const maxDepth = 5;

export type Values = ReturnType<typeof createValues>;

/** Generates values of schemas, valid and invalid ones. Ajv decides which of them are valid. */
export function createValues({ resolve, compile }: Contract) {
  const flatten = (schema: Schema) => mergeAllOf(schema, resolve);

  /** Generates values that are valid, at least most of the time. */
  function valid(given: Schema, options: ValueOptions, depth = 0): fc.Arbitrary<unknown> {
    const schema = flatten(given);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const variants = schema.oneOf ?? schema.anyOf;
    if (variants !== undefined) {
      return fc.oneof(
        ...variants.map((one) =>
          valid({ ...schema, oneOf: undefined, anyOf: undefined, ...flatten(one) } as Schema, options, depth),
        ),
      );
    }
    const types = typesOf(schema);
    if (types.length === 0) return schema.properties ? ofType('object') : fc.jsonValue({ maxDepth: 2 });
    return fc.oneof(...types.map(ofType));

    function ofType(type: string): fc.Arbitrary<unknown> {
      const kinds = ['integer', 'number', 'string'].includes(type) ? options.kindsOf(schema) : [];
      const plain = plainOf(type);
      if (kinds.length === 0) return plain;
      return fc.tuple(fc.nat(), plain).map(([index, otherwise]) => new Known(kinds, index, otherwise));
    }

    function plainOf(type: string): fc.Arbitrary<unknown> {
      if (type === 'null') return fc.constant(null);
      if (type === 'boolean') return fc.boolean();
      if (type === 'integer' || type === 'number') return numbers(type, schema, compile(schema));
      if (type === 'string') return texts(schema, compile(schema));
      if (type === 'array') {
        const length = options.isLargest ? 'maximum' : depth >= maxDepth ? 'minimum' : 'usual';
        return arrays(schema, valid(schema.items ?? {}, options, depth + 1), length);
      }
      const { properties = {}, required = [], additionalProperties } = schema;
      const isKept = (key: string) => depth < maxDepth || required.includes(key);
      const values = Object.fromEntries(
        Object.entries(properties)
          .filter(([key]) => isKept(key))
          .map(([key, one]) => [key, valid(one, options, depth + 1)]),
      );
      return objects(schema, values, additionalProperties !== false && depth === 0);
    }
  }

  /** Generates values that are mostly invalid. */
  function invalid(given: Schema, options: ValueOptions, depth = 0): fc.Arbitrary<unknown> {
    const schema = flatten(given);
    const { minLength = 0, maxLength, minimum, maximum, minItems = 0, maxItems, items } = schema;
    const found: fc.Arbitrary<unknown>[] = [
      fc.constantFrom<unknown>(null, true, 0, -1, 0.5, '', '1', [], {}, [null], 1e300, 2 ** 53, ...halves),
      fc.jsonValue({ maxDepth: 2 }),
    ];
    if (maxLength !== undefined)
      found.push(fc.constantFrom('x', '😀').map((one) => one.repeat(maxLength + 1)));
    if (minLength > 0) found.push(fc.string({ maxLength: minLength - 1 }));
    if (minimum !== undefined) found.push(fc.constantFrom(minimum - 1, minimum + 0.5, String(minimum)));
    if (maximum !== undefined) found.push(fc.constantFrom(maximum + 1, -maximum, String(maximum)));
    if (typesOf(schema).includes('array') && depth < maxDepth) {
      const good = valid(items ?? {}, options, depth + 1);
      const bad = invalid(items ?? {}, options, depth + 1);
      if (maxItems !== undefined)
        found.push(fc.array(good, { minLength: maxItems + 1, maxLength: maxItems + 1, size: 'max' }));
      if (minItems > 0) found.push(fc.array(good, { maxLength: minItems - 1 }));
      found.push(fc.tuple(fc.array(good, { maxLength: 5 }), bad).map(([before, one]) => [...before, one]));
    }
    if (Object.keys(schema.properties ?? {}).length > 0 && depth < maxDepth) {
      const good = valid(schema, options, depth) as fc.Arbitrary<Record<string, unknown>>;
      const spoilt = Object.entries(schema.properties ?? {}).map(([key, one]) =>
        fc
          .tuple(good, invalid(one, options, depth + 1))
          .map(([value, bad]) => Object.fromEntries([...Object.entries(value), [key, bad]])),
      );
      const cut = (schema.required ?? []).map((key) =>
        good.map((value) => Object.fromEntries(Object.entries(value).filter(([other]) => other !== key))),
      );
      // Most errors of an object are in its properties.
      const within = fc.oneof(...spoilt, ...cut);
      return fc.oneof({ weight: 4, arbitrary: within }, { weight: 1, arbitrary: fc.oneof(...found) });
    }
    return fc.oneof(...found);
  }

  return { valid, invalid };
}

/** Follows references, and merges `allOf`. */
function mergeAllOf(given: Schema, resolve: Contract['resolve']): Schema {
  const { allOf = [], ...schema } = resolve(given);
  const parts = [schema, ...allOf.map((part) => mergeAllOf(part, resolve))];
  const properties = Object.assign({}, ...parts.map((part) => part.properties));
  const required = parts.flatMap((part) => part.required ?? []);
  return {
    ...Object.assign({}, ...parts),
    ...(Object.keys(properties).length > 0 && { properties, required }),
  };
}

/** Replaces the placeholders in a value. */
export function putIn(value: unknown, find: (known: Known) => unknown): unknown {
  if (value instanceof Known) return find(value);
  if (Array.isArray(value)) return value.map((item) => putIn(item, find));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, putIn(item, find)]));
}

/** Converts a value to a string for a path, a query or a header. */
export function toText(value: unknown): string {
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).toWellFormed();
}
