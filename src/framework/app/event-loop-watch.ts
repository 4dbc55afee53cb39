import type { Logger } from '../logging/logger.ts';

const everyMs = 500;
/** Shorter blocks are normal under load; the metric `nodejs_eventloop_lag_seconds` shows them. */
const reportedMs = 1_000;

/**
 * Writes one line each time that the event loop was blocked for a second or more: no request got a response meanwhile.
 * A block that ends within `everyMs` after a second may be missed.
 * @returns ends the watch.
 */
export function watchEventLoop(log: Logger): () => void {
  let latest = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const ms = Math.round(now - latest - everyMs);
    latest = now;
    if (ms >= reportedMs) log.warn({ ms }, 'the event loop was blocked');
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
