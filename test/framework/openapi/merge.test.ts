import { readFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import {
  MergeError,
  mergeDocuments,
  type Part,
  selectServices,
} from '../../../src/framework/openapi/merge.ts';
import { type OpenApiDocument, readContract } from '../../../src/framework/openapi/response-contract.ts';
import { contract } from '../../support/app.ts';

type Json = Record<string, unknown>;

const info = { title: 'All', version: '1.0.0' };

/** A service's document with this in it. */
function part(service: string, document: Json, prefix = `/${service}`): Part {
  return {
    service,
    prefix,
    document: {
      openapi: '3.1.0',
      info: { title: service, version: '2.0.0' },
      servers: [{ url: prefix }],
      paths: {},
      ...document,
    } as unknown as OpenApiDocument,
  };
}

/** The value at a JSON Pointer, which starts with `#/` or nothing; undefined where it leads nowhere. */
function at(document: unknown, pointer: string): unknown {
  const tokens = pointer.split('/').slice(1);
  return tokens.reduce<unknown>((node, token) => {
    const key = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
    return (node as Json | undefined)?.[key];
  }, document);
}

/** Merges and shows what became of this schema of the service `pet`. */
function mergeSchema(schema: Json, more: Json = {}): unknown {
  const schemas = { Sample: schema, Pet: { type: 'object' }, Dog: { type: 'object' } };
  const merged = mergeDocuments([part('pet', { components: { schemas, ...more } })], info);
  return at(merged, '#/components/schemas/pet.Sample');
}

/** Merges and shows what became of this operation, `GET /pets` of the service `pet`. */
function mergeOperation(operation: Json, more: Json = {}): unknown {
  const merged = mergeDocuments([part('pet', { paths: { '/pets': { get: operation } }, ...more })], info);
  return at(merged, '#/paths/~1pet~1pets/get');
}

/** A document with all that OpenAPI 3.1 has, and a reference to each of it. */
const rich: Json = {
  tags: [{ name: 'pets', description: 'Animals', externalDocs: { url: 'https://example.org' } }],
  security: [{ key: [] }],
  paths: {
    '/': { get: { operationId: 'readHome', responses: { 204: { description: 'Home' } } } },
    '/pets': {
      summary: 'Pets',
      parameters: [{ $ref: '#/components/parameters/Limit' }],
      get: {
        operationId: 'listPets',
        tags: ['pets'],
        parameters: [{ name: 'sort', in: 'query', schema: { $ref: '#/components/schemas/Name' } }],
        responses: {
          200: { $ref: '#/components/responses/Pets' },
          default: { $ref: '#/components/responses/Problem' },
        },
      },
      post: {
        operationId: 'createPet',
        tags: ['pets', 'writes'],
        security: [{ login: ['write'] }, {}],
        requestBody: { $ref: '#/components/requestBodies/Pet' },
        responses: {
          201: {
            description: 'It',
            headers: { location: { $ref: '#/components/headers/Location' } },
            links: {
              it: { $ref: '#/components/links/It' },
              again: { operationId: 'listPets', parameters: { limit: '$request.query.limit' } },
              same: { operationRef: '#/paths/~1names/get' },
              outside: { operationRef: 'https://example.org/openapi.json#/paths/~1pets/get' },
            },
            content: {
              'application/json': {
                schema: { $ref: '#/components/schemas/Pet' },
                examples: { rex: { $ref: '#/components/examples/Rex' } },
              },
            },
          },
        },
        callbacks: {
          born: { $ref: '#/components/callbacks/Born' },
          fed: {
            '{$request.body#/url}': {
              post: {
                operationId: 'tellFed',
                requestBody: { $ref: '#/components/requestBodies/Pet' },
                responses: { 204: { description: 'Heard' } },
              },
            },
          },
        },
      },
    },
    '/pets/{id}': { $ref: '#/components/pathItems/Pet' },
    '/animals/{id}': { $ref: '#/paths/~1pets~1{id}' },
    '/names': {
      get: {
        operationId: 'listNames',
        responses: {
          200: { $ref: '#/paths/~1pets/post/responses/201' },
          201: {
            description: 'Names',
            content: {
              'application/json': {
                schema: { type: 'array', items: { $ref: '#/components/schemas/Pet/properties/name' } },
              },
            },
          },
        },
      },
    },
  },
  webhooks: {
    petBorn: {
      post: {
        operationId: 'onPetBorn',
        tags: ['pets'],
        requestBody: { $ref: '#/components/requestBodies/Pet' },
        responses: { 200: { description: 'Heard' } },
      },
    },
  },
  components: {
    schemas: {
      Name: { type: 'string' },
      Pet: {
        type: 'object',
        properties: {
          name: { $ref: '#/components/schemas/Name' },
          parent: { $ref: '#/components/schemas/Pet' },
        },
        patternProperties: { '^x': { $ref: '#/components/schemas/Name' } },
        $defs: { local: { $ref: '#/components/schemas/Name' } },
        dependentSchemas: { name: { $ref: '#/components/schemas/Dog' } },
        additionalProperties: { $ref: '#/components/schemas/Name' },
        oneOf: [{ $ref: '#/components/schemas/Dog' }, { $ref: '#/components/schemas/Pet/$defs/local' }],
        discriminator: { propertyName: 'kind', mapping: { dog: 'Dog', name: '#/components/schemas/Name' } },
      },
      Dog: { allOf: [{ $ref: '#/components/schemas/Name' }], not: { $ref: '#/components/schemas/Name' } },
    },
    responses: {
      Pets: {
        description: 'Pets',
        content: {
          'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/Pet' } } },
        },
      },
      Problem: { description: 'Problem' },
    },
    parameters: {
      Limit: { name: 'limit', in: 'query', schema: { $ref: '#/components/schemas/Name' } },
    },
    examples: { Rex: { value: { name: 'Rex', $ref: '#/components/schemas/Pet' } } },
    requestBodies: {
      Pet: {
        content: {
          'multipart/form-data': {
            schema: { $ref: '#/components/schemas/Pet' },
            encoding: { name: { headers: { 'x-it': { $ref: '#/components/headers/Location' } } } },
          },
        },
      },
    },
    headers: { Location: { schema: { $ref: '#/components/schemas/Name' } } },
    securitySchemes: {
      key: { type: 'apiKey', in: 'header', name: 'x-key' },
      login: {
        type: 'oauth2',
        flows: {
          clientCredentials: { tokenUrl: 'https://example.org', scopes: { write: 'Write', tags: 'Tag' } },
        },
      },
    },
    links: { It: { operationId: 'listPets' } },
    callbacks: {
      Born: {
        '{$request.body#/url}': {
          post: { operationId: 'tellBorn', responses: { 204: { description: 'Heard' } } },
        },
      },
    },
    pathItems: {
      Pet: {
        parameters: [
          { name: 'id', in: 'path', required: true, schema: { $ref: '#/components/schemas/Name' } },
        ],
        get: { operationId: 'readPet', tags: ['pets'], responses: { 200: { description: 'It' } } },
      },
    },
  },
};

