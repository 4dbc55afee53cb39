import { describe, expect, test } from 'vitest';
import { findBreakingChanges } from '../../../src/framework/openapi/compatibility.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { breaking, changed, harmless, use } from '../../support/contract-changes.ts';

const promised = changed(() => {});

describe('a breaking change is reported with its operation and field', () => {
  test.for(breaking)('$name', ({ change, field }) => {
    const breaks = findBreakingChanges(promised, changed(change), use);
    expect(breaks.map(({ operation, field }) => ({ operation, field }))).toEqual([
      { operation: 'GET /pet/pets/', field },
    ]);
    expect(breaks[0]?.reason).toMatch(/\w/);
  });
});

describe('a compatible change is not reported', () => {
  test.for(harmless)('$name', ({ change }) => {
    expect(findBreakingChanges(promised, changed(change), use)).toEqual([]);
  });
});

test.for([
  { as: 'service', security: [{ bearer: ['pet:read'] }], isBroken: true },
  { as: 'service', security: [{ service: ['shop'] }], isBroken: true },
  { as: 'service', security: [{ service: ['user'] }], isBroken: false },
  { as: 'service', security: [], isBroken: false },
  { as: 'caller', security: [{ service: [] }], isBroken: true },
  { as: 'caller', security: [{ bearer: [], service: ['shop'] }], isBroken: true },
  { as: 'caller', security: [{ bearer: ['pet:read'] }], isBroken: false },
] as const)(
  'an operation that no longer accepts the calls of a service is reported: %o',
  ({ as, security, isBroken }) => {
    const live = changed(({ paths }) => Object.assign(paths['/pet/pets/']?.get as object, { security }));
    const breaks = findBreakingChanges(promised, live, { ...use, by: { service: 'user', as } });
    expect(breaks.map(({ field }) => field)).toEqual(isBroken ? ['security'] : []);
  },
);

describe('an operation with a body', () => {
  const post = { method: 'post', path: '/pet/pets/' };
  type Body = { properties: Record<string, unknown>; required: string[] };
  const body = (change: (schema: Body) => void) =>
    changed(({ components }) => change(components.schemas['pet.PetCreate'] as unknown as Body));

  test.for([
    {
      name: 'a field that is newly required',
      field: 'body.age',
      change: (schema: Body) => schema.required.push('age'),
    },
    {
      name: 'a field that is no longer accepted',
      field: 'body.mood',
      change: (schema: Body) => delete schema.properties.mood,
    },
    {
      name: 'a field that no longer accepts null',
      field: 'body.age',
      change: (schema: Body) => {
        schema.properties.age = { type: 'integer' };
      },
    },
  ])('has a breaking change: $name', ({ change, field }) => {
    const live = body((schema) => void change(schema));
    expect(findBreakingChanges(promised, live, post).map((one) => one.field)).toEqual([field]);
  });

  test('may get a new optional field', () => {
    const live = body((schema) => {
      schema.properties.colour = { type: 'string' };
    });
    expect(findBreakingChanges(promised, live, post)).toEqual([]);
  });
});

