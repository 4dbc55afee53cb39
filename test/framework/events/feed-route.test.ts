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
          await store.append({ type: 'old.added', subject, time: 1, data: '{}', traceparent: null });
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
