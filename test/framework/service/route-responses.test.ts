import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import { expect, test } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../support/app.ts';

test('a stream that an error replaces is closed, and its own error ends no process', async (t) => {
  const closed: string[] = [];
  const openWebStream = (name: string) => new ReadableStream({ cancel: () => void closed.push(name) });
  const streams: Record<string, () => unknown> = {
    node: () => new Readable({ read() {} }).once('close', () => closed.push('node')),
    web: () => openWebStream('web'),
    response: () => new Response(openWebStream('response')),
    missing: () => createReadStream('/missing').once('close', () => closed.push('missing')),
  };
  const service = defineService({
    name: 'toy',
    description: 'Toys',
    routes(app) {
      for (const [name, open] of Object.entries(streams)) {
        const schema = { operationId: name, response: { 200: Type.Object({}) } };
        app.get(`/${name}`, { schema }, async (_request, reply) => {
          (reply as unknown as FastifyReply).code(202).send(open());
          return reply as never;
        });
      }
    },
  });
  const { get } = await createTestApp(t, { services: [service] });
  for (const name of Object.keys(streams)) expect((await get(`/toy/${name}`)).status, name).toBe(500);
  await expect.poll(() => closed.toSorted()).toEqual(Object.keys(streams).toSorted());
});

test('a body of a type that the route does not name is 415, and is not handled', async (t) => {
  const handled: unknown[] = [];
  const service = defineService({
    name: 'toy',
    description: 'Toys',
    routes(app) {
      app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => done(null, body));
      const body = { content: { 'text/csv': { schema: Type.String({ maxLength: 9 }) } } };
      const response = { 200: Type.Object({ ok: Type.Boolean() }) };
      app.post('/csv', { schema: { operationId: 'importToys', body, response } }, async (request) => {
        handled.push(request.body);
        return { ok: true };
      });
    },
  });
  const { get, send } = await createTestApp(t, { services: [service] });
  const type = 'Text/CSV; charset=utf-8';
  expect((await send('POST', '/toy/csv', 'a,b', { 'content-type': type })).status).toBe(200);
  expect((await send('POST', '/toy/csv', 'a,b,c,d,e,f', { 'content-type': type })).status).toBe(422);
  const json = await send('POST', '/toy/csv', { any: 'thing' });
  expect([json.status, json.body.detail]).toEqual([415, 'The body must be text/csv']);
  expect(json.headers.get('accept')).toBe('text/csv');
  // The server has no parser for this type.
  const xml = await send('POST', '/toy/csv', '<a/>', { 'content-type': 'text/xml' });
  expect([xml.status, xml.body.detail]).toEqual([415, 'The body must be text/csv']);
  expect(xml.headers.get('accept')).toBe('text/csv');
  expect((await send('POST', '/toy/csv')).status).toBe(415);
  expect(handled).toEqual(['a,b']);
  const documented = (await get('/toy/openapi.json')).body.paths['/csv'].post.responses[415];
  expect(documented.description).toBe('The body is not text/csv');
  expect(documented.content['application/problem+json'].example).toEqual(json.body);
});
