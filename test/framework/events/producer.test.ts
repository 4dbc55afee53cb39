import { Type } from '@sinclair/typebox';
import { describe, expect, test, vi } from 'vitest';
import type { Database } from '../../../src/framework/database/database.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { copyKinds } from '../../../src/framework/database/event-tables.ts';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { currentWrite } from '../../../src/framework/database/running-write.ts';
import { openFeedStore } from '../../../src/framework/events/feed-store.ts';
import { openProducer } from '../../../src/framework/events/producer.ts';
import { newDatabase } from './helper.ts';

const Toy = Type.Object({ name: Type.String() }, { $id: 'Toy' });
const events = {
  'toy.made': Type.Object({ id: Type.Integer(), toy: Type.Unsafe({ $ref: 'Toy#' }) }),
  'toy.lost': Type.Object({ id: Type.Integer() }),
};

async function open(t: Parameters<typeof newDatabase>[0], url = newDatabase(t)) {
  const database = await openDatabase(url, {
    migrations: new URL('../../fixtures/effects/migrations/', import.meta.url),
    service: 'toy',
  });
  t.onTestFinished(() => database.close());
  const producer = await openProducer({ service: 'toy', events, schemas: [Toy], database });
  t.onTestFinished(() => producer.close());
  const store = await openFeedStore(database);
  const read = async () => {
    await store.assignPositions();
    return store.read(0, 1_000, undefined);
  };
  return { database, emit: producer.emit, producer, store, read };
}

describe('emit', () => {
  test('stores the event with its write, and only the members that its schema has', async (t) => {
    const { database, emit, read } = await open(t);
    const data = { id: 1, secret: 'x', toy: { name: 'ball', price: 3 } };
    await database.write(() => emit('toy.made', { subject: 1, data }));
    const [event] = await read();
    expect(event).toMatchObject({ type: 'toy.made', subject: '1', position: 1 });
    expect(JSON.parse(event?.data as string)).toEqual({ id: 1, toy: { name: 'ball' } });
  });

  test('outside of a write is an error', async (t) => {
    const { emit, read } = await open(t);
    await expect(emit('toy.lost', { subject: 1, data: { id: 1 } })).rejects.toThrow(
      "toy: emit('toy.lost') is outside of a write",
    );
    expect(await read()).toEqual([]);
  });

  test.for([
    ['data that does not match the schema', 'toy.lost', 1, { id: 'one' }, '/id must be integer'],
    ['a type that is not declared', 'toy.found', 1, { id: 1 }, 'is not among its events toy.made, toy.lost'],
    ['an empty subject', 'toy.lost', '', { id: 1 }, 'needs a subject of 1 to 200 characters'],
    ['a subject with U+0000', 'toy.lost', 'a\0', { id: 1 }, '200 characters without U+0000'],
  ] as const)('%s fails the write', async ([, type, subject, data, message], t) => {
    const { database, emit, read } = await open(t);
    const insert = database.prepare(sql`INSERT INTO effect (event) VALUES ('made')`);
    const select = database.prepare(sql`SELECT event FROM effect`);
    const written = database.write(async () => {
      await insert.run();
      await emit(type as 'toy.lost', { subject, data });
    });
    await expect(written).rejects.toThrow(message);
    expect([await read(), await select.all()]).toEqual([[], []]);
  });

  test('of a write that fails leaves no event', async (t) => {
    const { database, emit, read } = await open(t);
    const lose = (id: number) => emit('toy.lost', { subject: id, data: { id } });
    const failing = database.write(async () => {
      await lose(1);
      throw new Error('no');
    });
    const others = [2, 3].map((id) => database.write(() => lose(id)));
    await expect(failing).rejects.toThrow('no');
    await Promise.all(others);
    expect((await read()).map(({ subject }) => subject).sort()).toEqual(['2', '3']);
  });
});

