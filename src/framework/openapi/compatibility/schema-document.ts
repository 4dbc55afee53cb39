import { isDeepStrictEqual } from 'node:util';
import type { ValidateFunction } from 'ajv';
import { compileAt, type OpenApiDocument } from '../response-contract.ts';

export type SchemaObject = { readonly [keyword: string]: unknown };
/** A JSON Schema of draft 2020-12, as in OpenAPI 3.1. */
export type Schema = boolean | SchemaObject;

/** An error for a schema that the comparison has no rule for. */
export class Uncomparable extends Error {}

/** Keywords that do not validate. */
const annotations = new Set([
  ...['$id', '$schema', '$comment', '$anchor', '$defs', 'definitions'],
  ...['title', 'description', 'default', 'example', 'examples', 'deprecated'],
  ...['readOnly', 'writeOnly', 'externalDocs', 'xml', 'discriminator'],
]);
/** The keys below these keywords are names that the author chose, and each value is a schema. */
const schemaMaps = new Set(['properties', 'patternProperties', 'dependentSchemas']);
/** The values of these keywords are data, in any order. */
const dataSets = new Set(['enum', 'required', 'type']);

export function isAnnotation(keyword: string): boolean {
  return annotations.has(keyword) || keyword.startsWith('x-');
}

/** An OpenAPI document whose schemas are compared. */
export class SchemaDocument {
  readonly root: OpenApiDocument;
  readonly #checks = new Map<SchemaObject, ValidateFunction>();
  #pointers: ReadonlyMap<object, readonly string[]> | undefined;

  constructor(root: OpenApiDocument) {
    this.root = root;
  }

  /** Returns the target of a reference. @throws {Uncomparable} if the target does not exist. */
  find<Node = Schema>(reference: string): Node {
    let node: unknown = this.root;
    const [hash, ...tokens] = reference.split('/');
    for (const token of hash === '#' ? tokens : [reference]) {
      const name = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
      node = typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined;
    }
    if (node === undefined) throw new Uncomparable(`the reference ${reference} has no target`);
    return node as Node;
  }

  /** Follows references without other keywords. */
  follow<Node>(start: Node): Node {
    const visited = new Set<unknown>();
    let node = start;
    while (typeof node === 'object' && node !== null) {
      const { $ref } = node as { readonly $ref?: unknown };
      if (typeof $ref !== 'string' || keywordsOf(node as SchemaObject).length > 1) break;
      if (visited.has(node)) throw new Uncomparable(`the reference ${$ref} refers to itself`);
      visited.add(node);
      node = this.find<Node>($ref);
    }
    return node;
  }

  /** Whether a schema of this document accepts the value, by the validator that `readContract` uses. */
  accepts(schema: Schema, value: unknown): boolean {
    if (typeof schema === 'boolean') return schema;
    let check = this.#checks.get(schema);
    if (check === undefined) {
      this.#pointers ??= listPointers(this.root);
      const pointer = this.#pointers.get(schema) as readonly string[];
      try {
        check = compileAt(this.root, pointer);
      } catch (error) {
        throw new Uncomparable((error as Error).message);
      }
      this.#checks.set(schema, check);
    }
    return check(value) as boolean;
  }
}

function listPointers(root: object): Map<object, readonly string[]> {
  const pointers = new Map<object, readonly string[]>([[root, []]]);
  for (const [node, pointer] of pointers) {
    for (const [key, value] of Object.entries(node)) {
      if (typeof value === 'object' && value !== null && !pointers.has(value)) {
        pointers.set(value, [...pointer, key]);
      }
    }
  }
  return pointers;
}

/** Lists the keywords of a schema that validate. */
function keywordsOf(schema: SchemaObject): string[] {
  return Object.keys(schema).filter((keyword) => schema[keyword] !== undefined && !isAnnotation(keyword));
}

/** Whether a schema accepts everything because it has no constraint. */
export function isTrivial(schema: Schema): boolean {
  return typeof schema === 'boolean' ? schema : keywordsOf(schema).length === 0;
}

/** Whether two schemas of two documents are deeply equal, without annotations and with references followed. */
export function isSame(
  documents: readonly [SchemaDocument, SchemaDocument],
  first: Schema,
  second: Schema,
  compared = new Map<SchemaObject, Set<SchemaObject>>(),
): boolean {
  const [one, other] = [documents[0].follow(first), documents[1].follow(second)];
  if (isTrivial(one) || isTrivial(other)) return isTrivial(one) && isTrivial(other);
  if (typeof one === 'boolean' || typeof other === 'boolean') return one === other;
  // Schemas may be recursive: a pair that is being compared counts as equal until a difference is found.
  const partners = compared.get(one) ?? new Set();
  if (partners.has(other)) return true;
  compared.set(one, partners.add(other));
  const keywords = keywordsOf(one);
  return (
    keywords.length === keywordsOf(other).length &&
    keywords.every((keyword) => isSameKeyword(documents, keyword, one, other, compared))
  );
}

/** Whether a keyword has an equal value in two schemas. */
export function isSameKeyword(
  documents: readonly [SchemaDocument, SchemaDocument],
  keyword: string,
  { [keyword]: one }: SchemaObject,
  { [keyword]: other }: SchemaObject,
  compared?: Map<SchemaObject, Set<SchemaObject>>,
): boolean {
  const same = (first: unknown, second: unknown): boolean => {
    if (Array.isArray(first) && Array.isArray(second)) {
      return first.length === second.length && first.every((item, at) => same(item, second[at]));
    }
    return isSchema(first) && isSchema(second)
      ? isSame(documents, first, second, compared)
      : first === second;
  };
  if (one === undefined || other === undefined) return one === other;
  if (keyword === 'const' || keyword === 'dependentRequired') return isDeepStrictEqual(one, other);
  if (dataSets.has(keyword)) return isDeepStrictEqual(sorted(one), sorted(other));
  if (keyword === '$ref') return same(documents[0].find(String(one)), documents[1].find(String(other)));
  if (schemaMaps.has(keyword)) {
    const [names, others] = [Object.keys(one as object), Object.keys(other as object)];
    return (
      names.length === others.length &&
      names.every((name) => same((one as SchemaObject)[name], (other as SchemaObject)[name]))
    );
  }
  return same(one, other);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value));
}

function sorted(values: unknown): string[] {
  return [values]
    .flat()
    .map((value) => JSON.stringify(value))
    .sort();
}
