import { runOutsideWrite } from '../context/open-write.ts';

/** How many keys are removed in one write: it takes a few ms. */
const prunedTogether = 1_000;

export interface PruningOptions {
  /** How often to prune, in ms: expired keys must also go while no new keys arrive. */
  readonly everyMs: number;
  /** After how many new keys to prune. */
  readonly afterKeys: number;
}

/**
 * Removes expired keys, and what exceeds the bounds, in the background.
 * @param prune removes up to `limit` keys and resolves with whether more may be left.
 */
export function schedulePruning(
  prune: (limit: number) => Promise<boolean>,
  { everyMs, afterKeys }: PruningOptions,
) {
  let isClosed = false;
  let isRunning = false;
  let newKeys = 0;

  async function pruneAll(): Promise<void> {
    while (!isClosed && (await prune(prunedTogether))) {}
  }

  function start(): void {
    if (isRunning || isClosed) return;
    isRunning = true;
    newKeys = 0;
    // If the disk is full or another process holds the lock, the next time will do.
    void runOutsideWrite(pruneAll)
      .catch(() => {})
      .finally(() => {
        isRunning = false;
        if (newKeys >= afterKeys) start();
      });
  }

  const soon = setImmediate(start).unref();
  const timer = setInterval(start, everyMs).unref();
  return {
    countKey(): void {
      newKeys += 1;
      if (newKeys >= afterKeys) start();
    },
    close(): void {
      isClosed = true;
      clearImmediate(soon);
      clearInterval(timer);
    },
  };
}
