import type { FastifySchema } from 'fastify';

/** A JSON schema, with the keywords that combine schemas. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}
/** Returns a schema of the service by its `$id`. */
type GetSchema = (id: string) => unknown;

/** Merges a schema of parameters with the schemas that it refers to or combines. */
export function flattenParameters(schema: JsonSchema, getSchema: GetSchema): JsonSchema {
  const { $ref, allOf = [], anyOf = [], oneOf = [], properties, required = [] } = schema;
  const target = $ref === undefined ? [] : [(getSchema($ref.replace(/#$/, '')) ?? {}) as JsonSchema];
  const parts = [...target, ...allOf, ...anyOf, ...oneOf].map((part) => flattenParameters(part, getSchema));
  return {
    type: 'object',
    properties: Object.assign({}, ...parts.map((part) => part.properties), properties),
    required: [...parts.flatMap((part) => part.required ?? []), ...required],
  };
}

/**
 * Flattens the parameters of a route for its document. @fastify/swagger 9.9 resolves a reference of the parameters, but
 * leaves references inside of the target as they are: `Colour#` instead of that component.
 * @param schemas the schemas of the document, in which such references are resolved.
 */
export function describeParameters(
  route: FastifySchema,
  schemas: Readonly<Record<string, object>>,
): FastifySchema {
  const parts = ['params', 'querystring', 'headers'] as const;
  const flattened = parts.flatMap((part) => {
    const schema = route?.[part] as JsonSchema | undefined;
    return schema === undefined ? [] : [[part, flattenParameters(schema, (id) => schemas[id])]];
  });
  return { ...route, ...Object.fromEntries(flattened) };
}
