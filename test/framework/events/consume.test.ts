import { expect, test, vi } from 'vitest';
import { runAs } from '../../../src/framework/context/context.ts';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { createConsume } from '../../../src/framework/events/consume.ts';
import { createEventOperations } from '../../../src/framework/events/operate.ts';
import { captureLog } from '../../support/app.ts';
import { newDatabase, readDocument } from './helper.ts';
import { migrations } from './services.ts';

test('an event that does not match the contract is parked without its handler', async (t) => {
  const database = await openDatabase(newDatabase(t), { migrations, service: 'reader' });
  const { logging } = await captureLog('info');
  const log = logging.logger('reader');
  const ending = new AbortController();
  const event = { id: 'aaaaaaaa-1', type: 'note.added', subject: 'a', time: '2026-01-01T00:00:00.000000Z' };
  const content = { ...event, specversion: '1.0', source: '/note', data: { text: 5 } };
  const peer = {
    useEvents() {},
    isBroken: () => false,
    checkContractSoon: vi.fn(),
    poll: async (path: string) => ({
      ...{ ok: true, status: 200, headers: { 'x-feed-newest': event.id } },
      content: JSON.stringify(path.includes('after=') ? [] : [content]),
    }),
  };
  const handle = vi.fn(() => undefined);
  const consume = createConsume('note', {
    ...{ service: 'reader', log, options: { contract: await readDocument(t), tracer: undefined } },
    ...{ peer: () => peer as never, database: () => database },
    add(consumer) {
      const running = runAs('reader', 'events', log, () => consumer.run(ending.signal));
      t.onTestFinished(async () => {
        ending.abort();
        await running;
        await database.close();
      });
    },
  });
  consume({ 'note.added': handle });
  const error = 'the event does not match the contract of note: /data/text must be string';
  await expect
    .poll(createEventOperations(database).listParked, { timeout: 30_000 })
    .toMatchObject([{ id: event.id, error }]);
  expect(handle).not.toHaveBeenCalled();
  // The contract of the producer is compared, each time.
  expect(peer.checkContractSoon).toHaveBeenCalledTimes(5);
});
