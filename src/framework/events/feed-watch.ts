import { runOutsideWrite } from '../context/open-write.ts';
import type { FeedState } from './feed-store.ts';

/** The interval of checks for events of other processes, in ms. */
const maxPauseMs = 50;

interface Waiting {
  readonly after: number;
  readonly isOver: () => boolean;
  readonly end: number;
  resolve(): void;
}

/** Wakes polls that wait for an event. All polls of a service share the checks of its database. */
export interface FeedWatch {
  /**
   * Resolves when there may be an event after a position, after `ms`, when `isOver` returns true, or when the app stops.
   */
  wait(after: number, ms: number, isOver: () => boolean): Promise<void>;
  /** Announces an event that this process is about to commit: the next checks follow quickly. */
  hint(): void;
  close(): void;
}

/** @param isEnding whether the app is stopping, which ends every wait. */
export function createFeedWatch(readState: () => Promise<FeedState>, isEnding: () => boolean): FeedWatch {
  const waiting = new Set<Waiting>();
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = maxPauseMs;

  let isChecking = false;

  function schedule(): void {
    // `hint` is called in a write. The check must not be part of that write.
    if (!isChecking) timer ??= runOutsideWrite(() => setTimeout(check, pauseMs));
  }

  async function check(): Promise<void> {
    timer = undefined;
    isChecking = true;
    pauseMs = Math.min(2 * pauseMs, maxPauseMs);
    const state = await readState().catch(() => undefined);
    isChecking = false;
    const now = performance.now();
    for (const one of waiting) {
      const hasEvent = state !== undefined && (state.hasNew || state.last > one.after);
      if (!hasEvent && now < one.end && !one.isOver() && !isEnding()) continue;
      waiting.delete(one);
      one.resolve();
    }
    if (waiting.size > 0) schedule();
  }

  return {
    wait: (after, ms, isOver) =>
      new Promise((resolve) => {
        waiting.add({ after, isOver, end: performance.now() + ms, resolve });
        schedule();
      }),
    hint() {
      pauseMs = 1;
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      schedule();
    },
    close() {
      clearTimeout(timer);
      for (const { resolve } of waiting) resolve();
      waiting.clear();
    },
  };
}
