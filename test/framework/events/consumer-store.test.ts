import { hostname } from 'node:os';
import { expect, type TestContext, test } from 'vitest';
import { nowMicros } from '../../../src/framework/database/instant.ts';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import {
  createConsumerStore,
  LeaseLost,
  type ParkedEvent,
} from '../../../src/framework/events/consumer-store.ts';
import type { CloudEvent } from '../../../src/framework/events/event-schemas.ts';
import { createEventOperations } from '../../../src/framework/events/operate.ts';
import { newDatabase, query } from './helper.ts';
import { migrations } from './services.ts';

/** Opens the state of one consumer twice, as two processes do. */
async function openTwice(t: TestContext) {
  const url = newDatabase(t);
  const open = async () => {
    const database = await openDatabase(url, { migrations, service: 'reader' });
    t.onTestFinished(() => database.close());
    return { database, store: createConsumerStore(database, 'note') };
  };
  const [{ database, store: one }, { store: other }] = [await open(), await open()];
  const operations = createEventOperations(database);
  /** Gives the lease to an owner, for so many seconds from now. */
  const give = async (owner: string, seconds: number) => {
    await one.read();
    const until = nowMicros() + seconds * 1_000_000;
    await query(database, `UPDATE __consumer SET owner = '${owner}', lease_until = ${until} RETURNING owner`);
  };
  return { database, one, other, operations, give };
}

/** No process has this id. */
const noProcess = 999_999_999;

test('one of two processes has the lease, until it releases it', async (t) => {
  const { one, other } = await openTwice(t);
  expect(await one.acquire()).toBe(true);
  expect([await other.acquire(), await one.acquire()]).toEqual([false, true]);
  await one.release();
  expect(await other.acquire()).toBe(true);
});

test('one of two processes that take a free lease concurrently gets it', async (t) => {
  const { one, other } = await openTwice(t);
  await one.read();
  expect((await Promise.all([one.acquire(), other.acquire()])).sort()).toEqual([false, true]);
});

test('a process that could not release its lease has ended for the others of its host', async (t) => {
  const { database, one, other } = await openTwice(t);
  await one.acquire();
  await database.close();
  await expect(one.release()).rejects.toThrow();
  expect(await other.acquire()).toBe(true);
});

test.for([
  ['another host', false, `elsewhere:${noProcess}:x`, 30],
  ['another host, after it has expired', true, `elsewhere:${noProcess}:x`, -1],
  ['a process of this host', false, `${hostname()}:1:x`, 30],
  ['a process of this host that has ended', true, `${hostname()}:${noProcess}:x`, 30],
  ['a container that was started again', true, `${hostname()}:${process.pid}:x`, 30],
] as const)('the lease of %s is free: %s', async ([, isFree, owner, seconds], t) => {
  const { one, give } = await openTwice(t);
  await give(owner, seconds);
  expect(await one.acquire()).toBe(isFree);
  expect((await one.read()).owner === owner).toBe(!isFree);
});

test('the lease is renewed before it expires', async (t) => {
  const { one, give } = await openTwice(t);
  await one.acquire();
  const { owner } = await one.read();
  await give(owner as string, 20);
  expect(await one.acquire()).toBe(true);
  expect((await one.read()).leaseUntil).toBeGreaterThan(nowMicros() + 25_000_000);
});

test('a lease from before the clock was set back is shortened, so that another host can take over in time', async (t) => {
  const { one, give } = await openTwice(t);
  await one.acquire();
  const { owner } = await one.read();
  await give(owner as string, 7_200);
  expect(await one.acquire()).toBe(true);
  expect((await one.read()).leaseUntil).toBeLessThanOrEqual(nowMicros() + 60_000_000);
});

test('only the process with the lease moves the position, from where it is', async (t) => {
  const { one, other, operations } = await openTwice(t);
  await one.acquire();
  await one.advance(null, 'a-1');
  await expect(other.advance('a-1', 'a-2')).rejects.toBeInstanceOf(LeaseLost);
  await expect(one.advance(null, 'a-2')).rejects.toBeInstanceOf(LeaseLost);
  expect((await one.read()).position).toBe('a-1');
  // An operator has moved it.
  await operations.replay('note', 'a-0');
  await expect(one.advance('a-1', 'a-2')).rejects.toBeInstanceOf(LeaseLost);
  await one.advance('a-0', 'a-1');
});

