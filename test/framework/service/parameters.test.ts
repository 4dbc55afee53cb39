import { expect, test } from 'vitest';
import type { JsonSchema } from '../../../src/framework/http/schema-parts.ts';
import { flattenParameters } from '../../../src/framework/service/parameters.ts';

const integer = { type: 'integer' } as const;
const string = { type: 'string' } as const;

test('parameters of schemas that are referred to or combined are merged, the outer ones first', () => {
  const named: Record<string, JsonSchema> = {
    Page: { properties: { limit: integer, sort: integer }, required: ['limit'] },
  };
  const query = {
    allOf: [{ $ref: 'Page#' }],
    properties: { name: string, sort: string },
    required: ['name'],
  };
  expect(flattenParameters(query, (id) => named[id])).toEqual({
    type: 'object',
    properties: { name: string, sort: string, limit: integer },
    required: ['name', 'limit'],
  });
});

test('a schema that refers to itself ends', () => {
  const tree: JsonSchema = { anyOf: [{ $ref: 'Tree#' }, { properties: { name: string } }] };
  expect(flattenParameters(tree, () => tree).properties).toEqual({ name: string });
});
