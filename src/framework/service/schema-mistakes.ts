import type { FastifySchema } from 'fastify';
import type { JsonSchema } from '../http/schema-parts.ts';
import { flattenParameters } from './parameters.ts';

type Schema = Readonly<Record<string, unknown>>;
/** Returns the schema that a reference names. */
type FindSchema = (ref: string) => Schema | undefined;

/** Describes a mistake in the schemas of a route. @param getSchema returns a schema of the service by its `$id`. */
export function findSchemaMistake(
  url: string,
  schema: FastifySchema,
  getSchema: (id: string) => unknown,
): string | undefined {
  const resolve: FindSchema = (ref) => getSchema(ref.replace(/#.*$/, '')) as Schema | undefined;
  const missing = findMissingSchema(schema, resolve);
  if (missing !== undefined)
    return `refers to the schema ${missing}, which the service does not list: add it to schemas`;
  const unbounded = schema.body === undefined ? undefined : findUnboundedString(schema.body, resolve);
  if (unbounded !== undefined)
    return `takes the string ${unbounded} without a limit: add maxLength to its schema`;
  const parametersOf = (part: unknown) => Object.entries(flattenParameters(part ?? {}, getSchema).properties);
  const absent = parametersOf(schema.params)
    .map(([name]) => name)
    .find((name) => name !== '*' && !new RegExp(`:${name}(?!\\w)`).test(url));
  if (absent !== undefined)
    return `has the parameter ${absent} in its params, but not in its path: correct one of them`;
  const object = parametersOf(schema.querystring).find(([, { type }]) => type === 'object');
  if (object !== undefined)
    return `has the object ${object[0]} in its querystring, which a URL cannot contain: write its members there`;
  const text = schema.produces === undefined ? findText(schema.response ?? {}, resolve) : undefined;
  if (text !== undefined)
    return `has a text as its response ${text}, which is not sent as JSON: put it in an object, or add produces: ['text/plain']`;
  return undefined;
}

/** Visits a schema, its subschemas and their references. Stops when `visit` returns a value, and returns that value. */
function search<Result>(
  resolve: FindSchema,
  node: unknown,
  visit: (schema: Schema, pointer: string) => Result | undefined,
  pointer = '',
  seen = new Set<unknown>(),
): Result | undefined {
  if (typeof node !== 'object' || node === null || seen.has(node)) return undefined;
  seen.add(node);
  const schema = node as Schema;
  const own = Array.isArray(node) ? undefined : visit(schema, pointer);
  if (own !== undefined) return own;
  if (typeof schema.$ref === 'string') return search(resolve, resolve(schema.$ref), visit, pointer, seen);
  for (const [key, value] of Object.entries(schema)) {
    if (['enum', 'const', 'default', 'examples', 'example'].includes(key)) continue;
    const children =
      key === 'properties' || key === 'patternProperties' ? Object.entries(value as Schema) : undefined;
    const found =
      children === undefined
        ? search(resolve, value, visit, key === 'items' ? `${pointer}/0` : pointer, seen)
        : children
            .map(([name, child]) => search(resolve, child, visit, `${pointer}/${name}`, seen))
            .find((one) => one !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Finds a string of a body without a maximum length. Returns its JSON pointer. */
function findUnboundedString(body: unknown, resolve: FindSchema): string | undefined {
  return search(resolve, body, ({ type, maxLength, const: only, enum: some }, pointer) =>
    [type].flat().includes('string') && maxLength === undefined && only === undefined && some === undefined
      ? pointer || '/'
      : undefined,
  );
}

/** Finds a schema that a route refers to and that the service does not list. Returns its name. */
function findMissingSchema(schema: object, resolve: FindSchema): string | undefined {
  return search(resolve, schema, ({ $ref }) =>
    typeof $ref === 'string' && !$ref.startsWith('#') && resolve($ref) === undefined
      ? $ref.replace(/#.*$/, '')
      : undefined,
  );
}

/** Finds a success whose body may be a text, which Fastify sends unchanged. Returns its status. */
function findText(response: object, resolve: FindSchema): string | undefined {
  const isText = (schema: JsonSchema): boolean => {
    const { $ref, type, anyOf = [], oneOf = [] } = schema;
    if ($ref !== undefined) return isText(resolve($ref) ?? {});
    return [type].flat().includes('string') || [...anyOf, ...oneOf].some(isText);
  };
  return Object.entries(response).find(([status, schema]) => /^2/.test(status) && isText(schema))?.[0];
}
