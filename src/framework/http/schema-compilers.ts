import AjvCompiler from '@fastify/ajv-compiler';
import SerializerSelector from '@fastify/fast-json-stringify-compiler';
import type { ValidateFunction } from 'ajv';
import type { FastifyServerOptions } from 'fastify';

interface PropertySchema {
  readonly type?: string | readonly string[];
  readonly items?: PropertySchema;
}
interface RoutePart {
  readonly httpPart: string;
  readonly schema: { readonly properties?: Record<string, PropertySchema> };
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
 * not match the schema. Ajv's own coercion would accept `1e3`, `0x10` and ` 7` as numbers, and `5` in a body as a string.
 */
export const schemaController: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: {
    buildValidator: ((...options: Parameters<BuildCompiler>) => {
      const compile = buildCompiler(...options);
      return (route: RoutePart) => {
        const validate = compile(route as never) as ValidateFunction;
        if (route.httpPart === 'body') return validate;
        const read = readerOf(route.schema.properties);
        return (values: Values) => {
          const value = read(values);
          return validate(value) ? { value } : { error: validate.errors };
        };
      };
    }) as never,
    // Problems are serialized already, so they need no serializer. `default` also describes successes.
    buildSerializer: ((...options: Parameters<BuildSerializer>) => {
      const compile = buildSerializer(...options);
      return (route: { readonly httpStatus?: string }) =>
        /^[45]/.test(route.httpStatus ?? '') ? JSON.stringify : compile(route as never);
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

function readerOf(properties: Record<string, PropertySchema> = {}): (values: Values) => Values {
  const readers = Object.entries(properties)
    .map(([name, schema]) => [name, readValue(schema)] as const)
    .filter((entry): entry is readonly [string, Reader] => entry[1] !== undefined);
  return (values) => {
    for (const [name, read] of readers) {
      if (values[name] !== undefined) values[name] = read(values[name]);
    }
    return values;
  };
}

function readValue({ type, items }: PropertySchema): Reader | undefined {
  const types = [type].flat();
  if (types.includes('array')) {
    const readItem = readValue(items ?? {}) ?? ((item: unknown) => item);
    return (value) => [value].flat().map(readItem);
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
