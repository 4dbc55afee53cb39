import { expect, test } from 'vitest';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { createEventOperations } from '../../../src/framework/events/operate.ts';
import { addNotes, expectEffects, startBoth, textOf } from './helper.ts';
import { migrations } from './services.ts';

test('an event that is parked while an operator skips the one that it waits for is handled', async (t) => {
  const slow = Promise.withResolvers<void>();
  let hasBegun = false;
  const { app, databases } = await startBoth(t, {
    handle: async (event, write) => {
      if (textOf(event) === 'bad') throw new Error('no');
      if (textOf(event) === 'slow') {
        hasBegun = true;
        await slow.promise;
      }
      return () => write(event);
    },
  });
  await addNotes(app, 'a', 'bad');
  const database = await openDatabase(databases.reader.database, { migrations, service: 'reader' });
  t.onTestFinished(() => database.close());
  const operations = createEventOperations(database);
  await expect.poll(async () => (await operations.listParked()).length, { timeout: 20_000 }).toBe(1);
  const [parked] = await operations.listParked();
  await addNotes(app, 'b', 'slow');
  await addNotes(app, 'a', 'next');
  await expect.poll(() => hasBegun).toBe(true);
  await operations.skip(parked?.id as string);
  slow.resolve();
  await expectEffects(app, ['slow', 'next']);
  expect(await operations.listParked()).toEqual([]);
});
