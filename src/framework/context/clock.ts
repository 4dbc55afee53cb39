/** A larger difference means that the wall clock was set. A smaller one is its granularity. */
const maxDriftMs = 5;

let origin = performance.timeOrigin;

/**
 * Returns the current time of all spans of a process, as seconds since 1970 and nanoseconds. `Date.now()` is too coarse: a
 * statement of 20 µs would seem to end after its request. The clock follows the wall clock when that is set.
 */
export function spanTime(): [seconds: number, nanoseconds: number] {
  const ticks = performance.now();
  const wall = Date.now();
  if (Math.abs(wall - origin - ticks) > maxDriftMs) origin = wall - ticks;
  const now = origin + ticks;
  const seconds = Math.floor(now / 1_000);
  return [seconds, Math.floor((now - seconds * 1_000) * 1e6)];
}