test('the events of concurrent writes keep the order of the writes, and are as many as were emitted', async (t) => {
  const { database, emit, read } = await open(t);
  const isSqlite = database.sizes() !== undefined;
  // More and fewer than one statement inserts.
  for (const count of [1, 2, 31, 50, 67]) {
    const before = (await read()).length;
    const subjects = Array.from({ length: count }, (_, index) => [`${index}a`, `${index}b`]);
    const written = subjects.map(([one, other], index) =>
      database.write(async () => {
        await emit('toy.lost', { subject: `${one}`, data: { id: 1 } });
        await emit('toy.lost', { subject: `${other}`, data: { id: 2 } });
        if (index === 1) throw new Error('no');
      }),
    );
    const isFailed = (await Promise.allSettled(written)).map(({ status }) => status === 'rejected');
    expect(isFailed).toEqual(subjects.map((_, index) => index === 1));
    const found = (await read()).slice(before).map(({ subject }) => subject);
    const expected = subjects.filter((_, index) => index !== 1).flat();
    // On PostgreSQL the writes run at the same time.
    expect(isSqlite ? found : found.toSorted()).toEqual(isSqlite ? expected : expected.toSorted());
  }
});

test('an event is a change of its write, so that a write with an idempotency key is stored', async (t) => {
  const { database, emit } = await open(t);
  const countChanges = () => currentWrite(database.identity)?.countChanges() as number;
  const changes = await database.write(async () => {
    const before = countChanges();
    await emit('toy.lost', { subject: 1, data: { id: 1 } });
    return countChanges() - before;
  });
  expect(changes).toBe(1);
});

test('a write may emit very many events', async (t) => {
  const { database, emit, store } = await open(t);
  // PostgreSQL responds to each.
  const count = database.sizes() === undefined ? 200 : 20_000;
  await database.write(async () => {
    for (let id = 0; id < count; id += 1) await emit('toy.lost', { subject: id, data: { id } });
  });
  expect((await store.assignPositions()).last).toBe(count);
});

test('an event type that is malformed, and events without a database, are mistakes of the service', async (t) => {
  const { database } = await open(t);
  const options = { service: 'toy', schemas: [], database };
  await expect(openProducer({ ...options, events: { Lost: Type.Object({}) } })).rejects.toThrow(
    "toy: the event type Lost is malformed: write it like 'toy.created', in lower case",
  );
  await expect(openProducer({ ...options, events, database: undefined })).rejects.toThrow(
    'toy: it declares events and has no database: add migrations',
  );
});

describe('retention', () => {
  test('deletes old events, in small writes, and keeps positions valid', async (t) => {
    const { database, emit, store, producer, read } = await open(t);
    for (let round = 0; round < 6; round += 1) {
      await database.write(async () => {
        for (let id = 0; id < 200; id += 1) await emit('toy.lost', { subject: id, data: { id } });
      });
    }
    const state = await store.assignPositions();
    expect(state).toMatchObject({ last: 1_200, oldest: 0 });
    await producer.prune(3_600_000, new AbortController().signal);
    expect(await read()).toHaveLength(1_000);
    await producer.prune(-1, new AbortController().signal);
    expect(await read()).toEqual([]);
    const { epoch, ...rest } = await store.readState();
    expect(rest).toEqual({ last: 1_200, oldest: 1_200, hasNew: false });
    const find = (number: number) => store.findInvalid({ epoch, number }, { epoch, ...rest });
    expect(await find(1_199)).toEqual({ reason: 'gone' });
    expect(await find(1_200)).toBeUndefined();
  });
});

test('no event is deleted while the clock is ahead, also by a process that starts meanwhile', async (t) => {
  const url = newDatabase(t);
  const { database, emit, producer, read } = await open(t, url);
  await database.write(() => emit('toy.lost', { subject: 1, data: { id: 1 } }));
  const [week, day] = [604_800_000, 86_400_000];
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + week + day });
  t.onTestFinished(() => void vi.useRealTimers());
  await producer.prune(week, new AbortController().signal);
  const other = await open(t, url);
  await other.producer.prune(week, new AbortController().signal);
  expect(await read()).toHaveLength(1);
});

