import { type TSchema, Type } from '@sinclair/typebox';
import { findBreakingChanges } from '../../../src/framework/openapi/compatibility.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';

const use = { method: 'post', path: '/x' };

function publish(operation: object, schemas: object = {}): OpenApiDocument {
  const document = { openapi: '3.1.0', paths: { '/x': { post: operation } }, components: { schemas } };
  return JSON.parse(JSON.stringify(document));
}
const json = (schema: object) => ({ content: { 'application/json': { schema } } });

/** Describes the breaking changes when a response changes from `promised` to `live`. */
export function respond(
  promised: object,
  live: object,
  schemas: readonly [object, object] = [{}, {}],
): string[] {
  const of = (schema: object, all: object) => publish({ responses: { 200: json(schema) } }, all);
  return describeChanges(of(promised, schemas[0]), of(live, schemas[1]));
}

/** Describes the breaking changes when a request body changes from `promised` to `live`. */
export function send(
  promised: object,
  live: object,
  schemas: readonly [object, object] = [{}, {}],
): string[] {
  const of = (schema: object, all: object) => publish({ requestBody: json(schema) }, all);
  return describeChanges(of(promised, schemas[0]), of(live, schemas[1]));
}

function describeChanges(promised: OpenApiDocument, live: OpenApiDocument): string[] {
  return findBreakingChanges(promised, live, use).map(({ field, reason }) => `${field}: ${reason}`);
}

export const literals = (...values: string[]) => Type.Union(values.map((value) => Type.Literal(value)));
export const mood = (schema: TSchema) => Type.Object({ mood: schema });
