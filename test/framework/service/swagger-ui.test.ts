import { STATUS_CODES } from 'node:http';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Type } from '@sinclair/typebox';
import { describe, expect, type TestContext, test } from 'vitest';
import petDocument from '../../../generated/pet/openapi.json' with { type: 'json' };
import userDocument from '../../../generated/user/openapi.json' with { type: 'json' };
import { defineProblem } from '../../../src/framework/errors/define-problem.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { contract, createExampleApp, createTestApp, findFreePort, type TestApp } from '../../support/app.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly required?: boolean;
    readonly example?: unknown;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, Response>>;
}
interface Response {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly example?: Readonly<Record<string, unknown>> }>>;
  readonly headers?: Readonly<Record<string, { readonly $ref?: string; readonly description?: string }>>;
}
interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly info: Readonly<Record<string, unknown>>;
  readonly security: readonly unknown[];
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly headers: Readonly<Record<string, { readonly description: string }>>;
  };
}

const documents = ['/openapi.json', '/pet/openapi.json', '/user/openapi.json'];

async function read(t: TestContext, path: string, from?: TestApp): Promise<Document> {
  const { send } = from ?? (await createExampleApp(t));
  return (await send('GET', path)).body;
}

function listOperations({ paths }: Document) {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

describe.each(documents)('the document at %s', (path) => {
  test('is valid OpenAPI 3.1', async (t) => {
    const document = await read(t, path);
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true });
  });

  test('has an id of verb and noun, a tag and a summary for every operation', async (t) => {
    const document = await read(t, path);
    const operations = listOperations(document);
    expect(operations.length).toBeGreaterThan(0);
    for (const { operation } of operations) {
      // The merged document has the service and a dot before each name.
      const name = operation.operationId.replace(path === '/openapi.json' ? /^(pet|user)\./ : '', '');
      expect(name).toMatch(/^[a-z]+[A-Z]\w*$/);
      expect(operation.tags).toHaveLength(1);
      expect(operation.summary).toMatch(/^[A-Z].{5,}[^.]$/);
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test('describes each used tag and no others, the common tags last', async (t) => {
    const document = await read(t, path);
    const used = new Set(listOperations(document).flatMap(({ operation }) => operation.tags));
    const names = document.tags.map(({ name }) => name);
    expect([...names].sort()).toEqual([...used].sort());
    for (const { name, description } of document.tags) expect(description, name).toMatch(/^[A-Z].{10,}/);
    const isCommon = names.map((name) => /(^|\.)service$/.test(name));
    expect(isCommon).toEqual([...isCommon].sort());
  });

  test('has the license and the contact of the product, and requires no credential', async (t) => {
    const { info, security } = await read(t, path);
    expect(info).toMatchObject({
      license: { name: 'MIT', identifier: 'MIT' },
      contact: { name: 'modular-monolith' },
    });
    expect(security).toEqual([]);
  });

  test('has a short example with the right status for every error response', async (t) => {
    for (const { path: template, operation } of listOperations(await read(t, path))) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (status.startsWith('2')) continue;
        const example = content['application/problem+json']?.example;
        const code = status === 'default' ? 500 : Number(status);
        expect(example, `${operation.operationId} ${status}`).toMatchObject({
          status: code,
          title: STATUS_CODES[code],
        });
        expect(example?.instance).toMatch(new RegExp(`${template.replace(/\{\w+\}/g, '1')}$`));
        expect(JSON.stringify(example).length).toBeLessThan(260);
      }
    }
  });

  test('has 429 for every operation except health and readiness', async (t) => {
    for (const { operation } of listOperations(await read(t, path))) {
      const isExempt = /(^|\.)(checkHealth|checkReadiness)$/.test(operation.operationId);
      expect('429' in operation.responses, operation.operationId).toBe(!isExempt);
    }
  });

  test('has the headers of each response with descriptions', async (t) => {
    const document = await read(t, path);
    for (const { method, operation } of listOperations(document)) {
      for (const [status, { headers = {} }] of Object.entries(operation.responses)) {
        const expected = ['x-request-id'];
        if (['429', '503', '504', 'default'].includes(status)) expected.push('retry-after');
        if (status === 'default') expected.push('allow');
        if (['401', '403'].includes(status)) expected.push('www-authenticate');
        if (status === '200' && method === 'POST') expected.push('idempotent-replayed');
        if (status === '200' && operation.operationId.endsWith('readEvents')) expected.push('x-feed-newest');
        if (status === '200' && /list(Pets|Users)$/.test(operation.operationId)) expected.push('link');
        expect(Object.keys(headers), `${operation.operationId} ${status}`).toEqual(expected);
        // The link of a list is described in place.
        for (const { $ref = '', ...inPlace } of Object.values(headers)) {
          const shared = document.components.headers[$ref.replace('#/components/headers/', '')];
          expect((shared ?? inPlace).description).toMatch(/^[A-Z]/);
        }
      }
    }
  });

  test('has the error responses of every operation, as problems', async (t) => {
    for (const { path: template, operation } of listOperations(await read(t, path))) {
      const { operationId, responses, parameters, requestBody } = operation;
      const errors = Object.keys(responses).filter((status) => !status.startsWith('2'));
      for (const status of errors) {
        const mediaTypes = Object.keys(responses[status]?.content ?? {});
        expect(mediaTypes, `${operationId} ${status}`).toEqual(['application/problem+json']);
      }
      const expected = ['default'];
      if (requestBody !== undefined) expected.push('400', '413', '415');
      if (parameters !== undefined || requestBody !== undefined) expected.push('422');
      if (template.includes('{')) expected.push('404');
      if (operationId.endsWith('checkReadiness')) expected.push('503');
      expect(errors, operationId).toEqual(expect.arrayContaining(expected));
    }
  });

  test('has examples that succeed unchanged', async (t) => {
    const built = await createExampleApp(t);
    // The examples of the user service adopt a pet, which only the pet service creates.
    if (path === '/user/openapi.json') {
      await built.send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    }
    const document = await read(t, path, built);
    const prefix = document.servers[0]?.url.replace(/\/$/, '');
    const requests = listOperations(document)
      .map(({ method, path: template, operation }) => ({
        method,
        template,
        url: prefix + fillIn(document, template, operation),
        body: exampleOf(document, operation.requestBody?.content['application/json']?.schema),
      }))
      .sort((one, other) => rank(one) - rank(other));
    for (const { method, url, body } of requests) {
      const reply = await built.send(method, url, body);
      expect(reply.status, `${method} ${url} ${JSON.stringify(reply.body)}`).toBe(200);
    }
  });

  test('is also the document at /docs/json', async (t) => {
    const built = await createExampleApp(t);
    const document = await read(t, path, built);
    expect(await read(t, path.replace('openapi.json', 'docs/json'), built)).toEqual(document);
  });
});

