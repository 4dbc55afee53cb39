import { describe, expect, test } from 'vitest';
import { MergeError, mergeDocuments } from '../../../src/framework/openapi/merge.ts';
import { info, part } from './merge-helpers.ts';

describe('a conflict is an error that names the duplicate and both owners', () => {
  const get = { get: { operationId: 'list' } };

  test('of the same path', () => {
    const parts = [
      part('pet', { paths: { '/b/c': get } }, '/a'),
      part('user', { paths: { '/c': get } }, '/a/b'),
    ];
    expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
    expect(() => mergeDocuments(parts, info)).toThrow(/^the path \/a\/b\/c is claimed by pet and by user$/);
  });

  test('of paths that differ in the names of parameters', () => {
    const parts = [
      part('pet', { paths: { '/b/{id}': get } }, '/a'),
      part('user', { paths: { '/{name}': get } }, '/a/b'),
    ];
    expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
    expect(() => mergeDocuments(parts, info)).toThrow(/^the path \/a\/b\/.* is claimed by pet and by user$/);
  });

  test.for(['schemas', 'responses', 'parameters', 'securitySchemes', 'pathItems'])(
    'of the same qualified name in %s',
    (kind) => {
      const parts = [
        part('a.b', { components: { [kind]: { c: {} } } }),
        part('a', { components: { [kind]: { 'b.c': {} } } }),
      ];
      expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
      expect(() => mergeDocuments(parts, info)).toThrow(
        `components/${kind}/a.b.c is claimed by a.b and by a`,
      );
    },
  );

  test('of the same qualified operation id', () => {
    const parts = [
      part('a.b', { paths: { '/c': { get: { operationId: 'c' } } } }),
      part('a', { paths: { '/c': { get: { operationId: 'b.c' } } } }),
    ];
    expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
    expect(() => mergeDocuments(parts, info)).toThrow('the operationId a.b.c is claimed by a.b and by a');
  });

  test('of the same operation id or path in one document', () => {
    const parts = [part('pet', { paths: { '/a': get, '/b': get } })];
    expect(() => mergeDocuments(parts, info)).toThrow(
      'the operationId pet.list is claimed by GET /pet/a and by GET /pet/b',
    );
    const twice = [part('pet', { paths: { '/a/{id}': {}, '/a/{name}': {} } })];
    expect(() => mergeDocuments(twice, info)).toThrow(
      'the path /pet/a/{} is claimed by /pet/a/{id} and by /pet/a/{name}',
    );
  });

  test('of the same service name', () => {
    const parts = [part('pet', {}), part('pet', {}, '/other')];
    expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
    expect(() => mergeDocuments(parts, info)).toThrow('the service name pet is claimed by pet and by pet');
  });
});

test.for(['3.0.3', '2.0', '3.10.0', '4.0.0'])('a document of OpenAPI %s is rejected', (openapi) => {
  expect(() => mergeDocuments([part('user', {}), part('pet', { openapi })], info)).toThrow(MergeError);
  expect(() => mergeDocuments([part('user', {}), part('pet', { openapi })], info)).toThrow(
    `pet: OpenAPI ${openapi} is not 3.1`,
  );
});
