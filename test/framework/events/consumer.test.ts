import { describe, expect, test } from 'vitest';
import { currentContext, getCaller } from '../../../src/framework/context/context.ts';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { ServiceUnavailable } from '../../../src/framework/errors/problem.ts';
import { openFeedStore } from '../../../src/framework/events/feed-store.ts';
import { createEventOperations } from '../../../src/framework/events/operate.ts';
import { getLogger } from '../../../src/framework/logging/logger.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import {
  addNotes,
  expectEffects,
  listEffects,
  makeReader,
  note,
  startApp,
  startBoth,
  textOf,
} from './helper.ts';

const texts = (count: number, name = 'n') => Array.from({ length: count }, (_, index) => `${name}${index}`);

describe('a consumer', () => {
  test('writes the effect of each event once, in order, from the oldest', async (t) => {
    const { app, config } = await startBoth(t);
    await addNotes(app, 'a', ...texts(250));
    await expectEffects(app, texts(250));
    await app.app.stop();
    // A second start goes on from where the first one ended.
    const services = [note as unknown as Service, makeReader()];
    const again = await startApp(t, { services, config });
    await addNotes(again, 'a', 'last');
    await expectEffects(again, [...texts(250), 'last']);
  });

  test('runs a handler as its service, with its own request id, the event on its log lines, and keys for its calls', async (t) => {
    const keys: (string | undefined)[] = [];
    let failures = 1;
    const { app } = await startBoth(t, {
      handle: async (event, write) => {
        getLogger().info('handling');
        expect(getCaller()).toMatchObject({ kind: 'service', sub: 'reader' });
        keys.push(currentContext()?.keyed?.nextKey('POST /x'));
        if (failures-- > 0) throw new Error('not yet');
        return () => write(event);
      },
    });
    await addNotes(app, 'a', 'one');
    await expectEffects(app, ['one']);
    const lines = app.allLogs.filter(({ msg }) => msg === 'handling');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ service: 'reader', event: expect.stringMatching(/-1$/) });
    expect(new Set(lines.map(({ reqId }) => reqId)).size).toBe(2);
    // The second try makes the same calls.
    expect(keys[0]).toMatch(/^[\w-]{43}$/);
    expect(keys[1]).toBe(keys[0]);
  });

  test('tries a failing effect alone, so that it does not undo the effects of others', async (t) => {
    let failures = 2;
    const { app } = await startBoth(t, {
      handle: (event, write) => async () => {
        await write(event);
        if (textOf(event) === 'n5' && failures-- > 0) throw new Error('no');
      },
    });
    await addNotes(app, 'a', ...texts(10));
    await expectEffects(app, texts(10));
  });

  test('waits for a peer that is away without using up tries', async (t) => {
    let failures = 6;
    const { app } = await startBoth(t, {
      handle: (event, write) => {
        if (failures-- > 0) throw new ServiceUnavailable('away');
        return () => write(event);
      },
    });
    await addNotes(app, 'a', 'one');
    await expectEffects(app, ['one']);
    expect((await app.get('/ready')).body.degraded).toEqual([]);
    expect(app.allLogs.filter(({ level, event }) => level === 'warn' && event !== undefined)).toEqual([]);
  });

  test('of two apps on one database runs in one at a time, and the other takes over', async (t) => {
    const { app, config } = await startBoth(t);
    const services = [note as unknown as Service, makeReader()];
    const other = await startApp(t, { services, config });
    for (let round = 0; round < 20; round += 1)
      await addNotes(round % 2 === 0 ? app : other, 'a', `r${round}`);
    await expectEffects(other, texts(20, 'r'));
    await app.app.stop();
    await addNotes(other, 'a', 'later');
    await expectEffects(other, [...texts(20, 'r'), 'later']);
  });

  test('says that events are late when the producer is away', async (t) => {
    const services = [makeReader()];
    const app = await startApp(t, { services, peers: { note: 'http://127.0.0.1:1' } });
    const lag = async () =>
      Number(/event_feed_lag_seconds\{[^}]*\} ([\d.e-]+)/.exec((await app.get('/metrics')).body)?.[1]);
    await expect.poll(lag).toBeGreaterThan(0);
  });
});