test('the served documents equal the generated documents, except for the version', async (t) => {
  const built = await createExampleApp(t);
  const served = await Promise.all(documents.map((path) => read(t, path, built)));
  const generated = [contract, petDocument, userDocument];
  expect(served.map(withoutVersions)).toEqual(generated.map(withoutVersions));
});

test('a split gateway documents only the services of its config', async (t) => {
  const { paths, components } = contract as unknown as Document;
  const more = {
    ...contract,
    paths: { ...paths, '/toy/toys/': paths['/pet/pets/'] },
    components: { ...components, schemas: { ...components.schemas, 'toy.Toy': { type: 'object' } } },
  };
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port: await findFreePort(), services: ['pet'] },
  };
  const split = await createExampleApp(t, { config: { apps }, contract: more as unknown as OpenApiDocument });
  expect(withoutVersions(await read(t, '/openapi.json', split))).toEqual(withoutVersions(contract));
});

test('the document of a service has paths without the prefix, and the prefix as server', async (t) => {
  const built = await createExampleApp(t);
  for (const service of ['pet', 'user']) {
    const document = await read(t, `/${service}/openapi.json`, built);
    expect(document.servers).toEqual([{ url: `/${service}` }]);
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/', '/health', '/ready', `/${service}s/`]),
    );
    for (const path of Object.keys(document.paths)) expect(path).not.toMatch(`^/${service}(/|$)`);
  }
});

