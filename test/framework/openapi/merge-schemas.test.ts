import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { MergeError, mergeDocuments } from '../../../src/framework/openapi/merge.ts';
import { readContract } from '../../../src/framework/openapi/response-contract.ts';
import { at, info, mergeOperation, mergeSchema, part } from './merge-helpers.ts';

describe('a reference', () => {
  const schemaOf = (ref: string) =>
    at(
      mergeOperation({
        operationId: 'list',
        responses: { 200: { description: '', content: { 'application/json': { schema: { $ref: ref } } } } },
      }),
      '/responses/200/content/application~1json/schema/$ref',
    );

  test.for([
    ['#/components/schemas/Pet', '#/components/schemas/pet.Pet'],
    ['#/components/schemas/Pet/properties/name', '#/components/schemas/pet.Pet/properties/name'],
    ['#/components/responses/Pet/content/a~1b/schema', '#/components/responses/pet.Pet/content/a~1b/schema'],
    ['#/paths/~1pets/get', '#/paths/~1pet~1pets/get'],
    ['#/paths/~1pets~1{id}', '#/paths/~1pet~1pets~1{id}'],
    ['#/paths/~1pets~1%7Bid%7D/get', '#/paths/~1pet~1pets~1%7Bid%7D/get'],
    ['#/paths/~1a~0b/get', '#/paths/~1pet~1a~0b/get'],
    ['#/paths/~1/get/responses/200', '#/paths/~1pet~1/get/responses/200'],
    [
      'https://example.org/a.json#/components/schemas/Pet',
      'https://example.org/a.json#/components/schemas/Pet',
    ],
    ['other.json', 'other.json'],
  ] as const)('%s becomes %s', ([ref, merged]) => {
    expect(schemaOf(ref)).toBe(merged);
  });

  test.for(['#/info/title', '#/servers/0', '#'])(
    '%s has no target after the merge, so it is rejected',
    (ref) => {
      expect(() => schemaOf(ref)).toThrow(MergeError);
      expect(() => schemaOf(ref)).toThrow(`pet: the reference ${ref} `);
    },
  );

  test('is qualified also beside other keywords', () => {
    expect(mergeSchema({ $ref: '#/components/schemas/Pet', description: 'This one' })).toEqual({
      $ref: '#/components/schemas/pet.Pet',
      description: 'This one',
    });
  });
});

test('a tuple has the form of draft 2020-12, and readContract checks it', () => {
  const tuple = Type.Tuple([Type.String(), Type.Integer()]);
  const content = { 'application/json': { schema: tuple } };
  const paths = {
    '/pair': { get: { operationId: 'read', responses: { 200: { description: '', content } } } },
  };
  const merged = mergeDocuments([part('pet', { paths })], info);
  expect(at(merged, '#/paths/~1pet~1pair/get/responses/200/content/application~1json/schema')).toEqual({
    type: 'array',
    prefixItems: [{ type: 'string' }, { type: 'integer' }],
    ...{ items: false, minItems: 2, maxItems: 2 },
  });
  const { findMismatch } = readContract(merged, 'get', '/pet/pair');
  const mismatchOf = (body: unknown) => findMismatch({ status: 200, contentType: 'application/json', body });
  expect(mismatchOf(['a', 1])).toBeUndefined();
  expect(mismatchOf(['a', 'b'])).toBe('body/1 must be integer');
  expect(mismatchOf(['a', 1, 2])).toMatch(/^body must NOT have more than 2 items/);
  // Below `properties` these are names, not keywords.
  const named = {
    type: 'object',
    properties: { items: { type: 'string' }, additionalItems: { type: 'null' } },
  };
  expect(mergeSchema(named)).toEqual(named);
});

