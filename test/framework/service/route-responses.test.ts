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
