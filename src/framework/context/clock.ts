/** A larger difference means that the system clock was set. A smaller one is its granularity. */
const maxDriftMs = 1;

let origin = performance.timeOrigin;

/**
 * Returns the milliseconds since 1970 with a fraction: the system clock, which has whole milliseconds, with the finer
 * digits of `performance.now()`. It follows the system clock if that is set.
 */
export function nowMillis(): number {
  const wall = Date.now();
  const ticks = performance.now();
  if (Math.abs(wall - origin - ticks) > maxDriftMs) origin = wall - ticks;
  return origin + ticks;
}
