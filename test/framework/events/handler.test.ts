import { expect, type TestContext, test, vi } from 'vitest';
import { PeerTimeout, PeerUnavailable } from '../../../src/framework/calls/errors.ts';
import { runAs } from '../../../src/framework/context/context.ts';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { Conflict, InsufficientStorage, ServiceUnavailable } from '../../../src/framework/errors/problem.ts';
import { Consumer } from '../../../src/framework/events/consumer.ts';
import type { CloudEvent } from '../../../src/framework/events/event-schemas.ts';
import {
  createHandlerRunner,
  type HandlerOptions,
  isTemporary,
} from '../../../src/framework/events/handler.ts';
import { createEventOperations } from '../../../src/framework/events/operate.ts';
import { captureLog } from '../../support/app.ts';
import { newDatabase } from './helper.ts';
import { migrations } from './services.ts';

const event = {
  id: 'aaaaaaaa-1',
  type: 'note.added',
  subject: 'a',
  time: '2026-01-01T00:00:00Z',
} as CloudEvent;
const called = { peer: 'pet', target: 'GET /pet/pets/' };

async function optionsOf(handle: () => undefined | Promise<undefined>): Promise<HandlerOptions> {
  const { logging } = await captureLog('info');
  return {
    ...{ service: 'reader', producer: 'note', snapshot: undefined, tracer: undefined },
    handlers: { 'note.added': handle },
    log: logging.logger('reader'),
    assertMatching: () => {},
  };
}

/**
 * Opens a consumer that reads one event, and runs it until the test ends. `reads` has an entry for each read of the feed:
 * how many of `broken`, the answers about the contract, were left.
 */
async function runConsumer(t: TestContext, options: HandlerOptions, broken: boolean[] = []) {
  const database = await openDatabase(newDatabase(t), { migrations, service: 'reader' });
  const ending = new AbortController();
  const reads: number[] = [];
  const consumer = new Consumer({
    producer: options.producer,
    runner: createHandlerRunner(options),
    database,
    isBroken: () => broken.pop() ?? false,
    async readFeed(position) {
      reads.push(broken.length);
      const events = position === null ? [event] : [];
      return { events, next: event.id, newest: event.id };
    },
  });
  const running = runAs('reader', 'events', options.log, () => consumer.run(ending.signal));
  t.onTestFinished(async () => {
    ending.abort();
    await running;
    await database.close();
  });
  return { reads, operations: createEventOperations(database) };
}

test.for([
  ['a peer that is not there', () => new PeerUnavailable(called, 'no response'), true],
  ['a peer with a defect', () => new PeerUnavailable(called, 'status 500', undefined, 500), true],
  ['a peer that refuses the call', () => new PeerUnavailable(called, 'status 422', undefined, 422), false],
  ['a peer that is late', () => new PeerTimeout(called), true],
  ['a database that is not there', () => new ServiceUnavailable('away'), true],
  ['a full disk', () => new InsufficientStorage('full'), true],
  ['a conflict', () => new Conflict('no'), false],
  ['a defect of the handler', () => new TypeError('no'), false],
] as const)('whether an error passes by itself: %s', async ([, createError, expected]) => {
  const { log } = await optionsOf(() => undefined);
  expect(runAs('reader', 'events', log, () => isTemporary(createError()))).toBe(expected);
});

test('a handler that takes longer than 30 s fails', async (t) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  t.onTestFinished(() => void vi.useRealTimers());
  const runner = createHandlerRunner(await optionsOf(() => new Promise(() => {})));
  const outcome = vi.fn();
  const handled = runner.prepare(event).catch((error: Error) => outcome(error.message));
  await vi.advanceTimersByTimeAsync(29_999);
  expect(outcome).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await handled;
  expect(outcome).toHaveBeenCalledWith('the handler takes longer than 30000 ms');
  expect(vi.getTimerCount()).toBe(0);
});

test('an event is parked with the text of its error, without U+0000, which PostgreSQL does not store', async (t) => {
  const { operations } = await runConsumer(
    t,
    await optionsOf(() => {
      throw new Error('bad \0 byte');
    }),
  );
  await expect.poll(operations.listParked, { timeout: 30_000 }).toMatchObject([{ error: 'bad \ufffd byte' }]);
});

test('a consumer reads nothing while the contract of its producer is broken', async (t) => {
  const { reads } = await runConsumer(t, await optionsOf(() => undefined), [true, true]);
  await expect.poll(() => reads.length, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(reads[0]).toBe(0);
});

test('errors that pass use up no tries, also after an error that does not', async (t) => {
  const errors = [new Error('no'), ...Array.from({ length: 5 }, () => new ServiceUnavailable('away'))];
  const handle = vi.fn(() => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    return undefined;
  });
  const { operations } = await runConsumer(t, await optionsOf(handle));
  await expect.poll(() => handle.mock.calls.length, { timeout: 30_000 }).toBe(7);
  expect(await operations.listParked()).toEqual([]);
});

test('the span of a handler whose effect fails ends with the error', async () => {
  const ends: unknown[] = [];
  const span = { traceId: 'a', spanId: 'b', end: (error?: unknown) => ends.push(error) };
  const tracer = { start: () => ({ traceparent: '00-a-b-01', span }) } as unknown as HandlerOptions['tracer'];
  const error = new Error('no');
  const options = await optionsOf(async () => undefined);
  const handle = () => () => Promise.reject(error);
  const runner = createHandlerRunner({ ...options, tracer, handlers: { 'note.added': handle } });
  const write = await runner.prepare(event);
  await expect(write()).rejects.toBe(error);
  expect(ends).toEqual([error]);
});
