import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type TestContext, test, vi } from 'vitest';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { createEventOperations } from '../../../src/framework/events/operate.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import { addNotes, expectEffects, makeReader, note, startApp, startBoth } from './helper.ts';
import { migrations } from './services.ts';

/** Makes the clock of leases run faster. */
function speedUp(t: TestContext, factor: number): void {
  const [begun, now] = [Date.now(), Date.now.bind(Date)];
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => begun + (now() - begun) * factor);
  t.onTestFinished(() => clock.mockRestore());
}

test('a batch whose handlers take longer than the lease makes progress although another replica waits', async (t) => {
  // A lease lasts for a second.
  speedUp(t, 60);
  const texts = Array.from({ length: 100 }, (_, index) => `n${index}`);
  const handle = async (event: never, write: (event: never) => Promise<unknown>) => {
    await sleep(20);
    return () => write(event);
  };
  const { app, config } = await startBoth(t, { handle: handle as never });
  const services = [note as unknown as Service, makeReader({ handle: handle as never })];
  await startApp(t, { services, config });
  await addNotes(app, 'a', ...texts);
  await expectEffects(app, texts);
});

test('an event whose five tries take longer than the lease is parked although another replica waits', async (t) => {
  // A lease lasts for 5 s; the pauses between the tries alone take 3.75 s.
  speedUp(t, 12);
  const handle = async () => {
    await sleep(500);
    throw new Error('no');
  };
  const { app, config, databases } = await startBoth(t, { handle: handle as never });
  const services = [note as unknown as Service, makeReader({ handle: handle as never })];
  await startApp(t, { services, config });
  await addNotes(app, 'a', 'bad');
  const database = await openDatabase(databases.reader.database, { migrations, service: 'reader' });
  t.onTestFinished(() => database.close());
  const { listParked } = createEventOperations(database);
  await expect.poll(listParked, { timeout: 20_000 }).toMatchObject([{ error: 'no' }]);
});
