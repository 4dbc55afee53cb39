import type { Logger } from '../logging/logger.ts';

const intervalMs = 500;
/** Shorter blocks are normal under load; the metric `nodejs_eventloop_lag_seconds` shows them. */
const minReportedMs = 1_000;

/**
 * Logs each block of the event loop of at least `minReportedMs`. It may miss a block that exceeds this by less than
 * `intervalMs`.
 * @returns a function that ends the watch.
 */
export function watchEventLoop(log: Logger): () => void {
  let latest = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const ms = Math.round(now - latest - intervalMs);
    latest = now;
    if (ms >= minReportedMs) log.warn({ ms }, 'the event loop was blocked');
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
