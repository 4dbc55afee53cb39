import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { nullable, ref } from '../../../src/framework/openapi/schema.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../support/app.ts';

const Named = Type.Integer({ $id: 'Named' });

const Query = Type.Object({
  count: Type.Optional(Type.Integer()),
  ratio: Type.Optional(Type.Number()),
  isTame: Type.Optional(Type.Boolean()),
  names: Type.Optional(Type.Array(Type.String())),
  ages: Type.Optional(Type.Array(Type.Integer())),
  range: Type.Optional(Type.Tuple([Type.Integer(), Type.String()])),
  text: Type.Optional(Type.String()),
  any: Type.Optional(Type.Unknown()),
  id: Type.Optional(ref(Named)),
  ids: Type.Optional(Type.Array(ref(Named))),
  limit: Type.Optional(Type.Union([Type.Integer(), Type.Literal('all')])),
});

const Body = Type.Object({
  count: Type.Optional(nullable(Type.Integer())),
  id: Type.Optional(ref(Named)),
  type: Type.Optional(Type.Integer({ exclusiveMaximum: 2 ** 60 })),
  ratio: Type.Optional(Type.Number()),
});

/** Responds with the values that it received after validation. */
const echo = defineService({
  name: 'echo',
  description: 'Echoes.',
  schemas: [Named],
  routes(scope) {
    const schema = { querystring: Query, response: { 200: Type.Unknown() } };
    scope.get('/query', { schema: { ...schema, hide: true } }, async (request) => request.query);
    scope.post(
      '/body',
      { schema: { ...schema, querystring: {}, body: Body, hide: true } },
      async ({ body }) => body,
    );
    scope.get(
      '/header',
      {
        schema: {
          hide: true,
          headers: Type.Object({ 'x-count': Type.Integer() }),
          response: { 200: Type.Unknown() },
        },
      },
      async (request) => ({ count: request.headers['x-count'] }),
    );
  },
});
test.for([
  ['count=7', { count: 7 }],
  ['count=-7&ratio=0.5', { count: -7, ratio: 0.5 }],
  ['ratio=-3', { ratio: -3 }],
  ['isTame=true', { isTame: true }],
  ['isTame=false', { isTame: false }],
  ['names=7', { names: ['7'] }],
  ['names=a&names=b', { names: ['a', 'b'] }],
  ['ages=1&ages=2', { ages: [1, 2] }],
  ['range=1&range=2', { range: [1, '2'] }],
  ['text=7', { text: '7' }],
  ['any=7', { any: '7' }],
  ['id=7', { id: 7 }],
  ['ids=7', { ids: [7] }],
  ['limit=7', { limit: 7 }],
  ['limit=all', { limit: 'all' }],
] as const)('%s is converted to the type of its schema', async ([query, expected], t) => {
  const { send } = await createTestApp(t, { services: [echo] });
  expect(await send('GET', `/echo/query?${query}`)).toMatchObject({ status: 200, body: expected });
});

test.for([
  'count=7.0',
  'count=-0',
  'count=+7',
  'count=7e0',
  'ratio=.5',
  'ratio=1e3',
  'ratio=Infinity',
  'isTame=1',
  'isTame=TRUE',
  'ages=1&ages=x',
  'count=1&count=2',
])('%s does not match the schema', async (query, t) => {
  const { send } = await createTestApp(t, { services: [echo] });
  const { status, body } = await send('GET', `/echo/query?${query}`);
  expect(status).toBe(422);
  expect(body.errors[0]).toMatchObject({ in: 'query', pointer: expect.stringMatching(/^\/\w+/) });
});

test('a header is converted like a query parameter, and errors name it as a header', async (t) => {
  const { send } = await createTestApp(t, { services: [echo] });
  expect((await send('GET', '/echo/header', undefined, { 'x-count': '7' })).body).toEqual({ count: 7 });
  expect((await send('GET', '/echo/header', undefined, { 'x-count': 'x' })).body.errors).toEqual([
    { in: 'header', pointer: '/x-count', detail: 'must be integer' },
  ]);
  expect((await send('GET', '/echo/header')).body.errors).toEqual([
    { in: 'header', pointer: '/x-count', detail: 'is missing' },
  ]);
});

test('a success that only `default` describes has no member that its schema does not have', async (t) => {
  const schema = { hide: true, response: { default: Type.Object({ id: Type.Integer() }) } };
  const box = defineService({
    name: 'box',
    description: 'Has a secret.',
    routes: (scope) =>
      void scope.get('/one', { schema: schema as never }, async () => ({ id: 1, hash: 'secret' }) as never),
  });
  const { send } = await createTestApp(t, { services: [box] });
  expect((await send('GET', '/box/one')).body).toEqual({ id: 1 });
});

test.for([
  ['{"count":9007199254740992}', '/count', 'must be <= 9007199254740991'],
  ['{"count":1e20}', '/count', 'must be <= 9007199254740991'],
  ['{"count":-9007199254740994}', '/count', 'must be >= -9007199254740991'],
  ['{"id":9007199254740994}', '/id', 'must be <= 9007199254740991'],
  ['{"type":-9007199254740992}', '/type', 'must be >= -9007199254740991'],
] as const)(
  'the integer in %s, which a number does not hold exactly, is 422',
  async ([body, pointer, detail], t) => {
    const { send } = await createTestApp(t, { services: [echo] });
    const response = await send('POST', '/echo/body', body);
    expect(response.status).toBe(422);
    expect(response.body.errors).toEqual([{ in: 'body', pointer, detail }]);
  },
);

test.for([
  { count: Number.MAX_SAFE_INTEGER },
  { count: Number.MIN_SAFE_INTEGER, id: 7 },
  { count: null, ratio: 1e20, type: 2 ** 59 },
])('the numbers in %j are accepted', async (body, t) => {
  const { send } = await createTestApp(t, { services: [echo] });
  expect(await send('POST', '/echo/body', body)).toMatchObject({ status: 200, body });
});

test('an integer in a query that a number does not hold exactly is 422', async (t) => {
  const { send } = await createTestApp(t, { services: [echo] });
  expect((await send('GET', '/echo/query?count=9007199254740993')).status).toBe(422);
});