describe('an event whose handler keeps failing', () => {
  /** @param where what fails: the handler, or the effect that it returns. */
  async function startWithPoison(t: Parameters<typeof startBoth>[0], where = 'handler') {
    const state = { isFixed: false, error: new Error('bad note'), tries: 0 };
    const { app, ...rest } = await startBoth(t, {
      handle: (event, write) => {
        const isBad = () => textOf(event) === 'poison' && !state.isFixed;
        if (isBad()) state.tries += 1;
        if (where === 'handler' && isBad()) throw state.error;
        return () => {
          if (isBad()) throw state.error;
          return write(event);
        };
      },
    });
    await addNotes(app, 'bad', 'poison', 'behind');
    for (let subject = 0; subject < 30; subject += 1) await addNotes(app, `s${subject}`, `n${subject}`);
    await expectEffects(app, texts(30));
    return { app, state, ...rest };
  }

  test.for([
    ['retry', ['poison', 'behind', 'later']],
    ['skip', ['behind', 'later']],
  ] as const)('after a %s goes on in order with its subject', async ([command, effects], t) => {
    const { app, state, databases } = await startWithPoison(t);
    await addNotes(app, 'bad', 'later');
    const { operations, id } = await openOperations(t, databases.reader.database);
    const [first, second] = await operations.listParked();
    expect([first?.error, second?.error]).toEqual(['bad note', null]);
    expect(await operations.retry(second?.id as string), 'the event before it waits').toBe(false);
    // The cause is not fixed yet, so the event stays parked.
    expect(await operations.retry(id)).toBe(true);
    const staysParked = 'the handler of a parked event failed: the event stays parked';
    await expect.poll(() => app.allLogs.filter(({ msg }) => msg === staysParked)).toHaveLength(1);
    state.isFixed = true;
    if (command === 'retry') await operations.retry(id);
    else await operations.skip(id);
    await expectEffects(app, [...texts(30), ...effects]);
    await addNotes(app, 'bad', 'after');
    await expectEffects(app, [...texts(30), ...effects, 'after']);
    expect(await operations.listParked()).toEqual([]);
    expect((await app.get('/ready')).body.degraded).toEqual([]);
  });

  test('stays parked once when all events are replayed', async (t) => {
    const { app, state, databases } = await startWithPoison(t);
    const { operations, id } = await openOperations(t, databases.reader.database);
    await operations.replay('note', null);
    await addNotes(app, 'good', 'fine');
    await expectEffects(app, [...texts(30), ...texts(30), 'fine']);
    expect(await operations.listParked()).toHaveLength(2);
    state.isFixed = true;
    await operations.retry(id);
    await expectEffects(app, [...texts(30), ...texts(30), 'fine', 'poison', 'behind']);
  });

  test('is tried again after a retry, for as long as a peer is away', async (t) => {
    const { app, state, databases } = await startWithPoison(t);
    const { operations, id } = await openOperations(t, databases.reader.database);
    state.error = new ServiceUnavailable('away');
    state.tries = 0;
    await operations.retry(id);
    await expect.poll(() => state.tries).toBeGreaterThan(0);
    state.isFixed = true;
    await expectEffects(app, [...texts(30), 'poison', 'behind']);
  });

  test.for(['handler', 'effect'])(
    'is parked with later events of its subject; all others go on, and /ready names it: %s',
    async (where, t) => {
      const { app } = await startWithPoison(t, where);
      await addNotes(app, 'bad', 'later');
      await addNotes(app, 'good', 'fine');
      await expectEffects(app, [...texts(30), 'fine']);
      const { status, body } = await app.get('/ready');
      expect([status, body.degraded]).toEqual([
        200,
        [expect.stringMatching(/^event \w+-1 of note is parked$/)],
      ]);
      expect(app.allLogs.filter(({ level }) => level === 'error')).toMatchObject([
        { service: 'reader', peer: 'note', type: 'note.added', subject: 'bad' },
      ]);
      await expect
        .poll(async () => (await app.get('/metrics')).body)
        .toContain('events_parked{service="reader",peer="note"} 1');
    },
  );
});

