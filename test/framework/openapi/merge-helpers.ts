import { mergeDocuments, type Part } from '../../../src/framework/openapi/merge.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';

export type Json = Record<string, unknown>;

export const info = { title: 'All', version: '1.0.0' };

/** Creates the document of a service with these members. */
export function part(service: string, document: Json, prefix = `/${service}`): Part {
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

/** Returns the value at a JSON Pointer, with or without `#`. Undefined if there is none. */
export function at(document: unknown, pointer: string): unknown {
  const tokens = pointer.split('/').slice(1);
  return tokens.reduce<unknown>((node, token) => {
    const key = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
    return (node as Json | undefined)?.[key];
  }, document);
}

/** Returns this schema of the service `pet` after the merge. */
export function mergeSchema(schema: Json, more: Json = {}): unknown {
  const schemas = { Sample: schema, Pet: { type: 'object' }, Dog: { type: 'object' } };
  const merged = mergeDocuments([part('pet', { components: { schemas, ...more } })], info);
  return at(merged, '#/components/schemas/pet.Sample');
}

/** Returns this operation, `GET /pets` of the service `pet`, after the merge. */
export function mergeOperation(operation: Json, more: Json = {}): unknown {
  const merged = mergeDocuments([part('pet', { paths: { '/pets': { get: operation } }, ...more })], info);
  return at(merged, '#/paths/~1pet~1pets/get');
}

/** A document with every element of OpenAPI 3.1, and a reference to each. */
export const rich: Json = {
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

/** Lists every reference in a document with its path. Ignores references in data. */
export function references(node: unknown, path = '#', found: [string, string][] = []): [string, string][] {
  if (typeof node !== 'object' || node === null) return found;
  for (const [key, value] of Object.entries(node)) {
    if (['example', 'default', 'value', 'const', 'enum'].includes(key) && !path.endsWith('/responses'))
      continue;
    if ((key === '$ref' || key === 'operationRef') && typeof value === 'string') found.push([path, value]);
    else references(value, `${path}/${key}`, found);
  }
  return found;
}
