import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { addFeedRoute } from '../../../src/framework/events/feed-route.ts';
import { openFeedStore } from '../../../src/framework/events/feed-store.ts';
import { createFeedWatch } from '../../../src/framework/events/feed-watch.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import type { AnyService } from '../../../src/framework/testing/layout.ts';
import { createTestApp } from '../../support/app.ts';
import { migrations } from './services.ts';

test('events that retention deletes during a request are gone, not skipped', async (t) => {
  let isDeleting = false;
  const old = defineService({
    name: 'old',
    description: 'Deletes its events before each read of a batch',
    migrations,
    async routes(app, { database }) {
      const store = await openFeedStore(database);
      await database.write(async () => {
        for (const subject of ['a', 'b'])
          store.append({ type: 'old.added', subject, time: 1, data: '{}', traceparent: null });
      });
      addFeedRoute(app, {
        ...{ service: 'old', events: { 'old.added': Type.Object({}) } },
        watch: createFeedWatch(store.readState, () => false),
        store: {
          ...store,
          async read(...position) {
            if (isDeleting) await store.prune(Number.MAX_SAFE_INTEGER);
            return store.read(...position);
          },
        },
      });
    },
  });
  const app = await createTestApp(t, { services: [old as unknown as AnyService] });
  const [first] = (await app.get('/old/events')).body as { id: string }[];
  isDeleting = true;
  expect(await app.get(`/old/events?after=${first?.id}`)).toMatchObject({
    status: 410,
    body: { type: 'urn:problem-type:events-gone' },
  });
});

test('a waiting poll reads each event of another type once', async (t) => {
  const reads: number[] = [];
  const two = defineService({
    name: 'two',
    description: 'Emits events of two types',
    migrations,
    async routes(app, { database }) {
      const store = await openFeedStore(database);
      addFeedRoute(app, {
        ...{ service: 'two', events: { 'two.added': Type.Object({}), 'two.removed': Type.Object({}) } },
        watch: createFeedWatch(store.readState, app.isDraining),
        store: {
          ...store,
          read(after, ...rest) {
            reads.push(after);
            return store.read(after, ...rest);
          },
        },
      });
      const event = { subject: 'a', time: 1, data: '{}', traceparent: null };
      app.post('/:type', { schema: { hide: true } }, async ({ params }) => {
        const { type } = params as { type: string };
        await database.write(async () => store.append({ ...event, type: `two.${type}` }));
        return { ok: true };
      });
    },
  });
  const app = await createTestApp(t, { services: [two as unknown as AnyService] });
  const waiting = app.get('/two/events?timeout=30000&types=two.removed');
  await expect.poll(() => reads).toEqual([0]);
  for (let count = 1; count <= 3; count += 1) {
    await app.post('/two/added');
    await expect.poll(() => reads.length).toBe(count + 1);
  }
  await app.post('/two/removed');
  expect((await waiting).body).toMatchObject([{ type: 'two.removed' }]);
  expect(reads).toEqual([0, 0, 1, 2, 3]);
});
