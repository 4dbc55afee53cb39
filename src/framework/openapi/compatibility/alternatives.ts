import { isDeepStrictEqual } from 'node:util';
import {
  isTrivial,
  type Schema,
  type SchemaDocument,
  type SchemaObject,
  Uncomparable,
} from './schema-document.ts';

/** A set of values that match a schema: all of one JSON type, with a fixed branch of each `anyOf` and `oneOf`. */
export interface Alternative {
  /** The JSON type. `integer` is a part of `number`. */
  readonly type: string;
  /** The value, if the alternative has only one. */
  readonly value?: { readonly is: unknown };
  /** The schemas that all values match. References, `allOf`, `anyOf` and `oneOf` are resolved. */
  readonly nodes: readonly SchemaObject[];
}

const jsonTypes = ['null', 'boolean', 'number', 'string', 'array', 'object'];
/** Comparing more alternatives would take too long. */
const maxAlternatives = 2_000;

/** Lists alternatives that together contain every value that matches all of `roots`. */
export function listAlternatives(document: SchemaDocument, roots: readonly Schema[]): Alternative[] {
  const alternatives: Alternative[] = [];
  const closed = translateUnevaluated(document, roots);
  for (const chosen of choose(document, roots, [])) {
    const nodes = closed === undefined ? chosen : [...chosen, closed];
    for (const alternative of split(nodes)) alternatives.push({ ...alternative, nodes });
    if (alternatives.length > maxAlternatives) throw new Uncomparable('too many alternatives');
  }
  return alternatives;
}

/** Yields the schemas of a value for each combination of branches of `anyOf` and `oneOf`. */
function* choose(
  document: SchemaDocument,
  pending: readonly Schema[],
  held: readonly SchemaObject[],
): Generator<readonly SchemaObject[]> {
  const { nodes, unions, isNever } = flatten(document, pending, held);
  if (!isNever) yield* chooseFrom(document, unions, nodes);
}

function* chooseFrom(
  document: SchemaDocument,
  [branches, ...rest]: readonly (readonly Schema[])[],
  held: readonly SchemaObject[],
): Generator<readonly SchemaObject[]> {
  if (branches === undefined) return yield held;
  for (const branch of branches) {
    for (const nodes of choose(document, [branch], held)) yield* chooseFrom(document, rest, nodes);
  }
}

/** Returns the constraints of a value that matches all of `pending`: schemas, and unions with an open choice. */
export function flatten(
  document: SchemaDocument,
  pending: readonly Schema[],
  held: readonly SchemaObject[] = [],
) {
  const nodes = [...held];
  const unions: (readonly Schema[])[] = [];
  const queue = [...pending];
  let isNever = false;
  for (const schema of queue) {
    if (typeof schema === 'boolean') {
      isNever ||= !schema;
      continue;
    }
    if (nodes.includes(schema)) continue;
    nodes.push(schema);
    if (typeof schema.$ref === 'string') queue.push(document.find(schema.$ref));
    queue.push(...listOf(schema.allOf));
    for (const branches of [schema.anyOf, schema.oneOf]) {
      if (Array.isArray(branches)) unions.push(branches);
    }
    if (schema.not !== undefined && isTrivial(schema.not as Schema)) isNever = true;
  }
  return { nodes, unions, isNever };
}

/** Returns every schema that can apply to a value that `roots` apply to. */
export function collect(document: SchemaDocument, roots: readonly Schema[]): SchemaObject[] {
  const { nodes, unions } = flatten(document, roots);
  for (let next = unions.shift(); next !== undefined; next = unions.shift()) {
    const found = flatten(document, next, nodes);
    nodes.splice(0, nodes.length, ...found.nodes);
    unions.push(...found.unions);
  }
  return nodes;
}

/**
 * Translates `unevaluatedProperties` of a single root to a schema with `additionalProperties`, which names every property
 * that another schema of the value may evaluate. Returns undefined if that is impossible.
 */
export function translateUnevaluated(
  document: SchemaDocument,
  roots: readonly Schema[],
): SchemaObject | undefined {
  const root = roots.length === 1 ? document.follow(roots[0] as Schema) : true;
  if (typeof root === 'boolean' || root.unevaluatedProperties === undefined) return undefined;
  const all = collect(document, [root]);
  const open = ['additionalProperties', 'if', 'dependentSchemas', '$dynamicRef'];
  if (all.some((node) => open.some((keyword) => node[keyword] !== undefined))) return undefined;
  const allow = (keyword: 'properties' | 'patternProperties') =>
    Object.fromEntries(all.flatMap((node) => Object.keys(mapOf(node[keyword]))).map((name) => [name, true]));
  return {
    properties: allow('properties'),
    patternProperties: allow('patternProperties'),
    additionalProperties: root.unevaluatedProperties,
  };
}

function split(nodes: readonly SchemaObject[]): Omit<Alternative, 'nodes'>[] {
  const types = typesOf(nodes);
  const [values, ...others] = nodes.flatMap((node) => [
    ...('const' in node ? [[node.const]] : []),
    ...(Array.isArray(node.enum) ? [node.enum as unknown[]] : []),
  ]);
  if (values !== undefined) {
    const possible = values.filter(
      (value) =>
        types.some((type) => isOfType(value, type)) &&
        others.every((list) => list.some((other) => isDeepStrictEqual(other, value))),
    );
    return possible.map((is) => ({ type: typeOf(is), value: { is } }));
  }
  return types.flatMap((type): Omit<Alternative, 'nodes'>[] => {
    if (type === 'null') return [{ type, value: { is: null } }];
    return type === 'boolean' ? [true, false].map((is) => ({ type, value: { is } })) : [{ type }];
  });
}

/** Returns the types of the values that match all of these schemas. */
function typesOf(nodes: readonly SchemaObject[]): string[] {
  let types: readonly string[] = jsonTypes;
  for (const node of nodes.filter(({ type }) => type !== undefined)) {
    const own = ownTypes(node);
    types = [
      ...types.filter((type) => includesType(own, type)),
      ...own.filter((type) => type === 'integer' && types.includes('number') && !own.includes('number')),
    ];
    // Keeps types that JSON does not have: two schemas with the same unknown type do not differ.
    types = [
      ...new Set([...types, ...own.filter((type) => !jsonTypes.includes(type) && type !== 'integer')]),
    ];
  }
  const isInteger = nodes.some(({ multipleOf }) => Number.isInteger(multipleOf));
  return types.map((type) => (type === 'number' && isInteger ? 'integer' : type));
}

/** Returns the types that a schema names. `nullable` is a keyword of OpenAPI 3.0, which Ajv still reads. */
function ownTypes({ type, nullable }: SchemaObject): string[] {
  return [...listOf<string>(Array.isArray(type) ? type : [type]), ...(nullable === true ? ['null'] : [])];
}

/** Whether the `type` of a schema accepts a type. */
export function admitsType(node: SchemaObject, type: string): boolean {
  return node.type === undefined || includesType(ownTypes(node), type);
}

function includesType(types: readonly string[], type: string): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number'));
}

function isOfType(value: unknown, type: string): boolean {
  const own = typeOf(value);
  return own === type || (own === 'integer' && type === 'number');
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** Returns the value of a keyword that must be a list. Empty if the value is no list. */
export function listOf<Item = Schema>(value: unknown): readonly Item[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the value of a keyword that must be an object of schemas. Empty if the value is no object. */
export function mapOf(value: unknown): Readonly<Record<string, Schema>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, Schema>) : {};
}