test('the merged document has the complete paths of both services, and the server /', async (t) => {
  const built = await createExampleApp(t);
  const [merged, pet, user] = await Promise.all(documents.map((path) => read(t, path, built)));
  expect(merged?.servers).toEqual([{ url: '/' }]);
  expect(Object.keys(merged?.paths ?? {})).toEqual([
    ...Object.keys(pet?.paths ?? {}).map((path) => `/pet${path}`),
    ...Object.keys(user?.paths ?? {}).map((path) => `/user${path}`),
  ]);
});

test('a path that starts with the letters of the prefix keeps them', async (t) => {
  const paths = ['/petition', '/pet', '/pets/pet/'];
  const pet = defineService({
    name: 'pet',
    description: 'Petitions',
    routes(scope) {
      const response = { 200: Type.Object({ url: Type.String() }) };
      for (const [index, path] of paths.entries())
        scope.get(path, { schema: { operationId: `readPath${index}`, response } }, async ({ url }) => ({
          url,
        }));
    },
  });
  const { send } = await createTestApp(t, { services: [pet] });
  const own: Document = (await send('GET', '/pet/openapi.json')).body;
  const merged: Document = (await send('GET', '/openapi.json')).body;
  for (const path of paths) {
    expect(Object.keys(own.paths)).toContain(path);
    expect(Object.keys(merged.paths)).toContain(`/pet${path}`);
    expect((await send('GET', `/pet${path}`)).body).toEqual({ url: `/pet${path}` });
  }
});

test('a service without errors and tags gets both in its document', async (t) => {
  const toy = defineService({
    name: 'toy',
    description: 'Toys.',
    routes(scope) {
      const response = { 200: Type.Object({}, { description: 'A toy' }) };
      const schema = { operationId: 'readToy', tags: ['toys'], summary: 'Read a toy', response };
      scope.get('/toys/', { schema }, async () => ({}));
      scope.get(
        '/busy',
        { config: { exempt: true }, schema: { ...schema, operationId: 'readBusy' } },
        async () => ({}),
      );
    },
  });
  const { send } = await createTestApp(t, { services: [toy] });
  const document: Document = (await send('GET', '/toy/openapi.json')).body;
  expect(document.tags[0]).toEqual({ name: 'toys', description: 'Toys.' });
  expect(Object.keys(document.paths['/toys/']?.get?.responses ?? {})).toEqual(['200', '429', 'default']);
  expect(Object.keys(document.paths['/busy']?.get?.responses ?? {})).toEqual(['200', 'default']);
  expect(await new Validator().validate({ ...document })).toEqual({ valid: true });
});

test('errors, tags and headers that a service declares take precedence', async (t) => {
  const example = { status: 404, detail: 'No toy' };
  const toy = defineService({
    name: 'toy',
    description: 'Toys.',
    tags: { toys: 'Toys of pets', service: 'The common routes' },
    routes(scope) {
      const response = {
        200: { description: 'A toy', type: 'object', headers: { etag: { type: 'string' } } },
        404: {
          description: 'Lost',
          content: { 'application/problem+json': { schema: Type.Object({}), example } },
        },
        default: {
          description: 'Broken',
          content: { 'application/problem+json': { schema: Type.Object({}) } },
        },
      };
      scope.get('/toys/', { schema: { operationId: 'readToy', tags: ['toys'], response } }, async () => ({}));
    },
  });
  const { send } = await createTestApp(t, { services: [toy] });
  const document: Document = (await send('GET', '/toy/openapi.json')).body;
  expect(document.tags.map(({ description }) => description)).toEqual(['Toys of pets', 'The common routes']);
  const responses = document.paths['/toys/']?.get?.responses;
  expect(Object.keys(responses?.['200']?.headers ?? {})).toEqual(['x-request-id', 'etag']);
  expect(responses?.['404']?.content['application/problem+json']?.example).toEqual(example);
  expect(responses?.default?.description).toBe('Broken');
});

