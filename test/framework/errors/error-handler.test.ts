import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { defineProblem } from '../../../src/framework/errors/define-problem.ts';
import { NotFound } from '../../../src/framework/errors/problem.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../support/app.ts';

Object.assign(internalLimits, { checkEveryMs: 50 });

const boxNotFound = defineProblem(404, 'box-not-found', 'Box not found');

const schema = { hide: true, response: { 200: Type.Object({}) } };

const box = defineService({
  name: 'box',
  description: 'Sets headers, and then fails.',
  routes(scope) {
    scope.get('/missing', { schema }, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=3600').header('content-encoding', 'gzip');
      throw new NotFound('Box not found');
    });
    scope.get('/secret', { schema }, async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      throw new NotFound('Box not found');
    });
    scope.get('/boxes/:id', { schema }, async () => {
      throw boxNotFound;
    });
    scope.get('/library', { schema }, async () => {
      throw Object.assign(new Error('no such object'), { statusCode: 404 });
    });
    scope.get('/name', { schema }, async (_request, reply) => {
      reply.header('x-name', 'Žofie');
      return {};
    });
    scope.get('/slow', { schema }, async (_request, reply) => {
      reply.header('x-name', 'Žofie');
      await sleep(1_000);
      return {};
    });
  },
});

test('a problem has no header of the success that the handler was preparing', async (t) => {
  const { send } = await createTestApp(t, { services: [box] });
  const { status, body, headers } = await send('GET', '/box/missing');
  expect([status, body.detail]).toEqual([404, 'Box not found']);
  expect([headers.get('cache-control'), headers.get('content-encoding')]).toEqual([null, null]);
  expect((await send('GET', '/box/secret')).headers.get('cache-control')).toBe('no-store');
});

test('a thrown definition of a problem, which is a function, is 500 and one line in the log', async (t) => {
  const { get, logs } = await createTestApp(t, { services: [box] });
  const { status, body } = await get('/box/boxes/1');
  expect([status, JSON.stringify(body).includes('box-not-found')]).toEqual([500, false]);
  const [entry] = logs.filter(({ level }) => level === 'error');
  expect(entry).toMatchObject({
    msg: 'request failed',
    err: {
      message:
        'box: GET /boxes/:id threw the definition of urn:problem-type:box-not-found: call it, as in throw petNotFound()',
    },
  });
  expect(JSON.stringify(entry)).not.toContain('=>');
});

test('an error of a library with a status from 400 to 499 has that status, and is in the log', async (t) => {
  const config = { log: { level: 'debug' } };
  const { get, logs } = await createTestApp(t, { services: [box], config });
  const { status, body } = await get('/box/library');
  expect([status, body.detail]).toEqual([404, 'Not Found']);
  expect(logs.filter(({ level }) => level === 'warn')).toMatchObject([
    { service: 'box', status: 404, reason: 'Error', msg: 'request could not be served' },
  ]);
  const [why] = logs.filter(({ msg }) => msg === 'why the request could not be served');
  expect(why).toMatchObject({ err: { message: 'no such object' } });
});

test.for([
  ['/box/name', 500],
  ['/box/slow', 504],
] as const)('a header that cannot be sent is a problem: %s', async ([path, expected], t) => {
  const { send } = await createTestApp(t, {
    services: [box],
    config: { limits: { time: { handler: 200 } } },
  });
  const { status, body, headers } = await send('GET', path);
  expect({ status, body }).toMatchObject({ status: expected, body: { status: expected, instance: path } });
  expect(headers.get('x-request-id')).not.toBeNull();
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(JSON.stringify(body)).not.toContain('x-name');
});
