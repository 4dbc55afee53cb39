import { expect, test, vi } from 'vitest';
import { runInContext } from '../../../src/framework/context/context.ts';
import { createFeedReader } from '../../../src/framework/events/read-feed.ts';

test('a read whose signal is already aborted sends no request, which would wait for an event', async () => {
  const fetch = vi.fn(() => new Promise<never>(() => {}));
  const read = createFeedReader(fetch, ['note.added']);
  const signal = AbortSignal.abort();
  const outcome = runInContext(undefined, () => read(null, { signal }));
  await expect(outcome).rejects.toBe(signal.reason);
  expect(fetch).not.toHaveBeenCalled();
});