test('only the process with the lease stops the consumer, and a replay starts it again', async (t) => {
  const { one, other, operations } = await openTwice(t);
  await one.acquire();
  await other.stop('events-gone');
  expect((await one.read()).problem).toBeNull();
  await one.stop('events-gone');
  expect((await one.read()).problem).toBe('events-gone');
  await operations.replay('note', null);
  expect((await one.read()).problem).toBeNull();
});

test('an operator sees the owner of a lease until it expires', async (t) => {
  const { give, operations } = await openTwice(t);
  await give('elsewhere:1:x', 30);
  expect(await operations.listConsumers()).toMatchObject([{ producer: 'note', owner: 'elsewhere:1:x' }]);
  await give('elsewhere:1:x', -1);
  expect(await operations.listConsumers()).toMatchObject([{ producer: 'note', owner: null }]);
});

test('a parked event that fails again is not due, and a deleted one is not handled', async (t) => {
  const { one, operations } = await openTwice(t);
  const event = { id: 'a-1', type: 'note.added', subject: 'a' } as CloudEvent;
  await one.park(event, 'no');
  expect(await one.nextDue()).toBeUndefined();
  await operations.retry('a-1');
  const due = await one.nextDue();
  expect(due).toMatchObject({ event, error: 'no' });
  await one.fail(due as ParkedEvent, 'still no');
  expect(await one.nextDue()).toBeUndefined();
  await operations.skip('a-1');
  await expect(one.unpark(due as ParkedEvent)).rejects.toBeInstanceOf(LeaseLost);
});

test('parked events of a subject are released in their order', async (t) => {
  const { one, operations } = await openTwice(t);
  const dueId = async () => (await one.nextDue())?.event.id;
  for (const [id, subject] of [
    ['a-1', 'a'],
    ['a-2', 'a'],
    ['b-1', 'b'],
    ['b-2', 'b'],
  ])
    await one.park({ id, subject, type: 'note.added' } as CloudEvent, id?.endsWith('1') ? 'no' : null);
  expect([await operations.retry('a-2'), await dueId()]).toEqual([false, undefined]);
  expect([await operations.retry('a-1'), await dueId()]).toEqual([true, 'a-1']);
  await one.unpark((await one.nextDue()) as ParkedEvent);
  expect(await dueId()).toBe('a-2');
  await one.unpark((await one.nextDue()) as ParkedEvent);
  expect(await dueId()).toBeUndefined();
  await operations.skip('b-1');
  expect(await dueId()).toBe('b-2');
});

/** Parks events of one subject, with an error or as events that wait. */
async function parkAll(store: ReturnType<typeof createConsumerStore>, ...events: [string, string | null][]) {
  for (const [id, error] of events)
    await store.park({ id, subject: 'a', type: 'note.added' } as CloudEvent, error);
}

test('events that are parked after a replay keep the order of the feed', async (t) => {
  const { one, operations } = await openTwice(t);
  const handled: (string | undefined)[] = [];
  const handleDue = async () => {
    for (let due = await one.nextDue(); due !== undefined; due = await one.nextDue()) {
      handled.push(due.event.id);
      await one.unpark(due);
    }
  };
  await parkAll(one, ['zzzzzzzz-10', 'no'], ['zzzzzzzz-11', null], ['zzzzzzzz-9', null]);
  // A restored producer has another history.
  await parkAll(one, ['aaaaaaaa-10', null]);
  await handleDue();
  expect(handled).toEqual(['zzzzzzzz-9']);
  await operations.retry('zzzzzzzz-10');
  await handleDue();
  expect(handled).toEqual(['zzzzzzzz-9', 'zzzzzzzz-10', 'zzzzzzzz-11', 'aaaaaaaa-10']);
});

test('a skip of an event that waits does not handle the failed event before it', async (t) => {
  const { one, operations } = await openTwice(t);
  await parkAll(one, ['zzzzzzzz-1', 'no'], ['zzzzzzzz-2', null], ['zzzzzzzz-3', null]);
  await operations.skip('zzzzzzzz-2');
  expect(await one.nextDue()).toBeUndefined();
  await operations.skip('zzzzzzzz-1');
  expect((await one.nextDue())?.event.id).toBe('zzzzzzzz-3');
});
