import { AsyncLocalStorage } from 'node:async_hooks';
import type { TestContext } from 'vitest';

interface Timer {
  readonly due: number;
  fire(): void;
  unref(): void;
  clear(): void;
}

/** A clock for tests. Only `pass` advances it. */
export class Clock {
  now = 0;
  /** The pending timers, in the order in which they were set. */
  readonly timers = new Set<Timer>();

  set(callback: () => void, ms: number): Timer {
    const timer: Timer = {
      due: this.now + Math.max(1, ms),
      fire: AsyncLocalStorage.bind(callback),
      unref() {},
      clear: () => this.timers.delete(timer),
    };
    this.timers.add(timer);
    return timer;
  }

  /** Advances the clock by `ms`, and fires due timers in order. Calls `settle` after each point in time. */
  async pass(ms: number, settle: () => Promise<void>): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const due = Math.min(...[...this.timers].map((timer) => timer.due));
      if (due > end) break;
      this.now = due;
      for (const timer of this.timers) {
        if (timer.due > due) continue;
        timer.clear();
        timer.fire();
      }
      await settle();
    }
    this.now = end;
  }
}

const storage = new AsyncLocalStorage<Clock>();

/** Longer timers belong to connections, and run by the real clock. */
const maxTimerMs = 10_000;

/** Makes code in `runBy` use its clock until the test ends. Not a spy, because spies keep every call in memory. */
export function useClocks(t: TestContext): void {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const now = performance.now.bind(performance);
  replace(
    t,
    globalThis,
    'setTimeout',
    (callback: (...args: unknown[]) => void, ms: number, ...args: unknown[]) => {
      const clock = storage.getStore();
      if (clock === undefined || ms > maxTimerMs) return set(callback, ms, ...args);
      return clock.set(() => callback(...args), ms);
    },
  );
  // Code that clears a timer may run outside `runBy`, because a connection keeps the context of its first call.
  replace(t, globalThis, 'clearTimeout', (timer?: Timer) => (timer?.clear ?? clear)(timer as never));
  replace(t, performance, 'now', () => storage.getStore()?.now ?? now());
}

function replace<Name extends string>(
  t: TestContext,
  owner: { [key in Name]: unknown },
  name: Name,
  value: unknown,
): void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  t.onTestFinished(() => {
    if (before === undefined) delete owner[name];
    else Object.defineProperty(owner, name, before);
  });
}

/** Runs `fn`, and all that it starts, with a clock. */
export function runBy<Result>(clock: Clock, fn: () => Result): Result {
  return storage.run(clock, fn);
}
