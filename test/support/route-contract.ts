import { beforeAll, expect } from 'vitest';
import type { TestLifetime } from '../../src/framework/testing/test-app.ts';
import { createExampleApp, type TestApp, type TestResponse } from './app.ts';

/** Checks that the routes of the example services have in common: inputs that they reject, and their problems. */
export type Send = TestApp['send'];

export const formType = 'application/x-www-form-urlencoded';

/** Values of a URL that are not plain decimal integers. */
const malformedIntegers = [
  '007',
  '+1',
  '%2B1',
  '1e3',
  '0x10',
  '%207',
  '1.0',
  '1,2',
  'one',
  '9007199254740992',
];
/** Values of a URL that are not ids. */
export const malformedIds = ['0', '-1', ...malformedIntegers];
export const malformedLimits = ['0', '101', '-1', '', '1&limit=2', ...malformedIntegers];
export const malformedOffsets = ['-1', '', '-0', '1&offset=2', ...malformedIntegers];

/** Texts that a service stores unchanged. */
export const unusualTexts: [description: string, text: string][] = [
  ['one character', 'x'],
  ['200 characters', 'x'.repeat(200)],
  ['200 characters of two UTF-16 units each', '🐶'.repeat(200)],
  ['only spaces', '   '],
  ['SQL', `Robert'); DROP TABLE pet; DROP TABLE user; --`],
  ['quotes and line ends', '"\\\'\n\r\t\u2028'],
];

/** Values that a text field rejects. */
export const invalidTexts: [description: string, value: unknown][] = [
  ['empty', ''],
  ['null', null],
  ['201 characters long', 'x'.repeat(201)],
  ['201 characters of two UTF-16 units each', '🐶'.repeat(201)],
  ['a number', 7],
  ['true', true],
  ['a list', ['Rex']],
];

/** Lists the bodies that a route rejects although it accepts `valid`, with the status of the response. */
export function invalidBodies(
  valid: Record<string, string>,
): [description: string, body: string, status: number, contentType: string][] {
  const json = JSON.stringify(valid);
  const open = json.slice(0, -1);
  const jsonType = 'application/json';
  return [
    ['a list', '[]', 422, jsonType],
    ['a text', '"Rex"', 422, jsonType],
    ['a number', '7', 422, jsonType],
    ['null', 'null', 422, jsonType],
    ['an empty body', '', 422, jsonType],
    ['incomplete JSON', open, 400, jsonType],
    ['JSON with a trailing comma', `${open},}`, 400, jsonType],
    ['a body that is not JSON', 'name=Rex', 400, jsonType],
    ['a form', `${new URLSearchParams(valid)}`, 415, formType],
    ['plain text', json, 415, 'text/plain'],
    ['a body that is too large', JSON.stringify({ ...valid, more: 'x'.repeat(200_000) }), 413, jsonType],
  ];
}

/** Returns the integers from 1 to `count`. */
export const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Returns the ids of pets or users. */
export const idsOf = (items: readonly { id: number }[]) => items.map(({ id }) => id);

/**
 * Starts what the tests of a `describe` block share, and stops it after the last of them. The object has its properties
 * when the first test runs.
 */
export function shareStarted<T extends object>(start: (t: TestLifetime) => Promise<T>): T {
  const shared = {} as T;
  beforeAll(async () => {
    const stops: Parameters<TestLifetime['onTestFinished']>[0][] = [];
    Object.assign(shared, await start({ onTestFinished: (stop) => void stops.push(stop) }));
    return async () => {
      for (const stop of stops) await stop();
    };
  });
  return shared;
}

/** Starts an app that the tests of a `describe` block share, because a new app for each row of a table takes time. */
export function shareApp(prepare?: (send: Send) => Promise<unknown>): TestApp {
  return shareStarted(async (t) => {
    const app = await createExampleApp(t);
    await prepare?.(app.send);
    return app;
  });
}

/** Returns the methods of the `allow` header in order, without HEAD and OPTIONS. */
export function readAllowedMethods({ headers }: TestResponse): string[] {
  const methods = (headers.get('allow') ?? '').split(', ');
  return methods.filter((method) => method !== 'HEAD' && method !== 'OPTIONS').toSorted();
}

export interface ProblemChecks {
  /** Expects a problem (RFC 9457) of the service with this status. */
  expectProblem(response: TestResponse, status: number, detail?: string): void;
  /** Expects a 422 that names exactly these wrong values. */
  expectViolations(response: TestResponse, location: 'body' | 'path' | 'query', ...pointers: string[]): void;
}

/** Creates checks for the problems of one service: their `instance` is a path of this service, not of its peer. */
export function createProblemChecks(service: string): ProblemChecks {
  const expectProblem: ProblemChecks['expectProblem'] = ({ status, headers, body }, expected, detail) => {
    expect({ status, body }).toMatchObject({
      status: expected,
      body: {
        type: expect.any(String),
        title: expect.any(String),
        status: expected,
        detail: detail ?? expect.any(String),
        instance: expect.stringMatching(new RegExp(`^/${service}/`)),
      },
    });
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  };
  return {
    expectProblem,
    expectViolations(response, location, ...pointers) {
      expectProblem(response, 422);
      const errors = response.body.errors as { in: string; pointer: string }[];
      const found = errors.map((error) => [error.in, error.pointer]);
      expect(found.toSorted()).toEqual(pointers.map((pointer) => [location, pointer]).toSorted());
    },
  };
}
