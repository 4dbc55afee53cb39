import { get as request } from 'node:http';
import { Type } from '@sinclair/typebox';
import { expect, type TestContext, test } from 'vitest';
import { addFeedRoute } from '../../../src/framework/events/feed-route.ts';
import { type FeedStore, openFeedStore } from '../../../src/framework/events/feed-store.ts';
import { createFeedWatch } from '../../../src/framework/events/feed-watch.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../support/app.ts';
import { migrations } from './services.ts';

/** Starts a service that emits an event for each POST to `/note/added` or `/note/removed`. */
function startNote(t: TestContext, beforeRead: (after: number, store: FeedStore) => unknown) {
  const note = defineService({
    name: 'note',
    description: 'Emits events of two types',
    migrations,
    async routes(app, { database }) {
      const store = await openFeedStore(database);
      addFeedRoute(app, {
        ...{ service: 'note', events: { 'note.added': Type.Object({}), 'note.removed': Type.Object({}) } },
        watch: createFeedWatch(store.readState, app.isDraining),
        store: {
          ...store,
          async read(after, ...rest) {
            await beforeRead(after, store);
            return store.read(after, ...rest);
          },
        },
      });
      const event = { subject: 'a', time: 1, data: '{}', traceparent: null };
      app.post('/:type', { schema: { hide: true } }, async ({ params }) => {
        const { type } = params as { type: string };
        await database.write(async () => store.append({ ...event, type: `note.${type}` }));
        return { ok: true };
      });
    },
  });
  return createTestApp(t, { services: [note as unknown as Service] });
}

test('events that retention deletes during a request are gone, not skipped', async (t) => {
  let isDeleting = false;
  const { get, post } = await startNote(
    t,
    (_after, store) => isDeleting && store.prune(Number.MAX_SAFE_INTEGER),
  );
  await post('/note/added');
  await post('/note/added');
  const [first] = (await get('/note/events')).body as { id: string }[];
  isDeleting = true;
  expect(await get(`/note/events?after=${first?.id}`)).toMatchObject({
    status: 410,
    body: { type: 'urn:problem-type:events-gone' },
  });
});

test('a waiting poll reads each event of another type once', async (t) => {
  const reads: number[] = [];
  const { get, post } = await startNote(t, (after) => reads.push(after));
  const waiting = get('/note/events?timeout=30000&types=note.removed');
  await expect.poll(() => reads).toEqual([0]);
  for (let count = 1; count <= 3; count += 1) {
    await post('/note/added');
    await expect.poll(() => reads.length).toBe(count + 1);
  }
  await post('/note/removed');
  expect((await waiting).body).toMatchObject([{ type: 'note.removed' }]);
  expect(reads).toEqual([0, 0, 1, 2, 3]);
});

test('a poll whose client has disconnected reads nothing more, because the database may be closed', async (t) => {
  const reads: number[] = [];
  const { app, url, logs } = await startNote(t, (after) => reads.push(after));
  const poll = request(`${url}/note/events?timeout=30000`).on('error', () => undefined);
  await expect.poll(() => reads).toEqual([0]);
  poll.destroy();
  await expect.poll(() => logs.find(({ aborted }) => aborted === true)).toBeDefined();
  await app.stop();
  await expect.poll(() => app.server.inFlight).toEqual([]);
  // Twice as long as the feed takes to notice.
  await new Promise((wake) => setTimeout(wake, 150));
  expect(reads).toEqual([0]);
  expect(logs.filter(({ level }) => level === 'error')).toEqual([]);
});
