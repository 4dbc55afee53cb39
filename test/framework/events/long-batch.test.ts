import { setTimeout as sleep } from 'node:timers/promises';
import { test, vi } from 'vitest';
import type { AnyService } from '../../../src/framework/testing/layout.ts';
import { addNotes, expectEffects, makeReader, note, startApp, startBoth } from './helper.ts';

test('a batch whose handlers take longer than the lease makes progress although another replica waits', async (t) => {
  // One ms of the test is 60 ms of the clock, so a lease lasts for a second.
  const [begun, now] = [Date.now(), Date.now.bind(Date)];
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => begun + (now() - begun) * 60);
  t.onTestFinished(() => clock.mockRestore());
  const texts = Array.from({ length: 100 }, (_, index) => `n${index}`);
  const handle = async (event: never, write: (event: never) => Promise<unknown>) => {
    await sleep(20);
    return () => write(event);
  };
  const { app, config } = await startBoth(t, { handle: handle as never });
  const services = [note as unknown as AnyService, makeReader({ handle: handle as never })];
  await startApp(t, { services, config });
  await addNotes(app, 'a', ...texts);
  await expectEffects(app, texts);
});
