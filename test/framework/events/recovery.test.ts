import { expect, type TestContext, test } from 'vitest';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { openFeedStore } from '../../../src/framework/events/feed-store.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import {
  addNotes,
  expectEffects,
  listEffects,
  makeReader,
  note,
  query,
  startApp,
  startBoth,
} from './helper.ts';
import { migrations } from './services.ts';

const notes = note as unknown as Service;

/** Starts both services, and stops them after the reader has handled two events. Then `change` runs SQL on the producer. */
async function stopAfterTwo(t: TestContext, ...change: string[]) {
  const { app, config, databases } = await startBoth(t);
  await addNotes(app, 'a', 'one', 'two');
  await expectEffects(app, ['one', 'two']);
  await app.app.stop();
  const database = await openDatabase(databases.note.database, { migrations, service: 'note' });
  for (const statement of change) await query(database, `${statement} RETURNING 1`);
  // As a server does when it starts.
  await openFeedStore(database);
  await database.close();
  return config;
}

test('after a restore of the producer no event of the new history is skipped', async (t) => {
  // The backup has the first event only.
  const config = await stopAfterTwo(
    t,
    'DELETE FROM __event WHERE position = 2',
    'UPDATE __feed SET last = 1, is_copy = 1',
  );
  const services = { note: (config.services as Record<string, object>).note };
  const writer = await startApp(t, { services: [notes], config: { services } });
  await addNotes(writer, 'a', 'three', 'four');
  await writer.app.stop();
  const again = await startApp(t, { services: [notes, makeReader()], config });
  await expectEffects(again, ['one', 'two', 'three', 'four']);
});

test('a consumer stops at a history that it does not know, also with a snapshot handler', async (t) => {
  const config = await stopAfterTwo(t, "UPDATE __feed SET epoch = 'zzzzzzzz'");
  const snapshot = (write: (text: string) => Promise<unknown>) => () => write('snapshot');
  const again = await startApp(t, { services: [notes, makeReader({ snapshot })], config });
  await expect
    .poll(async () => (await again.get('/ready')).body.degraded)
    .toEqual(['events of note are stopped: feed-rewound']);
  expect(await listEffects(again)).toEqual(['one', 'two']);
});
