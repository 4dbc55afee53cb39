import { runOutsideWrite } from '../context/open-write.ts';

/** Keys that one write removes at most, which takes a few ms. */
const maxPrunedKeys = 1_000;

interface PruningOptions {
  /** How often to prune, because keys also expire while no new keys arrive. */
  readonly pruneEveryMs: number;
  /** How many new keys start the next pruning early. */
  readonly pruneAfterKeys: number;
}

/**
 * Removes expired keys, and keys and responses past the bounds, in the background.
 * @param prune removes up to `limit` keys and resolves with whether more may be left.
 */
export function schedulePruning(
  prune: (limit: number) => Promise<boolean>,
  { pruneEveryMs, pruneAfterKeys }: PruningOptions,
) {
  let isClosed = false;
  let isRunning = false;
  let newKeys = 0;

  async function pruneAll(): Promise<void> {
    while (!isClosed && (await prune(maxPrunedKeys))) {}
  }

  function start(): void {
    if (isRunning || isClosed) return;
    isRunning = true;
    newKeys = 0;
    // Errors are ignored, because the next run tries again: a full disk, or a lock that another process holds.
    void runOutsideWrite(pruneAll)
      .catch(() => {})
      .finally(() => {
        isRunning = false;
        if (newKeys >= pruneAfterKeys) start();
      });
  }

  const soon = setImmediate(start).unref();
  const timer = setInterval(start, pruneEveryMs).unref();
  return {
    countKey(): void {
      newKeys += 1;
      if (newKeys >= pruneAfterKeys) start();
    },
    close(): void {
      isClosed = true;
      clearImmediate(soon);
      clearInterval(timer);
    },
  };
}
