import { performance } from 'node:perf_hooks';
import { expect, type TestContext, test, vi } from 'vitest';
import { openConcurrencyLimit } from '../../../../src/framework/http/overload/concurrency-limit.ts';

/** Requests under a clock that goes as it is told, and an event loop that is busy when it is told. */
function simulate(t: TestContext, limits: { requests: number; wait: number; unread?: number }) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let now = 0;
  let active = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  vi.spyOn(performance, 'eventLoopUtilization').mockImplementation((_now, before) => {
    const use = { active: active - (before?.active ?? 0), idle: now - active - (before?.idle ?? 0) };
    return { ...use, utilization: use.active / (use.active + use.idle) };
  });
  const limit = openConcurrencyLimit({ unread: 1_000, ...limits });
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
    isFull: () => limit.excess() !== undefined,
    /** Nothing happens for so long. */
    idle: pass,
    /** For `ms` in all, it ends `count` every `every` ms, and as many come. */
    work({ ms, every, count = 1 }: { ms: number; every: number; count?: number }, step = () => {}) {
      for (let passed = 0; passed < ms; passed += every) {
        active += every;
        pass(every);
        step();
        leave(count);
        enter(count);
      }
    },
    /** As many as are let in. */
    fill(): number {
      let entered = 0;
      for (; limit.excess() === undefined; entered += 1) limit.enter();
      return entered;
    },
  };
}

test('where what is in work would wait too long for its turn, no more is admitted until it would not', (t) => {
  const { enter, leave, idle, work, isFull } = simulate(t, { requests: 1_000, wait: 50 });
  enter(100);
  // It ends 50 a second: a hundred would take 2 s.
  work({ ms: 400, every: 20 });
  expect(isFull()).toBe(false); // a burst
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

test('after it was too much, the next flood is not let in whole, and what waits for somebody else makes room', (t) => {
  const { leave, idle, work, fill, isFull } = simulate(t, { requests: 2_000, wait: 50 });
  expect(fill()).toBe(2_000);
  leave(2_000 - 64);
  work({ ms: 1_000, every: 10 });
  leave(64);
  idle(200);
  expect(fill()).toBe(512);
  // Not with the next look: that these wait for somebody else is seen only when they have waited from one to the other.
  idle(100);
  expect(isFull()).toBe(true);
  leave(512);
  expect(fill()).toBe(512);
  idle(100);
  expect(isFull()).toBe(true);
  idle(100);
  expect(fill()).toBe(512);
  // Only for a while.
  leave(1_024);
  idle(61_000);
  expect(fill()).toBe(2_000);
});

test('what takes little more than a refusal is not refused', (t) => {
  const { enter, work, isFull } = simulate(t, { requests: 1_000, wait: 1 });
  enter(500);
  // 20 a ms, of which 20 are ended within 1 ms.
  work({ ms: 1_500, every: 1, count: 20 }, () => expect(isFull()).toBe(false));
  // 4 a ms.
  work({ ms: 1_500, every: 1, count: 4 });
  expect(isFull()).toBe(true);
});

test('what is spent on refusing does not make it admit less and less', (t) => {
  const { limit, enter, work, isFull } = simulate(t, { requests: 1_000, wait: 200 });
  enter(79);
  // It ends 200 a second at most, 40 within 200 ms; but nine tenths of the time go by with refusing.
  work({ ms: 2_000, every: 5 }, () => {
    limit.rejected(0.45 * 5);
    expect(isFull()).toBe(false);
  });
  enter(1_000);
  expect(isFull()).toBe(true);
});
