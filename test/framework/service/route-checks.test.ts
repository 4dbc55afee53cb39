import { Readable } from 'node:stream';
import { type TObject, Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import { expect, test } from 'vitest';
import type { PeerName } from '../../../src/framework/calls/peers.ts';
import { DefinitionError } from '../../../src/framework/errors/definition-error.ts';
import { ref } from '../../../src/framework/openapi/schema.ts';
import {
  defineService,
  type Service,
  type ServiceScope,
} from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../support/app.ts';

const response = { 200: Type.Object({ ok: Type.Boolean() }) };
const Toy = Type.Object({ name: Type.String() }, { $id: 'Toy' });
const ToyQuery = Type.Object(
  { filter: Type.Optional(Type.Object({ name: Type.String() })) },
  { $id: 'ToyQuery' },
);
const Colour = Type.Union([Type.Literal('red'), Type.Literal('blue')], { $id: 'Colour' });

function makeToy(
  routes: (app: ServiceScope) => void,
  schemas: Service['schemas'] = [],
): Service<TObject, PeerName> {
  return defineService({ name: 'toy', description: 'Toys', schemas, routes });
}

const withUndeclaredPeer = defineService({
  name: 'toy',
  description: 'Toys',
  routes(_app, { peers }) {
    // @ts-expect-error The compiler finds the mistake too.
    peers.pet;
  },
});

const mistakes: Record<string, readonly [string, Service]> = {
  'a path without a slash': [
    'toy: GET toys has a path that does not begin with "/": write "/toys"',
    makeToy(
      (app) =>
        void app.get('toys', { schema: { operationId: 'listToys', response } }, async () => ({ ok: true })),
    ),
  ],
  'no operationId': [
    "toy: GET /toys/ has no operationId: add one to its schema, for example operationId: 'readToys'",
    makeToy((app) => void app.get('/toys/', { schema: { response } }, async () => ({ ok: true }))),
  ],
  'no schema': [
    "toy: GET /toys/ has no operationId: add one to its schema, for example operationId: 'readToys'",
    makeToy((app) => void app.get('/toys/', async () => ({ ok: true }))),
  ],
  'no response schema': [
    'toy: GET /toys/ has no schema for its success: add response: { 200: … } to its schema',
    makeToy(
      (app) => void app.get('/toys/', { schema: { operationId: 'listToys' } }, async () => ({ ok: true })),
    ),
  ],
  'an unbounded string in a body': [
    'toy: POST /toys/ takes the string /tags/0/name without a limit: add maxLength to its schema',
    makeToy(
      (app) =>
        void app.post(
          '/toys/',
          {
            schema: {
              operationId: 'createToy',
              body: Type.Object({ name: Type.String({ maxLength: 9 }), tags: Type.Array(ref(Toy)) }),
              response,
            },
          },
          async () => ({ ok: true }),
        ),
      [Toy],
    ),
  ],
  'a schema that is not listed': [
    'toy: GET /toys/ refers to the schema Toy, which the service does not list: add it to schemas',
    makeToy(
      (app) =>
        void app.get(
          '/toys/',
          { schema: { operationId: 'listToys', response: { 200: ref(Toy) } } },
          async () => ({
            name: 'ball',
          }),
        ),
    ),
  ],
  'two equal routes': [
    'toy: GET /toys/:toy_id/ is the same route as GET /toys/:id: change one of them',
    makeToy((app) => {
      app.get('/toys/:id', { schema: { operationId: 'readToy', response } }, async () => ({ ok: true }));
      app.get('/toys/:toy_id/', { schema: { operationId: 'findToy', response } }, async () => ({ ok: true }));
    }),
  ],
  'two routes with one operationId': [
    'toy: GET /others/ has the operationId listToys of GET /toys/: change one of them',
    makeToy((app) => {
      app.get('/toys/', { schema: { operationId: 'listToys', response } }, async () => ({ ok: true }));
      app.get('/others/', { schema: { operationId: 'listToys', response } }, async () => ({ ok: true }));
    }),
  ],
  'a path that every service has': [
    'toy: GET /health is a path that every service has: choose another one',
    makeToy(
      (app) =>
        void app.get('/health', { schema: { operationId: 'checkHealth', response } }, async () => ({
          ok: true,
        })),
    ),
  ],
  'a reference to nothing': [
    "toy: GET /toys/ has a schema of its body or parameters that is not valid: can't resolve reference Toy#/properties/nam from id #",
    makeToy(
      (app) => {
        const querystring = Type.Object({ name: Type.Unsafe({ $ref: 'Toy#/properties/nam' }) });
        const schema = { operationId: 'listToys', querystring, response };
        app.get('/toys/', { schema }, async () => ({ ok: true }));
      },
      [Toy],
    ),
  ],
  'a type that does not exist': [
    'toy: POST /toys/ has a schema of its body or parameters that is not valid: type must be JSONType or JSONType[]: strin',
    makeToy((app) => {
      const body = Type.Object({ name: Type.Unsafe({ type: 'strin' }) });
      const schema = { operationId: 'createToy', body, response };
      app.post('/toys/', { schema }, async () => ({ ok: true }));
    }),
  ],
  'several methods with one operationId': [
    'toy: PUT,PATCH /toys/ has the operationId saveToys for several methods: write a route for each method',
    makeToy((app) => {
      const schema = { operationId: 'saveToys', response };
      app.route({ method: ['PUT', 'PATCH'], url: '/toys/', schema, handler: async () => ({ ok: true }) });
    }),
  ],
  'an optional parameter': [
    'toy: GET /toys/:id? has an optional parameter, which OpenAPI does not have: write several routes, or add hide: true to its schema',
    makeToy((app) => {
      app.get('/toys/:id?', { schema: { operationId: 'readToy', response } }, async () => ({ ok: true }));
    }),
  ],
  'a wildcard': [
    'toy: GET /files/* has a wildcard, which OpenAPI does not have: write several routes, or add hide: true to its schema',
    makeToy((app) => {
      app.get('/files/*', { schema: { operationId: 'readFile', response } }, async () => ({ ok: true }));
    }),
  ],
  'a parameter that the path does not have': [
    'toy: GET /toys/:id has the parameter toy_id in its params, but not in its path: correct one of them',
    makeToy((app) => {
      const params = Type.Object({ toy_id: Type.Integer() });
      const schema = { operationId: 'readToy', params, response };
      app.get('/toys/:id', { schema }, async () => ({ ok: true }));
    }),
  ],
  'an object in a query': [
    'toy: GET /toys/ has the object filter in its querystring, which a URL cannot contain: write its members there',
    makeToy(
      (app) => {
        const schema = { operationId: 'listToys', querystring: ref(ToyQuery), response };
        app.get('/toys/', { schema }, async () => ({ ok: true }));
      },
      [ToyQuery],
    ),
  ],
  'a text as the response': [
    "toy: GET /colour has a text as its response 200, which is not sent as JSON: put it in an object, or add produces: ['text/plain']",
    makeToy(
      (app) => {
        const schema = { operationId: 'readColour', response: { 200: ref(Colour) } };
        app.get('/colour', { schema }, async () => 'red' as const);
      },
      [Colour],
    ),
  ],
  'a schema that is listed twice': [
    'toy: two of its schemas have the $id Toy: remove or rename one',
    makeToy(() => {}, [Toy, Toy]),
  ],
  'an undeclared peer': [
    'toy: it uses the undeclared peer pet: add it to peers',
    withUndeclaredPeer as Service,
  ],
};

for (const [mistake, [message, service]] of Object.entries(mistakes)) {
  test(`an error names service, route and fix: ${mistake}`, async (t) => {
    const failure = await createTestApp(t, { services: [service] }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DefinitionError);
    expect((failure as Error).message).toBe(message);
  });
}

test('a success without a schema gets 500, and is logged once', async (t) => {
  const service = makeToy((app) => {
    app.post('/toys/', { schema: { operationId: 'createToy', response } }, async (_request, reply) => {
      (reply as { code(status: number): unknown }).code(201);
      return { ok: true, secret: 'not for clients' };
    });
  });
  const { send, logs } = await createTestApp(t, { services: [service] });
  const { status, body } = await send('POST', '/toy/toys/');
  expect(status).toBe(500);
  expect(JSON.stringify(body)).not.toContain('secret');
  expect(logs.filter(({ level }) => level === 'error')).toMatchObject([
    {
      service: 'toy',
      err: {
        message:
          'toy: POST /toys/ responds with 201, which its schema does not have: add 201 to its response',
      },
    },
  ]);
});

test('a success without a schema gets 500 also if it has no JSON: 204, a redirect, a text, a stream', async (t) => {
  const service = makeToy((app) => {
    const add = (path: string, respond: (reply: FastifyReply) => unknown) =>
      app.get(`/${path}`, { schema: { operationId: path, response } }, async (_request, reply) => {
        respond(reply as unknown as FastifyReply);
        return reply;
      });
    add('empty', (reply) => reply.code(204).send());
    add('redirect', (reply) => reply.redirect('/elsewhere'));
    add('unchanged', (reply) => reply.code(304).send());
    add('text', (reply) => reply.code(201).type('text/plain').send('ok'));
    add('stream', (reply) => reply.code(202).send(Readable.from(['a'])));
    const schema = { operationId: 'declared', response: { 200: Type.Null(), 302: Type.Null() } };
    app.get('/declared', { schema }, async (_request, reply) => reply.redirect('/elsewhere'));
  });
  const { get, logs } = await createTestApp(t, { services: [service] });
  const paths = ['empty', 'redirect', 'unchanged', 'text', 'stream'];
  for (const path of paths) {
    const { status, headers } = await get(`/toy/${path}`);
    expect([path, status, headers.get('location')]).toEqual([path, 500, null]);
  }
  const messages = logs.filter(({ level }) => level === 'error').map(({ err }) => (err as Error).message);
  expect(messages).toEqual(
    [204, 302, 304, 201, 202].map(
      (status, index) =>
        `toy: GET /${paths[index]} responds with ${status}, which its schema does not have: add ${status} to its response`,
    ),
  );
  expect((await get('/toy/declared')).status).toBe(302);
});

test('hidden routes are valid without operationId and response', async (t) => {
  const service = makeToy(
    (app) => void app.get('/toys/*', { schema: { hide: true } }, async () => ({ a: 1 })),
  );
  const { send } = await createTestApp(t, { services: [service] });
  expect((await send('GET', '/toy/toys/a/b')).body).toEqual({ a: 1 });
});

test('a document has only the headers that its responses use', async (t) => {
  const schema = { operationId: 'listToys', response };
  const service = makeToy((app) => void app.get('/toys/', { schema }, async () => ({ ok: true })));
  const { get } = await createTestApp(t, { services: [service] });
  const { components } = (await get('/toy/openapi.json')).body;
  expect(Object.keys(components.headers)).toEqual(['x-request-id', 'retry-after', 'allow']);
});

for (const value of [undefined, null]) {
  test(`a handler that returns ${value} gets 500, and is logged once`, async (t) => {
    const service = makeToy(
      (app) => {
        const one = { operationId: 'readToy', response: { 200: ref(Toy) } };
        app.get('/toys/1', { schema: one }, async () => value as never);
        const list = { operationId: 'listToys', response: { 200: Type.Array(ref(Toy)) } };
        app.get('/toys/', { schema: list }, async () => value as never);
      },
      [Toy],
    );
    const { get, logs } = await createTestApp(t, { services: [service] });
    expect([(await get('/toy/toys/1')).status, (await get('/toy/toys/')).status]).toEqual([500, 500]);
    expect(logs.filter(({ level }) => level === 'error').map(({ err }) => (err as Error).message)).toEqual([
      `toy: GET /toys/1 returned ${value}: return the body of its response`,
      `toy: GET /toys/ returned ${value}: return the body of its response`,
    ]);
  });
}

test('a handler that returns a text instead of an object gets 500, and is logged once', async (t) => {
  const service = makeToy((app) => {
    app.get('/async', { schema: { operationId: 'readAsync', response } }, async () => '{"ok":true}' as never);
    app.get('/sync', { schema: { operationId: 'readSync', response } }, () => '{"ok":true}' as never);
    const sent = { operationId: 'readSent', response };
    app.get('/sent', { schema: sent }, async (_request, reply) => {
      reply.type('application/json; charset=utf-8');
      return '{"ok":true}' as never;
    });
  });
  const { get, logs } = await createTestApp(t, { services: [service] });
  expect([(await get('/toy/async')).status, (await get('/toy/sync')).status]).toEqual([500, 500]);
  expect(logs.filter(({ level }) => level === 'error').map(({ err }) => (err as Error).message)).toEqual([
    'toy: GET /async returned a text: return the value of its response, which is sent as JSON',
    'toy: GET /sync returned a text: return the value of its response, which is sent as JSON',
  ]);
  expect(await get('/toy/sent')).toMatchObject({ status: 200, body: { ok: true } });
});

test('a handler may send the response itself, or return undefined if the response has no body', async (t) => {
  const service = makeToy((app) => {
    const sent = { operationId: 'sendToy', response };
    app.get('/sent', { schema: sent }, async (_request, reply) => {
      reply.send({ ok: true });
    });
    app.get('/later', { schema: { ...sent, operationId: 'sendLater' } }, (_request, reply) => {
      setImmediate(() => reply.send({ ok: true }));
    });
    const empty = { operationId: 'deleteToy', response: { 204: Type.Null() } };
    app.delete('/toys/1', { schema: empty }, async (_request, reply) => {
      reply.code(204);
    });
  });
  const { get, send } = await createTestApp(t, { services: [service] });
  expect((await get('/toy/sent')).body).toEqual({ ok: true });
  expect((await get('/toy/later')).body).toEqual({ ok: true });
  expect((await send('DELETE', '/toy/toys/1')).status).toBe(204);
});

test('a response that does not match its schema is logged with its route', async (t) => {
  const schema = { operationId: 'readToy', response: { 200: ref(Toy) } };
  const service = makeToy((app) => void app.get('/toys/1', { schema }, async () => ({}) as never), [Toy]);
  const { get, logs } = await createTestApp(t, { services: [service] });
  expect((await get('/toy/toys/1')).status).toBe(500);
  expect(logs.find(({ level }) => level === 'error')?.err).toMatchObject({
    message: 'the response of GET /toy/toys/1 does not match its schema: "name" is required!',
  });
});

test('a text with a media type is sent and documented with it', async (t) => {
  const csv = { operationId: 'readCsv', produces: ['text/csv'], response: { 200: Type.String() } };
  const service = makeToy((app) => {
    app.get('/csv', { schema: csv }, async (_request, reply) => reply.type('text/csv').send('a,b'));
  });
  const { get } = await createTestApp(t, { services: [service] });
  expect((await get('/toy/csv')).body).toBe('a,b');
  const { paths } = (await get('/toy/openapi.json')).body;
  expect(Object.keys(paths['/csv'].get.responses[200].content)).toEqual(['text/csv']);
});

test('parameters may be a reference to a schema with references', async (t) => {
  const Query = Type.Object({ colours: Type.Array(ref(Colour)), age: Type.Integer() }, { $id: 'Query' });
  const More = Type.Object({ more: ref(Colour) }, { $id: 'More' });
  const service = makeToy(
    (app) => {
      const { querystring, headers } = {
        querystring: Type.Intersect([ref(Query), ref(More)]),
        headers: ref(More),
      };
      const schema = { operationId: 'listToys', querystring, headers, response: { 200: Type.Unknown() } };
      app.get('/toys/', { schema }, async ({ query }) => query);
    },
    [Query, More, Colour],
  );
  const { get } = await createTestApp(t, { services: [service] });
  const { status, body } = await get('/toy/toys/?colours=red&age=1&more=blue', { more: 'red' });
  expect([status, body]).toEqual([200, { colours: ['red'], age: 1, more: 'blue' }]);
  const { parameters } = (await get('/toy/openapi.json')).body.paths['/toys/'].get;
  const colour = { $ref: '#/components/schemas/Colour' };
  expect(parameters).toEqual([
    { in: 'query', name: 'colours', required: true, schema: { type: 'array', items: colour } },
    { in: 'query', name: 'age', required: true, schema: { type: 'integer' } },
    { in: 'query', name: 'more', required: true, schema: colour },
    { in: 'header', name: 'more', required: true, schema: colour },
  ]);
});