describe('documents with a single operation', () => {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const document = (operation: object, components: object = {}) =>
    ({ openapi: '3.1.0', paths: { '/x': { post: operation } }, components }) as unknown as OpenApiDocument;
  const fields = (before: object, now: object) =>
    findBreakingChanges(document(before), document(now), { method: 'post', path: '/x' }).map(
      ({ field, reason }) => [field, reason],
    );
  const response = (schema: object, status = 200) => ({ responses: { [status]: json(schema) } });

  test('a removed status and a new success are breaking changes', () => {
    expect(fields(response({}), response({}, 201))).toEqual([
      ['response', 'the status 201 is new'],
      ['response', 'the status 200 is gone'],
    ]);
    expect(fields(response({}), { responses: { ...response({}).responses, 404: json({}) } })).toEqual([]);
  });

  test('a response that is no longer JSON is a breaking change', () => {
    const text = { responses: { 200: { content: { 'text/plain': {} } } } };
    expect(fields(response({ type: 'object' }), text)).toEqual([['response', 'is no longer JSON']]);
  });

  test('a new value of a response is a breaking change; a removed value is not', () => {
    const of = (...values: string[]) => response({ type: 'object', properties: { mood: { enum: values } } });
    expect(fields(of('happy', 'sad'), of('happy'))).toEqual([]);
    expect(fields(of('happy'), of('happy', 'sad'))).toEqual([['response.mood', 'may now be "sad"']]);
    expect(fields(of('happy'), response({ type: 'object', properties: { mood: {} } }))).toEqual([
      ['response.mood', 'may now be a value of any type'],
    ]);
  });

  test('an integer is a number; a value of any type may be no string', () => {
    expect(fields(response({ type: 'number' }), response({ type: 'integer' }))).toEqual([]);
    expect(fields(response({}), response({ type: 'integer' }))).toEqual([]);
    expect(fields(response({ type: 'string' }), response({}))).toEqual([
      ['response', 'may now be a value of any type'],
    ]);
  });

  test('a body that is newly required or no longer accepted is a breaking change', () => {
    const body = { requestBody: { required: true, ...json({ type: 'object' }) } };
    const optional = { requestBody: json({ type: 'object' }) };
    expect(fields({}, body)).toEqual([['body', 'is newly required']]);
    expect(fields(optional, body)).toEqual([['body', 'is newly required']]);
    expect(fields(body, optional)).toEqual([]);
    expect(fields({}, { requestBody: json({}) })).toEqual([]);
    expect(fields(body, {})).toEqual([['body', 'is no longer accepted']]);
    expect(fields(body, { requestBody: { content: { 'text/plain': {} } } })).toEqual([
      ['body', 'is no longer accepted as JSON'],
    ]);
  });

  test('a lower maximum of items in an input is a breaking change', () => {
    const list = (maxItems?: number) => ({
      requestBody: json({ type: 'array', items: { type: 'string' }, maxItems }),
    });
    expect(fields(list(10), list(20))).toEqual([]);
    expect(fields(list(), list(5))).toEqual([['body', 'now has maxItems 5']]);
    expect(fields(list(10), list(5))).toEqual([['body', 'maxItems was 10 and is now 5']]);
  });

  test('a new path parameter is a breaking change, also if the path declares it for all operations', () => {
    const parameters = [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }];
    expect(fields({}, { parameters })).toEqual([['path.id', 'is newly required']]);
    expect(fields({ parameters }, { parameters })).toEqual([]);
    const shared = {
      ...document({}),
      paths: { '/x': { parameters, post: {} } },
    } as unknown as OpenApiDocument;
    const use = { method: 'post', path: '/x' };
    expect(findBreakingChanges(document({}), shared, use).map(({ field }) => field)).toEqual(['path.id']);
    expect(findBreakingChanges(document({ parameters }), shared, use)).toEqual([]);
  });

  test('another serialization of a parameter is a breaking change', () => {
    const ids = (more: object) => ({
      parameters: [{ name: 'ids', in: 'query', schema: { type: 'array' }, ...more }],
    });
    expect(fields(ids({}), ids({ style: 'form', explode: true }))).toEqual([]);
    expect(fields(ids({}), ids({ explode: false }))).toEqual([['query.ids', 'is serialized in another way']]);
  });

  test('an operation outside the promised contract has no breaking change', () => {
    expect(findBreakingChanges(document({}), document({}), { method: 'get', path: '/y' })).toEqual([]);
  });

  test('a reference without a target or to itself cannot be compared', () => {
    const to = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    expect(fields(response(to('Nope')), response({ type: 'string' }))).toEqual([
      ['response', 'cannot be compared: the reference #/components/schemas/Nope has no target'],
    ]);
    const looped = document(response(to('Loop')), { schemas: { Loop: to('Loop') } });
    expect(
      findBreakingChanges(looped, looped, { method: 'post', path: '/x' }).map(({ reason }) => reason),
    ).toEqual(['cannot be compared: the reference #/components/schemas/Loop refers to itself']);
  });
});
