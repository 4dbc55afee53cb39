import { describe, expect, test } from 'vitest';
import { findBreakingChanges } from '../../../src/framework/openapi/compatibility.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { breaking, changed, harmless, use } from '../../support/contract-changes.ts';

const right = changed(() => {});

describe('a change that breaks a caller is named, with its operation and its field:', () => {
  test.for(breaking)('$name', ({ change, field }) => {
    const breaks = findBreakingChanges(right, changed(change), use);
    expect(breaks.map(({ operation, field }) => ({ operation, field }))).toEqual([
      { operation: 'GET /pet/pets/', field },
    ]);
    expect(breaks[0]?.reason).toMatch(/\w/);
  });
});

describe('a compatible change of an operation is not reported:', () => {
  test.for(harmless)('$name', ({ change }) => {
    expect(findBreakingChanges(right, changed(change), use)).toEqual([]);
  });
});

describe('of an operation with a body', () => {
  const post = { method: 'post', path: '/pet/pets/' };
  type Body = { properties: Record<string, unknown>; required: string[] };
  const body = (change: (schema: Body) => void) =>
    changed(({ components }) => change(components.schemas['pet.PetCreate'] as unknown as Body));

  test.for([
    {
      name: 'an input that is newly required',
      field: 'body.age',
      change: (schema: Body) => schema.required.push('age'),
    },
    {
      name: 'an input that is no longer taken',
      field: 'body.mood',
      change: (schema: Body) => delete schema.properties.mood,
    },
    {
      name: 'an input that no longer takes null',
      field: 'body.age',
      change: (schema: Body) => {
        schema.properties.age = { type: 'integer' };
      },
    },
  ])('$name breaks', ({ change, field }) => {
    const live = body((schema) => void change(schema));
    expect(findBreakingChanges(right, live, post).map((one) => one.field)).toEqual([field]);
  });

  test('an input more that need not be sent is silent', () => {
    const live = body((schema) => {
      schema.properties.colour = { type: 'string' };
    });
    expect(findBreakingChanges(right, live, post)).toEqual([]);
  });
});

describe('of documents made by hand', () => {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const document = (operation: object, components: object = {}) =>
    ({ openapi: '3.1.0', paths: { '/x': { post: operation } }, components }) as unknown as OpenApiDocument;
  const fields = (before: object, now: object) =>
    findBreakingChanges(document(before), document(now), { method: 'post', path: '/x' }).map(
      ({ field, reason }) => [field, reason],
    );
  const response = (schema: object, status = 200) => ({ responses: { [status]: json(schema) } });

  test('a status that is gone breaks, and so does a success that is new', () => {
    expect(fields(response({}), response({}, 201))).toEqual([
      ['response', 'the status 201 is new'],
      ['response', 'the status 200 is gone'],
    ]);
    expect(fields(response({}), { responses: { ...response({}).responses, 404: json({}) } })).toEqual([]);
  });

  test('a response that is no longer JSON breaks', () => {
    const text = { responses: { 200: { content: { 'text/plain': {} } } } };
    expect(fields(response({ type: 'object' }), text)).toEqual([['response', 'is no longer JSON']]);
  });

  test('a value that was not among the promised breaks; one that is gone does not', () => {
    const of = (...values: string[]) => response({ type: 'object', properties: { mood: { enum: values } } });
    expect(fields(of('happy', 'sad'), of('happy'))).toEqual([]);
    expect(fields(of('happy'), of('happy', 'sad'))).toEqual([['response.mood', 'may now be "sad"']]);
    expect(fields(of('happy'), response({ type: 'object', properties: { mood: {} } }))).toEqual([
      ['response.mood', 'may now be a value of any type'],
    ]);
  });

  test('an integer is a number; a value of any type is no string', () => {
    expect(fields(response({ type: 'number' }), response({ type: 'integer' }))).toEqual([]);
    expect(fields(response({}), response({ type: 'integer' }))).toEqual([]);
    expect(fields(response({ type: 'string' }), response({}))).toEqual([
      ['response', 'may now be a value of any type'],
    ]);
  });

  test('a body that is newly required, or no longer accepted, breaks', () => {
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

  test('fewer items of a list that is sent break', () => {
    const list = (maxItems?: number) => ({
      requestBody: json({ type: 'array', items: { type: 'string' }, maxItems }),
    });
    expect(fields(list(10), list(20))).toEqual([]);
    expect(fields(list(), list(5))).toEqual([['body', 'now has maxItems 5']]);
    expect(fields(list(10), list(5))).toEqual([['body', 'maxItems was 10 and is now 5']]);
  });

  test('a new parameter of the path breaks, also one that the path declares for all of its operations', () => {
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

  test('a parameter that is written in another way breaks', () => {
    const ids = (more: object) => ({
      parameters: [{ name: 'ids', in: 'query', schema: { type: 'array' }, ...more }],
    });
    expect(fields(ids({}), ids({ style: 'form', explode: true }))).toEqual([]);
    expect(fields(ids({}), ids({ explode: false }))).toEqual([['query.ids', 'is serialized in another way']]);
  });

  test('an operation that was never promised breaks nobody', () => {
    expect(findBreakingChanges(document({}), document({}), { method: 'get', path: '/y' })).toEqual([]);
  });

  test('a reference that leads nowhere, or to itself, cannot be compared', () => {
    const to = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    expect(fields(response(to('Nope')), response({ type: 'string' }))).toEqual([
      ['response', 'cannot be compared: the reference #/components/schemas/Nope leads nowhere'],
    ]);
    const looped = document(response(to('Loop')), { schemas: { Loop: to('Loop') } });
    expect(
      findBreakingChanges(looped, looped, { method: 'post', path: '/x' }).map(({ reason }) => reason),
    ).toEqual(['cannot be compared: the reference #/components/schemas/Loop leads to itself']);
  });
});
