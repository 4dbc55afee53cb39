import type { FastifySchema } from 'fastify';
import { type JsonSchema, listParts } from '../http/schema-parts.ts';

/** Merges a schema of parameters with the schemas that it refers to or combines. */
export function flattenParameters(schema: JsonSchema, getSchema: (id: string) => unknown) {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const part of listParts(schema, getSchema)) {
    for (const [name, property] of Object.entries(part.properties ?? {})) properties[name] ??= property;
    required.push(...(part.required ?? []));
  }
  return { type: 'object', properties, required };
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
