import { expect, test } from 'vitest';
import { createFeedWatch } from '../../../src/framework/events/feed-watch.ts';

/** Opens a watch of a feed that gets no event, and begins a wait of ten minutes. */
function openWatch() {
  const state = { isEnding: false, isOver: false };
  const watch = createFeedWatch(
    async () => ({ epoch: 'aaaaaaaa', last: 7, oldest: 0, hasNew: false }),
    () => state.isEnding,
  );
  return { state, watch, waiting: watch.wait(7, 600_000, () => state.isOver) };
}

test('a wait for an event ends when the client has disconnected', async (t) => {
  const { state, watch, waiting } = openWatch();
  t.onTestFinished(watch.close);
  state.isOver = true;
  await waiting;
});

test('a wait for an event ends when the app stops', async (t) => {
  const { state, watch, waiting } = openWatch();
  t.onTestFinished(watch.close);
  state.isEnding = true;
  await waiting;
});

test('a wait for an event ends when the feed is closed', async () => {
  const { watch, waiting } = openWatch();
  watch.close();
  await waiting;
});

test('a wait for an event ends with an event that another process has written', async (t) => {
  const { watch } = openWatch();
  t.onTestFinished(watch.close);
  await expect(watch.wait(6, 600_000, () => false)).resolves.toBeUndefined();
});
