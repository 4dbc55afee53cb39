import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { nowMicros } from '../../../src/framework/database/instant.ts';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { ServiceUnavailable } from '../../../src/framework/errors/problem.ts';
import { Consumer } from '../../../src/framework/events/consumer.ts';
import { createHandlerRunner } from '../../../src/framework/events/handler.ts';
import { newDatabase, query } from './helper.ts';
import { migrations } from './services.ts';

test('a process that has lost the lease reports no lag and no parked events of that time', async (t) => {
  const database = await openDatabase(newDatabase(t), { migrations, service: 'reader' });
  t.onTestFinished(() => database.close());
  const consumer = new Consumer({
    ...{ producer: 'note', database, isBroken: () => false },
    runner: createHandlerRunner({
      ...{ service: 'reader', producer: 'note', handlers: {}, snapshot: undefined, tracer: undefined },
      ...{ log: pino({ enabled: false }), assertMatching() {} },
    }),
    // The producer is away.
    readFeed: () => Promise.reject(new ServiceUnavailable('away')),
  });
  await consumer.store.read();
  await query(
    database,
    `INSERT INTO __parked_event (producer, event_id, subject, event, error, is_due)
      VALUES ('note', 'e0000000-1', 'a', '{}', 'no', 0) RETURNING id`,
  );
  const stop = new AbortController();
  const ended = consumer.run(stop.signal);
  t.onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  await vi.waitFor(() => expect(consumer.status.parked).toBe(1), 5_000);
  await vi.waitFor(() => expect(consumer.status.lagSeconds).toBeGreaterThan(0), 5_000);
  const until = nowMicros() + 600_000_000;
  await query(
    database,
    `UPDATE __consumer SET owner = 'elsewhere:1:x', lease_until = ${until} RETURNING owner`,
  );
  await vi.waitFor(() => expect(consumer.status.lagSeconds).toBe(0), 10_000);
  expect(consumer.status.parked).toBe(0);
});
