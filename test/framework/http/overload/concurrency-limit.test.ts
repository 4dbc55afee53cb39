import { performance } from 'node:perf_hooks';
import { expect, type TestContext, test, vi } from 'vitest';
import { openConcurrencyLimit } from '../../../../src/framework/http/overload/concurrency-limit.ts';

/** Simulates requests, with a clock and an event-loop utilization that the test controls. */
function simulate(t: TestContext, limits: { requests: number; wait: number; unread?: number }) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let now = 10_000;
  let active = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  vi.spyOn(performance, 'eventLoopUtilization').mockImplementation((_now, before) => {
    const use = { active: active - (before?.active ?? 0), idle: now - active - (before?.idle ?? 0) };
    return { ...use, utilization: use.active / (use.active + use.idle) };
  });
  const limit = openConcurrencyLimit({ unread: 1_000, time: { handler: 15_000 }, ...limits });
  t.onTestFinished(() => {
    limit.close();
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  const pass = (ms: number) => {
    now += ms;
    vi.advanceTimersByTime(ms);
  };
  const enter = (count: number) => {
    for (let index = 0; index < count; index += 1) limit.enter();
  };
  const leave = (count: number) => {
    for (let index = 0; index < count; index += 1) limit.leave();
  };
  return {
    ...{ limit, enter, leave },
    isFull: () => limit.findExcess() !== undefined,
    /** Passes time in which the event loop is idle. */
    idle: pass,
    /** Keeps the event loop busy for `ms`: every `every` ms `count` requests end, and as many arrive. */
    work({ ms, every, count = 1 }: { ms: number; every: number; count?: number }, step = () => {}) {
      for (let passed = 0; passed < ms; passed += every) {
        active += every;
        pass(every);
        step();
        leave(count);
        enter(count);
      }
    },
    /** Adds requests until one is rejected, and returns how many were admitted. */
    fill(): number {
      let entered = 0;
      for (; limit.findExcess() === undefined; entered += 1) limit.enter();
      return entered;
    },
  };
}

test('a busy server rejects no request that may wait as long as its handler', (t) => {
  for (const [wait, isFull] of [
    [14_999, true],
    [15_000, false],
  ] as const) {
    const simulated = simulate(t, { requests: 1_000, wait });
    simulated.enter(100);
    // No request ends.
    simulated.work({ ms: 1_000, every: 20, count: 0 });
    expect([wait, simulated.isFull()]).toEqual([wait, isFull]);
  }
});

test('a busy server rejects requests that would wait too long, until fewer are in progress', (t) => {
  const { enter, leave, idle, work, isFull } = simulate(t, { requests: 1_000, wait: 50 });
  enter(100);
  // 50 requests end per second, so 100 requests take 2 s.
  work({ ms: 400, every: 20 });
  expect(isFull()).toBe(false); // still a burst
  work({ ms: 200, every: 20 });
  expect(isFull()).toBe(true);
  leave(40);
  expect(isFull()).toBe(false);
  enter(40);
  expect(isFull()).toBe(true);
  idle(200);
  expect(isFull()).toBe(false);
  enter(900);
  expect(isFull()).toBe(true);
});

test('after an overload only a part of the next burst is admitted; requests that wait for a peer do not count', (t) => {
  const { leave, idle, work, fill, isFull } = simulate(t, { requests: 2_000, wait: 50 });
  expect(fill()).toBe(2_000);
  leave(2_000 - 64);
  work({ ms: 1_000, every: 10 });
  leave(64);
  idle(200);
  expect(fill()).toBe(512);
  // The limit sees that requests wait for a peer only after they have waited for a whole tick.
  idle(100);
  expect(isFull()).toBe(true);
  leave(512);
  expect(fill()).toBe(512);
  idle(100);
  expect(isFull()).toBe(true);
  idle(100);
  expect(fill()).toBe(512);
  // The limit remembers the overload for a minute.
  leave(1_024);
  idle(61_000);
  expect(fill()).toBe(2_000);
});

test('after five seconds of slow requests the limit falls to the number that ends in five seconds', (t) => {
  const { enter, leave, work, isFull } = simulate(t, { requests: 1_000, wait: 50 });
  enter(63);
  // 10 requests end per second.
  work({ ms: 4_800, every: 100 }, () => expect(isFull()).toBe(false));
  work({ ms: 1_000, every: 100 });
  expect(isFull()).toBe(true);
  leave(63 - 50);
  expect(isFull()).toBe(true);
  leave(1);
  expect(isFull()).toBe(false);
});

test('requests that cost little more than a rejection are not rejected', (t) => {
  const { enter, work, isFull } = simulate(t, { requests: 1_000, wait: 1 });
  enter(500);
  // 20 requests end per ms, so each takes 0.05 ms.
  work({ ms: 1_500, every: 1, count: 20 }, () => expect(isFull()).toBe(false));
  // 4 requests end per ms, so each takes 0.25 ms.
  work({ ms: 1_500, every: 1, count: 4 });
  expect(isFull()).toBe(true);
});

test('time spent on rejections does not lower the limit', (t) => {
  const { limit, enter, work, isFull } = simulate(t, { requests: 1_000, wait: 200 });
  enter(79);
  // 200 requests end per second, 40 within 200 ms, but rejections take nine tenths of the time.
  work({ ms: 2_000, every: 5 }, () => {
    limit.countRejection(0.45 * 5);
    expect(isFull()).toBe(false);
  });
  enter(1_000);
  expect(isFull()).toBe(true);
});

test('the server measures how busy it is since the last tick, however long it was idle before', (t) => {
  const { enter, idle, work, isFull } = simulate(t, { requests: 1_000, wait: 50 });
  idle(60_000);
  enter(100);
  work({ ms: 600, every: 20 });
  expect(isFull()).toBe(true);
});

test('one slow tick lowers the limit by its share of the average', (t) => {
  const { leave, enter, work, isFull } = simulate(t, { requests: 1_000, wait: 1_000 });
  enter(500);
  // 200 requests end per second, and then none for a tick.
  work({ ms: 1_000, every: 5 });
  work({ ms: 100, every: 100, count: 0 });
  leave(500 - 142);
  expect(isFull()).toBe(false);
  enter(1);
  expect(isFull()).toBe(true);
});

test('the time of rejections counts in its own tick only', (t) => {
  const { limit, enter, leave, work, isFull } = simulate(t, { requests: 1_000, wait: 1_000 });
  enter(500);
  work({ ms: 1_000, every: 5 }, () => limit.countRejection(0.45 * 5));
  work({ ms: 3_000, every: 5 });
  // 200 requests end per second, so 200 end within a second.
  leave(500 - 201);
  expect(isFull()).toBe(true);
  leave(2);
  expect(isFull()).toBe(false);
});

test('requests that wait for a peer are those that were in progress all the time', (t) => {
  const { enter, leave, idle, work, fill } = simulate(t, { requests: 2_000, wait: 50 });
  enter(64);
  work({ ms: 1_000, every: 10 });
  leave(54);
  enter(300);
  leave(100);
  idle(100);
  // 10 requests waited. The next burst after an overload has 512.
  expect(fill()).toBe(10 + 512 - 210);
});

test('requests that are admitted and not started count', (t) => {
  const { limit, enter } = simulate(t, { requests: 10, wait: 50 });
  enter(6);
  expect(limit.findExcess(3)).toBeUndefined();
  expect(limit.findExcess(4)).toBe('requests');
});

test('a request is rejected while clients have more than `limits.unread` bytes to read', (t) => {
  const { limit } = simulate(t, { requests: 10, wait: 50, unread: 1_000 });
  limit.setUnread(1_000);
  expect(limit.findExcess()).toBeUndefined();
  limit.setUnread(1_001);
  expect(limit.findExcess()).toBe('unread');
  limit.setUnread(0);
  expect(limit.findExcess()).toBeUndefined();
});