describe('a discriminator', () => {
  test('has qualified names and references in its mapping', () => {
    expect(
      mergeSchema({
        discriminator: {
          propertyName: 'kind',
          mapping: {
            dog: 'Dog',
            pet: '#/components/schemas/Pet',
            cat: 'https://example.org/cat.json',
            Dog: 'cat.json',
          },
        },
      }),
    ).toEqual({
      discriminator: {
        propertyName: 'kind',
        mapping: {
          dog: '#/components/schemas/pet.Dog',
          pet: '#/components/schemas/pet.Pet',
          cat: 'https://example.org/cat.json',
          Dog: 'cat.json',
        },
      },
    });
  });

  test('without a mapping gets a mapping that keeps its values', () => {
    const schema = {
      oneOf: [{ $ref: '#/components/schemas/Pet' }, { $ref: '#/components/schemas/Dog' }],
      discriminator: { propertyName: 'kind' },
    };
    expect(mergeSchema(schema)).toEqual({
      oneOf: [{ $ref: '#/components/schemas/pet.Pet' }, { $ref: '#/components/schemas/pet.Dog' }],
      // The values are the names of the schemas before the merge.
      discriminator: {
        propertyName: 'kind',
        mapping: { Pet: '#/components/schemas/pet.Pet', Dog: '#/components/schemas/pet.Dog' },
      },
    });
  });

  test('may be the name of a property', () => {
    const schema = { properties: { discriminator: { type: 'string' }, mapping: { type: 'string' } } };
    expect(mergeSchema(schema)).toEqual(schema);
  });
});

describe('a name or value that looks like a keyword does not change', () => {
  const names = ['$ref', 'example', 'default', 'tags', 'security', 'servers', 'enum', 'const', 'operationId'];
  const traps = {
    $ref: '#/components/schemas/Pet',
    operationId: 'list',
    operationRef: '#/paths/~1pets/get',
    tags: ['a'],
    security: [{ key: [] }],
    servers: [],
    discriminator: { mapping: { a: 'Pet' } },
    get: { operationId: 'list' },
  };

  test.for(names)('the property %s', (name) => {
    const schema = { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] };
    expect(mergeSchema(schema)).toEqual(schema);
  });

  test.for(names)('the property %s, whose reference is qualified', (name) => {
    expect(mergeSchema({ properties: { [name]: { $ref: '#/components/schemas/Pet' } } })).toEqual({
      properties: { [name]: { $ref: '#/components/schemas/pet.Pet' } },
    });
  });

  test.for(['example', 'default', 'const'])('data under %s', (key) => {
    const schema = { type: 'object', [key]: { ...traps, list: [traps] } };
    expect(mergeSchema(schema)).toEqual(schema);
  });

  test.for(['enum', 'examples'])('data in the list of %s', (key) => {
    const schema = { type: 'object', [key]: [traps, [traps]] };
    expect(mergeSchema(schema)).toEqual(schema);
  });

  test('the value of an example, in a media type and among the components', () => {
    const operation = mergeOperation(
      {
        responses: {
          200: {
            description: '',
            content: { 'application/json': { example: traps, examples: { one: { value: traps } } } },
          },
        },
      },
      { components: { examples: { One: { summary: 'One', value: traps } } } },
    );
    expect(at(operation, '/responses/200/content/application~1json')).toEqual({
      example: traps,
      examples: { one: { value: traps } },
    });
  });

  test('an extension', () => {
    expect(mergeSchema({ 'x-note': traps })).toEqual({ 'x-note': traps });
  });

  test('the parameters of a link', () => {
    const links = { next: { parameters: { id: traps }, requestBody: traps } };
    expect(mergeOperation({ responses: { 200: { description: '', links } } })).toEqual({
      responses: { 200: { description: '', links } },
    });
  });

  test('dependentRequired', () => {
    const schema = { dependentRequired: { tags: ['name'], security: ['name'], servers: ['name'] } };
    expect(mergeSchema(schema)).toEqual(schema);
  });

  test('a scope of a login', () => {
    const scopes = { tags: 'Tag', servers: 'Serve', security: 'Guard', $ref: '#/components/schemas/Pet' };
    const login = { type: 'oauth2', flows: { clientCredentials: { tokenUrl: 'https://a.example', scopes } } };
    const merged = mergeDocuments([part('pet', { components: { securitySchemes: { login } } })], info);
    expect(merged.components).toEqual({ securitySchemes: { 'pet.login': login } });
  });

  test('the response `default`, whose reference is qualified', () => {
    const responses = { default: { $ref: '#/components/responses/Problem' } };
    expect(mergeOperation({ responses })).toEqual({
      responses: { default: { $ref: '#/components/responses/pet.Problem' } },
    });
  });
});