test('a replay handles all later events again', async (t) => {
  const { app, databases } = await startBoth(t);
  await addNotes(app, 'a', 'one', 'two');
  await expectEffects(app, ['one', 'two']);
  const { operations } = await openOperations(t, databases.reader.database);
  const [before] = await operations.listConsumers();
  expect(before).toMatchObject({ producer: 'note', parked: 0, problem: null });
  expect(before?.owner).not.toBeNull();
  expect(await operations.replay('note', before?.position?.replace(/2$/, '1') as string)).toBe(true);
  // The poll that waits ends with the next event.
  await addNotes(app, 'a', 'three');
  await expectEffects(app, ['one', 'two', 'two', 'three']);
});

describe('a consumer whose next events are deleted', () => {
  /** Stops a reader that has handled one event, and emits events that are deleted before it starts again. */
  async function stopBehind(t: Parameters<typeof startBoth>[0]) {
    const { app, config } = await startBoth(t);
    await addNotes(app, 'a', 'one');
    await expectEffects(app, ['one']);
    await app.app.stop();
    const writer = await startApp(t, {
      services: [note as unknown as Service],
      config: { services: { note: config.services?.note } } as never,
    });
    await addNotes(writer, 'a', 'two', 'three');
    await writer.app.stop();
    await forgetEvents(t, config);
    return config;
  }

  test('stops, and /ready reports it', async (t) => {
    const config = await stopBehind(t);
    const services = [note as unknown as Service, makeReader()];
    const again = await startApp(t, { services, config });
    await expect
      .poll(async () => (await again.get('/ready')).body.degraded)
      .toEqual(['events of note are stopped: events-gone']);
    expect(await listEffects(again)).toEqual(['one']);
  });

  test('reads the state with its snapshot handler, and continues with later events', async (t) => {
    const config = await stopBehind(t);
    // A version without the handler has stopped the consumer.
    const before = await startApp(t, { services: [note as unknown as Service, makeReader()], config });
    await expect.poll(async () => (await before.get('/ready')).body.degraded).toHaveLength(1);
    await before.app.stop();
    const snapshot = (write: (text: string) => Promise<unknown>) => () => write('snapshot');
    const services = [note as unknown as Service, makeReader({ snapshot })];
    const again = await startApp(t, { services, config });
    await expectEffects(again, ['one', 'snapshot']);
    await addNotes(again, 'a', 'four');
    await expectEffects(again, ['one', 'snapshot', 'four']);
    expect((await again.get('/ready')).body.degraded).toEqual([]);
  });
});

/** Deletes all events of the note service, as retention does. */
async function forgetEvents(
  t: Parameters<typeof startBoth>[0],
  config: Awaited<ReturnType<typeof startBoth>>['config'],
) {
  const url = (config.services as unknown as { note: { database: string } }).note.database;
  const migrations = new URL('../../fixtures/effects/migrations/', import.meta.url);
  const database = await openDatabase(url, { migrations, service: 'note' });
  t.onTestFinished(() => database.close());
  const store = await openFeedStore(database);
  await store.prune(Number.MAX_SAFE_INTEGER);
}

async function openOperations(t: Parameters<typeof startBoth>[0], url: string) {
  const migrations = new URL('../../fixtures/effects/migrations/', import.meta.url);
  const database = await openDatabase(url, { migrations, service: 'reader' });
  t.onTestFinished(() => database.close());
  const operations = createEventOperations(database);
  return { operations, id: (await operations.listParked())[0]?.id as string };
}