test('a reader does not wait for events that are emitted after it began', async (t) => {
  const { database, emit } = await open(t);
  const emitOne = () => database.write(() => emit('toy.lost', { subject: 1, data: { id: 1 } }));
  let writes = 0;
  // Another process commits an event after each write of positions, up to 20 times.
  const busy: Database = {
    ...database,
    async write(fn) {
      const result = await database.write(fn);
      writes += 1;
      if (writes <= 20) await emitOne();
      return result;
    },
  };
  const store = await openFeedStore(busy);
  writes = 0;
  await emitOne();
  expect((await store.assignPositions()).last).toBeGreaterThan(0);
  expect(writes).toBe(1);
});

test('two processes that delete old events keep the newest deleted position', async (t) => {
  const { database, emit, store } = await open(t);
  await database.write(async () => {
    for (let id = 1; id <= 3; id += 1) await emit('toy.lost', { subject: id, data: { id } });
  });
  await store.prune(Number.MAX_SAFE_INTEGER);
  expect((await store.readState()).oldest, 'also events that no reader has seen').toBe(3);
  // The other process has read its events before, and writes now.
  await database.prepare(sql`UPDATE __feed SET oldest = 7`).run();
  await database.write(() => emit('toy.lost', { subject: 4, data: { id: 4 } }));
  await store.prune(Number.MAX_SAFE_INTEGER);
  expect((await store.readState()).oldest).toBe(7);
});

test('an event of a clock that was ahead goes with the next one that is old enough', async (t) => {
  const { database, store, read } = await open(t);
  const [now, day] = [Date.now() * 1_000, 86_400_000_000];
  const add = (time: number) =>
    database.write(async () => {
      store.append({ type: 'toy.lost', subject: '1', time, data: '{}', traceparent: null });
    });
  for (const days of [-30, 3_650, -20, -1, 3_650]) await add(now + days * day);
  await store.prune(now - 7 * day);
  expect((await read()).map(({ position }) => position)).toEqual([4, 5]);
  expect((await store.readState()).oldest).toBe(3);
});

test('a restored copy whose events may have had another order shares only their assigned positions', async (t) => {
  const url = newDatabase(t);
  const { database, emit, store, read } = await open(t, url);
  await database.write(() => emit('toy.lost', { subject: 1, data: { id: 1 } }));
  const before = await store.assignPositions();
  await database.write(() => emit('toy.lost', { subject: 2, data: { id: 2 } }));
  await database.prepare(sql`UPDATE __feed SET is_copy = ${copyKinds.unordered}`).run();
  await openFeedStore(database);
  const after = await store.assignPositions();
  expect(after.epoch).not.toBe(before.epoch);
  expect((await read()).map(({ position }) => position)).toEqual([1, 2]);
  const find = (number: number) => store.findInvalid({ epoch: before.epoch, number }, after);
  expect(await find(1)).toBeUndefined();
  expect(await find(2)).toEqual({ reason: 'rewound', shared: 1 });
  await openFeedStore(database);
  expect((await store.readState()).epoch).toBe(after.epoch);
});

test('a restored copy begins another history, which shares the events of the backup', async (t) => {
  const url = newDatabase(t);
  const { database, emit, store, read } = await open(t, url);
  await database.write(() => emit('toy.lost', { subject: 1, data: { id: 1 } }));
  const before = await store.assignPositions();
  // The backup holds an event that has no position yet.
  await database.write(() => emit('toy.lost', { subject: 2, data: { id: 2 } }));
  await database.prepare(sql`UPDATE __feed SET is_copy = 1`).run();
  // As a server does when it starts.
  await openFeedStore(database);
  await database.write(() => emit('toy.lost', { subject: 3, data: { id: 3 } }));
  const after = await store.assignPositions();
  expect(after.epoch).not.toBe(before.epoch);
  expect((await read()).map(({ position }) => position)).toEqual([1, 2, 3]);
  const find = (number: number) => store.findInvalid({ epoch: before.epoch, number }, after);
  expect(await find(2)).toBeUndefined();
  expect(await find(3)).toEqual({ reason: 'rewound', shared: 2 });
  await openFeedStore(database);
  expect((await store.readState()).epoch).toBe(after.epoch);
  await store.prune(Number.MAX_SAFE_INTEGER);
  const pruned = await store.readState();
  expect(await store.findInvalid({ epoch: before.epoch, number: 2 }, pruned)).toEqual({ reason: 'gone' });
});
