import { AsyncLocalStorage } from 'node:async_hooks';
import type { TestContext } from 'vitest';

interface Timer {
  readonly due: number;
  fire(): void;
  unref(): void;
  clear(): void;
}

/** The time of whatever runs by it: it stands still but for `pass`. */
export class Clock {
  now = 0;
  /** What is to fire, in the order in which it was set. */
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

  /** Lets `ms` pass: fires what is due, in order, and has `settle` wait for what follows from it at once. */
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

/** No timer of a test is as long; those of connections are longer, and stay with the clock on the wall. */
const longest = 10_000;

/** From now until the test ends, what runs within `runBy` goes by that clock. Spies would keep every call. */
export function useClocks(t: TestContext): void {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const now = performance.now.bind(performance);
  replace(
    t,
    globalThis,
    'setTimeout',
    (callback: (...args: unknown[]) => void, ms: number, ...args: unknown[]) => {
      const clock = storage.getStore();
      if (clock === undefined || ms > longest) return set(callback, ms, ...args);
      return clock.set(() => callback(...args), ms);
    },
  );
  // Whoever clears it need not run by the clock that it was set by: a connection is whose it was at first.
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

export function runBy<Result>(clock: Clock, fn: () => Result): Result {
  return storage.run(clock, fn);
}
