import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mergeDocuments, type Part, selectServices } from '../../../src/framework/openapi/merge.ts';
import { contract } from '../../support/app.ts';
import { at, info, type Json, part, references, rich } from './merge-helpers.ts';

describe('a rich document of three services', () => {
  const parts = ['pet', 'user', 'shop'].map((service) => part(service, rich));
  const merged = mergeDocuments(parts, info);
  const all = references(merged);
  const expected = references(rich);

  test('keeps every reference, and each resolves', () => {
    expect(expected.length).toBeGreaterThan(30);
    expect(all).toHaveLength(3 * expected.length);
    const local = all.filter(([, ref]) => ref.startsWith('#'));
    expect(local.length).toBe(3 * expected.filter(([, ref]) => ref.startsWith('#')).length);
    expect(local.filter(([, ref]) => at(merged, ref) === undefined)).toEqual([]);
  });

  test('resolves each reference to the same value as before', () => {
    const own = mergeDocuments([part('pet', rich)], info);
    for (const [path, ref] of references(own).filter(([, ref]) => ref.startsWith('#'))) {
      expect(at(merged, ref), `${ref} in ${path}`).toEqual(at(own, ref));
    }
    // A reference of a service has its target in the same service.
    for (const [path, ref] of all) {
      const owner = /\/components\/\w+\/(\w+)\.|^#\/(?:paths\/|webhooks\/)\/?(\w+)[/.]/.exec(path);
      expect(ref, path).toMatch(
        new RegExp(
          `^(https://|#/components/\\w+/${owner?.[1] ?? owner?.[2]}\\.|#/paths/~1${owner?.[1] ?? owner?.[2]}~1)`,
        ),
      );
    }
  });

  test('contains every kind of component', () => {
    for (const [kind, named] of Object.entries(rich.components as Record<string, Json>)) {
      const names = Object.keys(named);
      expect(Object.keys(at(merged, `#/components/${kind}`) as Json), kind).toEqual(
        ['pet', 'user', 'shop'].flatMap((service) => names.map((name) => `${service}.${name}`)),
      );
    }
  });

  test('gives every operation a unique id', () => {
    const ids = (node: unknown): string[] =>
      typeof node !== 'object' || node === null
        ? []
        : Object.entries(node).flatMap(([key, value]) =>
            key === 'links' ? [] : key === 'operationId' ? [value as string] : ids(value),
          );
    const own = ids(rich);
    expect(new Set(own).size).toBe(own.length);
    expect(ids(merged).sort()).toEqual(
      ['pet', 'user', 'shop'].flatMap((service) => own.map((id) => `${service}.${id}`)).sort(),
    );
  });

  test('changes no name when a service is added', () => {
    const two = mergeDocuments(parts.slice(0, 2), info);
    const first = mergeDocuments(parts.slice(0, 1), info);
    const reversed = mergeDocuments([...parts].reverse(), info);
    expect(merged).toMatchObject({ ...two, tags: expect.anything() });
    expect(two).toMatchObject({ ...first, tags: expect.anything() });
    expect((merged.tags as unknown[]).slice(0, 2)).toEqual(two.tags);
    expect(reversed.paths).toEqual(merged.paths);
    expect(reversed.components).toEqual(merged.components);
    expect(reversed.webhooks).toEqual(merged.webhooks);
  });

  test('does not change the documents of the services', () => {
    expect(part('pet', rich)).toEqual(parts[0]);
    const frozen = JSON.parse(JSON.stringify(rich), (_key, value) => Object.freeze(value));
    expect(mergeDocuments([part('pet', frozen)], info)).toEqual(mergeDocuments([part('pet', rich)], info));
  });
});

test('keeps schemas and operations with the same name separate', () => {
  const of = (type: string) => ({
    paths: {
      '/things': {
        get: {
          operationId: 'list',
          responses: {
            200: {
              description: '',
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
            },
          },
        },
      },
    },
    components: { schemas: { Thing: { type } } },
  });
  const merged = mergeDocuments([part('pet', of('string')), part('user', of('integer'))], info);
  expect(merged.components).toEqual({
    schemas: { 'pet.Thing': { type: 'string' }, 'user.Thing': { type: 'integer' } },
  });
  for (const service of ['pet', 'user']) {
    const operation = at(merged, `#/paths/~1${service}~1things/get`);
    expect(operation).toMatchObject({ operationId: `${service}.list` });
    expect(at(operation, '/responses/200/content/application~1json/schema')).toEqual({
      $ref: `#/components/schemas/${service}.Thing`,
    });
  }
});

test('has complete paths, the given title and a single server', () => {
  const merged = mergeDocuments([part('pet', { paths: { '/': { get: {} }, '/pets/{id}': { get: {} } } })], {
    ...info,
    description: 'Both',
  });
  expect(merged.openapi).toMatch(/^3\.1\.\d+$/);
  expect(merged.info).toEqual({ title: 'All', version: '1.0.0', description: 'Both' });
  expect(merged.servers).toEqual([{ url: '/' }]);
  expect(Object.keys(merged.paths)).toEqual(['/pet/', '/pet/pets/{id}']);
});

