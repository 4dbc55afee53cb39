import { type Static, type StringOptions, type TSchema, Type } from '@sinclair/typebox';

/**
 * Creates a reference to a schema of the service, with the type of that schema. The document has a `$ref`.
 * @param description describes the use, for example `200: ref(Pet, 'The pet')`.
 */
export function ref<Schema extends TSchema>(schema: Schema, description?: string) {
  if (schema.$id === undefined) throw new Error('Only a schema with an $id can be referred to');
  const options = description === undefined ? {} : { description };
  return Type.Unsafe<Static<Schema>>({ $ref: `${schema.$id}#`, ...options });
}

/**
 * Creates the schema of a string from a client. The pattern rejects characters that a database cannot store: U+0000,
 * which PostgreSQL rejects, and half of a surrogate pair (`\ud800`), for which UTF-8 has no bytes.
 */
export function text(options: StringOptions) {
  return Type.String({ pattern: '^[^\\u0000\\uD800-\\uDFFF]*$', ...options });
}

/** An id: a positive integer that a JavaScript number holds exactly. */
export const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, examples: [1] });

/** Makes a schema of one type accept null as well. Validation then reports one error for a wrong value, not three. */
export function nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [schema.type, 'null'] });
}

/** A point in time: UTC with microseconds, as `formatInstant` of `#framework/database` writes it. */
export const Timestamp = Type.String({
  format: 'date-time',
  description: 'UTC, with microseconds',
  examples: ['2024-12-18T21:03:51.790256Z'],
});

/**
 * A point in time from a client: a `Timestamp` that a column `instant()` holds exactly. A JavaScript number holds the
 * microseconds of the years 1685 to 2254.
 */
export const Instant = Type.String({
  format: 'date-time',
  maxLength: 27,
  pattern:
    '^(1[7-9]|2[01])\\d\\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3])(:[0-5]\\d){2}\\.\\d{6}Z$',
  description: 'UTC, with microseconds; the years 1700 to 2199',
  examples: Timestamp.examples,
});

/** Makes a property with a `default` optional for the client. The handler always gets a value. */
export function defaulted<Schema extends TSchema>(schema: Schema): Schema {
  return Type.Optional(schema) as unknown as Schema;
}

/** `limit` and `offset` of a list. */
export const Page = Type.Object({
  offset: defaulted(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: 0,
      description: 'The number of items to skip',
    }),
  ),
  limit: defaulted(
    Type.Integer({ minimum: 1, maximum: 100, default: 100, description: 'The maximum number of items' }),
  ),
});
export type Page = Static<typeof Page>;

/** The response to a delete. */
export const OkResponse = Type.Object({ ok: Type.Literal(true) }, { description: 'The item is deleted' });