/** Every reference in a document, data aside; with the place where it stands. */
function references(node: unknown, place = '#', found: [string, string][] = []): [string, string][] {
  if (typeof node !== 'object' || node === null) return found;
  for (const [key, value] of Object.entries(node)) {
    if (['example', 'default', 'value', 'const', 'enum'].includes(key) && !place.endsWith('/responses'))
      continue;
    if ((key === '$ref' || key === 'operationRef') && typeof value === 'string') found.push([place, value]);
    else references(value, `${place}/${key}`, found);
  }
  return found;
}

describe('a rich document of three services', () => {
  const parts = ['pet', 'user', 'shop'].map((service) => part(service, rich));
  const merged = mergeDocuments(parts, info);
  const all = references(merged);
  const expected = references(rich);

  test('keeps every reference, and each leads somewhere', () => {
    expect(expected.length).toBeGreaterThan(30);
    expect(all).toHaveLength(3 * expected.length);
    const local = all.filter(([, ref]) => ref.startsWith('#'));
    expect(local.length).toBe(3 * expected.filter(([, ref]) => ref.startsWith('#')).length);
    expect(local.filter(([, ref]) => at(merged, ref) === undefined)).toEqual([]);
  });

  test('leads each reference to what it led to before', () => {
    const own = mergeDocuments([part('pet', rich)], info);
    for (const [place, ref] of references(own).filter(([, ref]) => ref.startsWith('#'))) {
      expect(at(merged, ref), `${ref} in ${place}`).toEqual(at(own, ref));
    }
    // A service's references never lead into another service.
    for (const [place, ref] of all) {
      const owner = /\/components\/\w+\/(\w+)\.|^#\/(?:paths\/|webhooks\/)\/?(\w+)[/.]/.exec(place);
      expect(ref, place).toMatch(
        new RegExp(
          `^(https://|#/components/\\w+/${owner?.[1] ?? owner?.[2]}\\.|#/paths/~1${owner?.[1] ?? owner?.[2]}~1)`,
        ),
      );
    }
  });

  test('carries every kind of component', () => {
    for (const [kind, named] of Object.entries(rich.components as Record<string, Json>)) {
      const names = Object.keys(named);
      expect(Object.keys(at(merged, `#/components/${kind}`) as Json), kind).toEqual(
        ['pet', 'user', 'shop'].flatMap((service) => names.map((name) => `${service}.${name}`)),
      );
    }
  });

  test('gives every operation an id of its own', () => {
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

  test('changes no name where a service is added', () => {
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

  test('leaves the documents of the services as they were', () => {
    expect(part('pet', rich)).toEqual(parts[0]);
    const frozen = JSON.parse(JSON.stringify(rich), (_key, value) => Object.freeze(value));
    expect(mergeDocuments([part('pet', frozen)], info)).toEqual(mergeDocuments([part('pet', rich)], info));
  });
});

test('keeps two schemas and two operations of one name apart', () => {
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

test('has whole paths, the title that it is given, and one server', () => {
  const merged = mergeDocuments([part('pet', { paths: { '/': { get: {} }, '/pets/{id}': { get: {} } } })], {
    ...info,
    description: 'Both',
  });
  expect(merged.openapi).toMatch(/^3\.1\.\d+$/);
  expect(merged.info).toEqual({ title: 'All', version: '1.0.0', description: 'Both' });
  expect(merged.servers).toEqual([{ url: '/' }]);
  expect(Object.keys(merged.paths)).toEqual(['/pet/', '/pet/pets/{id}']);
});

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

  test.for(['#/info/title', '#/servers/0', '#'])('%s would lead nowhere, so it is refused', (ref) => {
    expect(() => schemaOf(ref)).toThrow(MergeError);
    expect(() => schemaOf(ref)).toThrow(`pet: the reference ${ref} `);
  });

  test('next to other keywords follows too', () => {
    expect(mergeSchema({ $ref: '#/components/schemas/Pet', description: 'This one' })).toEqual({
      $ref: '#/components/schemas/pet.Pet',
      description: 'This one',
    });
  });
});

test('writes a tuple as draft 2020-12 has it, and as readContract reads it', () => {
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
  const { findFault } = readContract(merged, 'get', '/pet/pair');
  const faultOf = (body: unknown) => findFault({ status: 200, contentType: 'application/json', body });
  expect(faultOf(['a', 1])).toBeUndefined();
  expect(faultOf(['a', 'b'])).toBe('body/1 must be integer');
  expect(faultOf(['a', 1, 2])).toMatch(/^body must NOT have more than 2 items/);
  // Under `properties` these are names, not keywords.
  const named = {
    type: 'object',
    properties: { items: { type: 'string' }, additionalItems: { type: 'null' } },
  };
  expect(mergeSchema(named)).toEqual(named);
});

describe('a discriminator', () => {
  test('has its mapping follow, bare names and references alike', () => {
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

  test('without a mapping still tells its schemas apart by the values that it had', () => {
    const schema = {
      oneOf: [{ $ref: '#/components/schemas/Pet' }, { $ref: '#/components/schemas/Dog' }],
      discriminator: { propertyName: 'kind' },
    };
    expect(mergeSchema(schema)).toEqual({
      oneOf: [{ $ref: '#/components/schemas/pet.Pet' }, { $ref: '#/components/schemas/pet.Dog' }],
      // The values were the names of the schemas, and those have changed.
      discriminator: {
        propertyName: 'kind',
        mapping: { Pet: '#/components/schemas/pet.Pet', Dog: '#/components/schemas/pet.Dog' },
      },
    });
  });

  test('is nothing special as the name of a property', () => {
    const schema = { properties: { discriminator: { type: 'string' }, mapping: { type: 'string' } } };
    expect(mergeSchema(schema)).toEqual(schema);
  });
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

  test('of a document holds for its own operations and no others', () => {
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

  test('of an operation goes before that of the document', () => {
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

  test('of a document holds for its webhooks too', () => {
    const document = { ...secured({}), webhooks: { born: { post: {} } } };
    expect(at(mergeDocuments([part('pet', document)], info), '#/webhooks/pet.born')).toEqual({
      post: { security: [{ 'pet.key': [] }] },
    });
  });

  test('of a document holds for a path that stands among the components too', () => {
    const paths = { '/pets': { $ref: '#/components/pathItems/Pets' } };
    const document = secured(paths, { pathItems: { Pets: { get: {}, post: { security: [] } } } });
    expect(at(mergeDocuments([part('pet', document)], info), '#/components/pathItems/pet.Pets')).toEqual({
      get: { security: [{ 'pet.key': [] }] },
      post: { security: [] },
    });
  });
});

describe('what only looks like a keyword stays as it is:', () => {
  const odd = ['$ref', 'example', 'default', 'tags', 'security', 'servers', 'enum', 'const', 'operationId'];
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

  test.for(odd)('a property called %s', (name) => {
    const schema = { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] };
    expect(mergeSchema(schema)).toEqual(schema);
  });

  test.for(odd)('a reference of a property called %s follows all the same', (name) => {
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

  test('what a link sends', () => {
    const links = { next: { parameters: { id: traps }, requestBody: traps } };
    expect(mergeOperation({ responses: { 200: { description: '', links } } })).toEqual({
      responses: { 200: { description: '', links } },
    });
  });

  test('which properties depend on each other', () => {
    const schema = { dependentRequired: { tags: ['name'], security: ['name'], servers: ['name'] } };
    expect(mergeSchema(schema)).toEqual(schema);
  });

  test('a scope of a login', () => {
    const scopes = { tags: 'Tag', servers: 'Serve', security: 'Guard', $ref: '#/components/schemas/Pet' };
    const login = { type: 'oauth2', flows: { clientCredentials: { tokenUrl: 'https://a.example', scopes } } };
    const merged = mergeDocuments([part('pet', { components: { securitySchemes: { login } } })], info);
    expect(merged.components).toEqual({ securitySchemes: { 'pet.login': login } });
  });

  test('a response called default follows as a response', () => {
    const responses = { default: { $ref: '#/components/responses/Problem' } };
    expect(mergeOperation({ responses })).toEqual({
      responses: { default: { $ref: '#/components/responses/pet.Problem' } },
    });
  });
});

test('carries webhooks under qualified names, and has none where there are none', () => {
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

test('keeps what else stands at the top of a document under x-services', () => {
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

describe('a clash names the thing and both owners:', () => {
  const get = { get: { operationId: 'list' } };

  test('one path', () => {
    const parts = [
      part('pet', { paths: { '/b/c': get } }, '/a'),
      part('user', { paths: { '/c': get } }, '/a/b'),
    ];
    expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
    expect(() => mergeDocuments(parts, info)).toThrow(/^the path \/a\/b\/c is claimed by pet and by user$/);
  });

  test('one path whose parameters are called differently', () => {
    const parts = [
      part('pet', { paths: { '/b/{id}': get } }, '/a'),
      part('user', { paths: { '/{name}': get } }, '/a/b'),
    ];
    expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
    expect(() => mergeDocuments(parts, info)).toThrow(/^the path \/a\/b\/.* is claimed by pet and by user$/);
  });

  test.for(['schemas', 'responses', 'parameters', 'securitySchemes', 'pathItems'])(
    'one qualified name among %s',
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

  test('one qualified operation id', () => {
    const parts = [
      part('a.b', { paths: { '/c': { get: { operationId: 'c' } } } }),
      part('a', { paths: { '/c': { get: { operationId: 'b.c' } } } }),
    ];
    expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
    expect(() => mergeDocuments(parts, info)).toThrow('the operationId a.b.c is claimed by a.b and by a');
  });

  test('one operation id twice in one document', () => {
    const parts = [part('pet', { paths: { '/a': get, '/b': get } })];
    expect(() => mergeDocuments(parts, info)).toThrow(
      'the operationId pet.list is claimed by GET /pet/a and by GET /pet/b',
    );
    const twice = [part('pet', { paths: { '/a/{id}': {}, '/a/{name}': {} } })];
    expect(() => mergeDocuments(twice, info)).toThrow(
      'the path /pet/a/{} is claimed by /pet/a/{id} and by /pet/a/{name}',
    );
  });

  test('one name of a service', () => {
    const parts = [part('pet', {}), part('pet', {}, '/other')];
    expect(() => mergeDocuments(parts, info)).toThrow(MergeError);
    expect(() => mergeDocuments(parts, info)).toThrow('the service name pet is claimed by pet and by pet');
  });
});

test.for(['3.0.3', '2.0', '3.10.0', '4.0.0'])('refuses a document of OpenAPI %s', (openapi) => {
  expect(() => mergeDocuments([part('user', {}), part('pet', { openapi })], info)).toThrow(MergeError);
  expect(() => mergeDocuments([part('user', {}), part('pet', { openapi })], info)).toThrow(
    `pet: OpenAPI ${openapi} is not 3.1`,
  );
});

test('the document of some services has nothing of the others, and of all services is the same', () => {
  const parts = ['pet', 'user', 'shop'].map((service) => part(service, rich));
  const merged = mergeDocuments(parts, info);
  expect(JSON.stringify(selectServices(merged, ['pet', 'user', 'shop']))).toBe(JSON.stringify(merged));
  const two = mergeDocuments([parts[0] as Part, parts[2] as Part], info);
  expect(JSON.stringify(selectServices(merged, ['pet', 'shop']))).toBe(JSON.stringify(two));
});

test('merges the documents of the product into the one that is committed', () => {
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
