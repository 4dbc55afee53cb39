import AjvCompiler from '@fastify/ajv-compiler';
import SerializerSelector from '@fastify/fast-json-stringify-compiler';
import type { ValidateFunction } from 'ajv';
import type { FastifyServerOptions } from 'fastify';
import { DefinitionError } from '../errors/definition-error.ts';
import { limitIntegers } from './safe-integers.ts';
import { type JsonSchema, listParts } from './schema-parts.ts';

/** The schemas of a service, by `$id`. */
type NamedSchemas = Readonly<Record<string, JsonSchema>>;
interface RoutePart {
  readonly httpPart: string;
  readonly schema: JsonSchema;
}
interface SerializedRoute {
  readonly method?: string;
  readonly url?: string;
  readonly httpStatus?: string;
}
type BuildCompiler = ReturnType<typeof AjvCompiler>;
type Values = Record<string, unknown>;
type Reader = (value: unknown) => unknown;

type BuildSerializer = ReturnType<typeof SerializerSelector>;

const buildCompiler = AjvCompiler();
const buildSerializer = SerializerSelector();

/**
 * Validates requests and serializes responses. Bodies are not coerced. Path and query parameters arrive as strings; plain
 * decimals, `true` and `false` are converted to the type that the schema gives. Any other string stays as it is and does
 * not match the schema. Integers are at most those that a number holds exactly. Ajv's own coercion would accept `1e3`,
 * `0x10` and ` 7` as numbers, and `5` in a body as a string.
 */
export const schemaController: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: {
    buildValidator: ((named: NamedSchemas, options: Parameters<BuildCompiler>[1]) => {
      const compile = buildCompiler(limitNamed(named), options);
      return (route: RoutePart) => {
        const schema = limitIntegers(route.schema);
        const validate = compile({ ...route, schema } as never) as ValidateFunction;
        if (route.httpPart === 'body') return validate;
        const read = readerOf(route.schema, named);
        return (values: Values) => {
          const value = read(values);
          return validate(value) ? { value } : { error: validate.errors };
        };
      };
    }) as never,
    // Problems are serialized already, so they need no serializer. `default` also describes successes.
    buildSerializer: ((...options: Parameters<BuildSerializer>) => {
      const compile = buildSerializer(...options);
      return (route: SerializedRoute) =>
        /^[45]/.test(route.httpStatus ?? '')
          ? JSON.stringify
          : explainMismatch(compile(route as never), route);
    }) as never,
  },
};

/** Ajv's options: it reports every violation, fills in defaults, and changes nothing else. */
export const ajv: NonNullable<FastifyServerOptions['ajv']> = {
  customOptions: {
    coerceTypes: false,
    useDefaults: true,
    removeAdditional: false,
    allErrors: true,
    allowUnionTypes: true,
    // Strict mode finds invalid schemas. Checking each against the meta-schema takes a tenth of the start.
    meta: false,
    validateSchema: false,
  },
};

function limitNamed(named: NamedSchemas): NamedSchemas {
  return Object.fromEntries(
    Object.entries(named).map(([id, schema]) => [id, limitIntegers(schema)]),
  ) as NamedSchemas;
}

/** Adds the route to an error of fast-json-stringify, which names only the member: `"name" is required!`. */
function explainMismatch(serialize: (value: unknown) => string, { method, url }: SerializedRoute) {
  return (value: unknown) => {
    try {
      return serialize(value);
    } catch (cause) {
      // The log adds the message of the cause.
      throw new DefinitionError(`the response of ${method} ${url} does not match its schema`, { cause });
    }
  };
}

function readerOf(schema: JsonSchema, named: NamedSchemas): (values: Values) => Values {
  const readers = listParts(schema, (id) => named[id])
    .flatMap(({ properties = {} }) => Object.entries(properties))
    .map(([name, property]) => [name, readValue(property, named)] as const)
    .filter((entry): entry is readonly [string, Reader] => entry[1] !== undefined);
  return (values) => {
    for (const [name, read] of readers) {
      if (values[name] !== undefined) values[name] = read(values[name]);
    }
    return values;
  };
}

function readValue(schema: JsonSchema, named: NamedSchemas): Reader | undefined {
  const parts = listParts(schema, (id) => named[id]);
  const types = parts.flatMap(({ type }) => type);
  if (types.includes('array')) {
    const items = [parts.find((part) => part.items !== undefined)?.items ?? {}].flat();
    const readers = items.map((item) => readValue(item, named) ?? ((value: unknown) => value));
    const last = readers.length - 1;
    return (value) => [value].flat().map((item, index) => readers[Math.min(index, last)]?.(item));
  }
  if (types.includes('integer'))
    return (value) => (isPlain(value, /^(0|-?[1-9]\d*)$/) ? Number(value) : value);
  if (types.includes('number'))
    return (value) => (isPlain(value, /^-?(0|[1-9]\d*)(\.\d+)?$/) ? Number(value) : value);
  if (types.includes('boolean'))
    return (value) => (isPlain(value, /^(true|false)$/) ? value === 'true' : value);
  return undefined;
}

function isPlain(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}
