import { describe, expect, test } from 'vitest';
import { findBreaks } from '#common/compatibility.ts';
import type { OpenApiDocument } from '#common/contract.ts';
import { breaking, changed, harmless, use } from '../contract-changes.ts';

const right = changed(() => {});

describe('a change that breaks a caller is named, with its operation and its field:', () => {
  test.for(breaking)('$name', ({ change, field }) => {
    const breaks = findBreaks(right, changed(change), use);
    expect(breaks.map(({ operation, field }) => ({ operation, field }))).toEqual([
      { operation: 'GET /pet/pets/', field },
    ]);
    expect(breaks[0]?.reason).toMatch(/\w/);
  });
});

describe('a change that breaks nobody is silent:', () => {
  test.for(harmless)('$name', ({ change }) => {
    expect(findBreaks(right, changed(change), use)).toEqual([]);
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
    expect(findBreaks(right, live, post).map((one) => one.field)).toEqual([field]);
  });

  test('an input more that need not be sent is silent', () => {
    const live = body((schema) => {
      schema.properties.colour = { type: 'string' };
    });
    expect(findBreaks(right, live, post)).toEqual([]);
  });
});

describe('of documents made by hand', () => {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const document = (operation: object, components: object = {}) =>
    ({ openapi: '3.1.0', paths: { '/x': { post: operation } }, components }) as unknown as OpenApiDocument;
  const fields = (before: object, now: object) =>
    findBreaks(document(before), document(now), { method: 'post', path: '/x' }).map(({ field, reason }) => [
      field,
      reason,
    ]);
  const answer = (schema: object, status = 200) => ({ responses: { [status]: json(schema) } });

  test('a status that is gone breaks', () => {
    expect(fields(answer({}), answer({}, 201))).toEqual([['answer', 'the status 200 is gone']]);
  });

  test('an answer that is no longer JSON breaks', () => {
    const text = { responses: { 200: { content: { 'text/plain': {} } } } };
    expect(fields(answer({ type: 'object' }), text)).toEqual([['answer', 'it is gone']]);
  });

  test('a value that was not among the promised breaks; one that is gone does not', () => {
    const of = (...values: string[]) => answer({ type: 'object', properties: { mood: { enum: values } } });
    expect(fields(of('happy', 'sad'), of('happy'))).toEqual([]);
    expect(fields(of('happy'), of('happy', 'sad'))).toEqual([['answer.mood', 'it may be sad']]);
    expect(fields(of('happy'), answer({ type: 'object', properties: { mood: {} } }))).toEqual([
      ['answer.mood', 'it may be anything'],
    ]);
  });

  test('an integer where a number was promised is one; anything where a text was promised is none', () => {
    expect(fields(answer({ type: 'number' }), answer({ type: 'integer' }))).toEqual([]);
    expect(fields(answer({}), answer({ type: 'integer' }))).toEqual([]);
    expect(fields(answer({ type: 'string' }), answer({}))).toEqual([
      ['answer', 'its type is anything, no longer string'],
    ]);
  });

  test('a body that is newly required, or no longer taken, breaks', () => {
    const body = { requestBody: { required: true, ...json({ type: 'object' }) } };
    expect(fields({}, body)).toEqual([['body', 'it is newly required']]);
    expect(fields({}, { requestBody: json({}) })).toEqual([]);
    expect(fields(body, {})).toEqual([['body', 'it is no longer taken']]);
    expect(fields(body, { requestBody: { content: { 'text/plain': {} } } })).toEqual([
      ['body', 'it is no longer taken'],
    ]);
  });

  test('fewer items of a list that is sent break', () => {
    const list = (maxItems?: number) => ({
      requestBody: json({ type: 'array', items: { type: 'string' }, maxItems }),
    });
    expect(fields(list(10), list(20))).toEqual([]);
    expect(fields(list(), list(5))).toEqual([['body', 'at most 5 items are taken, no longer any number']]);
  });

  test('a parameter of the path that is newly there breaks', () => {
    const parameters = [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }];
    expect(fields({}, { parameters })).toEqual([['path.id', 'it is newly required']]);
    expect(fields({ parameters }, { parameters })).toEqual([]);
  });

  test('an operation that was never promised breaks nobody, and a reference to nothing is nothing', () => {
    expect(findBreaks(document({}), document({}), { method: 'get', path: '/y' })).toEqual([]);
    expect(fields(answer({ $ref: '#/components/schemas/Nope' }), answer({ type: 'string' }))).toEqual([]);
  });
});