test('the 403 of a route that needs a credential shows the problem of the route', async (t) => {
  const broken = defineProblem(403, 'toy-broken', 'The toy is broken');
  const toy = defineService({
    name: 'toy',
    description: 'Toys.',
    scopes: { 'toy:read': 'Read toys' },
    routes(scope) {
      const response = { 200: Type.Object({}, { description: 'A toy' }) };
      const schema = { operationId: 'readToy', summary: 'Read a toy', response };
      scope.get('/toys/', { schema: { ...schema, errors: [broken] } }, async () => ({}));
      scope.get('/parts/', { schema: { ...schema, operationId: 'readPart' } }, async () => ({}));
    },
  });
  const { send } = await createTestApp(t, { services: [toy] });
  const { paths }: Document = (await send('GET', '/toy/openapi.json')).body;
  const exampleOf = (path: string, status: string) =>
    paths[path]?.get?.responses[status]?.content['application/problem+json']?.example;
  expect(exampleOf('/toys/', '403')).toMatchObject({ type: broken.type, detail: broken.detail });
  expect(exampleOf('/toys/', '401')).toMatchObject({ type: 'urn:problem-type:credential-missing' });
  expect(exampleOf('/parts/', '403')).toMatchObject({ type: 'urn:problem-type:scope-missing' });
});

test('a missing file of the docs page gets 404 as a problem', async (t) => {
  const { send } = await createExampleApp(t);
  for (const path of ['/docs/static/none.js', '/pet/docs/static/theme/none.css', '/pet/docs/static/.git']) {
    const reply = await send('GET', path);
    expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(reply.body).toMatchObject({ status: 404, detail: `There is nothing at ${path}`, instance: path });
    expect(reply.status).toBe(404);
  }
});

/** Returns the position of a request: creations come first and deletions last, of nested items before their parents. */
function rank({ method, template }: { method: string; template: string }): number {
  if (method === 'DELETE') return 100 - template.split('{').length;
  return method === 'POST' && !template.includes('{') ? 0 : 1;
}

/** Fills the example of each parameter into a path. */
function fillIn(document: Document, template: string, { parameters = [] }: Operation): string {
  let path = template;
  const query = new URLSearchParams();
  for (const { name, in: location, required = false, schema, ...parameter } of parameters) {
    // An idempotency key has no example, because each request needs a different key.
    if (location === 'header') continue;
    // Swagger UI sends no optional parameter without an example or a default.
    if (name === 'types') continue;
    if (
      !required &&
      schema.items === undefined &&
      schema.default === undefined &&
      schema.examples === undefined
    )
      continue;
    const example = parameter.example ?? exampleOf(document, schema);
    if (location === 'path') path = path.replace(`{${name}}`, String(example));
    else for (const value of [example].flat()) query.append(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}

/** Returns the example of a schema as Swagger UI composes it. A schema without an example fails the test. */
function exampleOf(document: Document, schema: Schema | undefined): unknown {
  if (schema === undefined) return undefined;
  if (schema.$ref !== undefined) {
    return exampleOf(document, document.components.schemas[schema.$ref.split('/').at(-1) as string]);
  }
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.items !== undefined) return [exampleOf(document, schema.items)];
  if (schema.properties === undefined) expect.fail(`No example in ${JSON.stringify(schema)}`);
  const properties = Object.entries(schema.properties);
  return Object.fromEntries(properties.map(([name, property]) => [name, exampleOf(document, property)]));
}

function withoutVersions(document: unknown): unknown {
  const text = JSON.stringify(document, (key, value) =>
    key === 'info' ? { ...value, version: undefined } : value,
  );
  return JSON.parse(text);
}