describe('tags', () => {
  test('are qualified where they are declared and where they are used', () => {
    const document = {
      tags: [{ name: 'pets', description: 'Animals' }],
      paths: { '/pets': { get: { tags: ['pets', 'undeclared'] } } },
    };
    const merged = mergeDocuments([part('pet', document), part('user', document)], info);
    expect(merged.tags).toEqual([
      { name: 'pet.pets', description: 'Animals' },
      { name: 'user.pets', description: 'Animals' },
    ]);
    expect(merged.paths).toEqual({
      '/pet/pets': { get: { tags: ['pet.pets', 'pet.undeclared'] } },
      '/user/pets': { get: { tags: ['user.pets', 'user.undeclared'] } },
    });
  });
});

describe('security', () => {
  const secured = (paths: Json, more: Json = {}) => ({
    security: [{ key: [] }],
    paths,
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } }, ...more },
  });

  test('of a document applies to its operations only', () => {
    const merged = mergeDocuments(
      [
        part('pet', secured({ '/pets': { summary: 'Pets', parameters: [], get: {}, post: {} } })),
        part('user', { paths: { '/users': { get: {} } } }),
      ],
      info,
    );
    expect(merged.security).toEqual([]);
    expect(merged.paths).toEqual({
      '/pet/pets': {
        summary: 'Pets',
        parameters: [],
        get: { security: [{ 'pet.key': [] }] },
        post: { security: [{ 'pet.key': [] }] },
      },
      '/user/users': { get: {} },
    });
    expect(merged.components).toEqual({ securitySchemes: { 'pet.key': { type: 'http', scheme: 'bearer' } } });
  });

  test('of an operation overrides the security of the document', () => {
    const merged = mergeDocuments(
      [
        part(
          'pet',
          secured({
            '/pets': { get: { security: [] }, put: { security: [{ login: ['read', 'key'], key: [] }, {}] } },
          }),
        ),
      ],
      info,
    );
    expect(merged.paths).toEqual({
      '/pet/pets': {
        get: { security: [] },
        put: { security: [{ 'pet.login': ['read', 'key'], 'pet.key': [] }, {}] },
      },
    });
  });

  test('of a document applies to its webhooks too', () => {
    const document = { ...secured({}), webhooks: { born: { post: {} } } };
    expect(at(mergeDocuments([part('pet', document)], info), '#/webhooks/pet.born')).toEqual({
      post: { security: [{ 'pet.key': [] }] },
    });
  });

  test('of a document applies to a path in the components too', () => {
    const paths = { '/pets': { $ref: '#/components/pathItems/Pets' } };
    const document = secured(paths, { pathItems: { Pets: { get: {}, post: { security: [] } } } });
    expect(at(mergeDocuments([part('pet', document)], info), '#/components/pathItems/pet.Pets')).toEqual({
      get: { security: [{ 'pet.key': [] }] },
      post: { security: [] },
    });
  });
});

test('has webhooks under qualified names, and no webhooks member without webhooks', () => {
  const webhooks = {
    born: { post: { operationId: 'onBorn', requestBody: { $ref: '#/components/requestBodies/Pet' } } },
  };
  const merged = mergeDocuments([part('pet', { webhooks }), part('user', { webhooks })], info);
  const of = (service: string) => ({
    post: {
      operationId: `${service}.onBorn`,
      requestBody: { $ref: `#/components/requestBodies/${service}.Pet` },
    },
  });
  expect(merged.webhooks).toEqual({ 'pet.born': of('pet'), 'user.born': of('user') });
  expect(mergeDocuments([part('pet', {})], info)).not.toHaveProperty('webhooks');
});

test('keeps the other members of a document under x-services', () => {
  const more = {
    externalDocs: { url: 'https://example.org' },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    'x-team': { $ref: '#/components/schemas/Pet' },
  };
  const merged = mergeDocuments([part('pet', more), part('user', {})], info);
  expect(merged['x-services']).toEqual({
    pet: { info: { title: 'pet', version: '2.0.0' }, ...more },
    user: { info: { title: 'user', version: '2.0.0' } },
  });
  for (const key of Object.keys(more)) expect(merged).not.toHaveProperty(key);
});

test('a selection of services contains only these services; a selection of all services equals the document', () => {
  const parts = ['pet', 'user', 'shop'].map((service) => part(service, rich));
  const merged = mergeDocuments(parts, info);
  expect(JSON.stringify(selectServices(merged, ['pet', 'user', 'shop']))).toBe(JSON.stringify(merged));
  const two = mergeDocuments([parts[0] as Part, parts[2] as Part], info);
  expect(JSON.stringify(selectServices(merged, ['pet', 'shop']))).toBe(JSON.stringify(two));
});

test('merges the documents of the product into the committed document', () => {
  const parts = ['pet', 'user'].map((service) => {
    const file = new URL(`../../../generated/${service}/openapi.json`, import.meta.url);
    return part(service, JSON.parse(readFileSync(file, 'utf8')));
  });
  const merged = mergeDocuments(parts, contract.info);
  expect(merged).toEqual(contract);
  const local = references(merged).filter(([, ref]) => ref.startsWith('#'));
  expect(local.length).toBeGreaterThan(20);
  expect(local.filter(([, ref]) => at(merged, ref) === undefined)).toEqual([]);
});
