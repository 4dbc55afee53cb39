/** The age clock accepts a jump of the system clock after this time. */
const acceptAfterMs = 60 * 60 * 1000;

/** The clocks that the age clock reads, in ms. `elapsed` never jumps. */
interface Clocks {
  now(): number;
  elapsed(): number;
}

const systemClocks: Clocks = { now: () => Date.now(), elapsed: () => performance.now() };

/** Two points in time, in ms since 1970. The true time is between them. */
interface AgeClock {
  earliest(): number;
  latest(): number;
}

/**
 * Measures the age of idempotency keys and events, although the system clock may jump. A key that expires too early allows
 * a second effect, and an event that is deleted too early is lost. Too late does no harm. So a key is written with the
 * latest possible time, and ages are compared with the earliest. Both differ from the system clock for at most an hour
 * after a jump.
 * @param newest when the newest key or event was written. The system clock may be wrong when the process starts, so
 * `earliest` starts at this time.
 */
export function createAgeClock(newest: number | undefined, clocks = systemClocks): AgeClock {
  const readOffset = () => clocks.now() - clocks.elapsed();
  let since = clocks.elapsed();
  const first = readOffset();
  /** How far the system clock is ahead of `elapsed`: the accepted range, and the range that was read since `since`. */
  let accepted = { low: newest === undefined ? first : Math.min(first, newest - since), high: first };
  let seen = { low: first, high: first };

  function check(): number {
    const elapsed = clocks.elapsed();
    const offset = readOffset();
    seen = widen(seen, offset);
    accepted = widen(accepted, offset);
    if (elapsed - since >= acceptAfterMs) {
      accepted = seen;
      seen = { low: offset, high: offset };
      since = elapsed;
    }
    return elapsed;
  }

  return {
    earliest: () => Math.floor(check() + accepted.low),
    latest: () => Math.ceil(check() + accepted.high),
  };
}

function widen({ low, high }: { low: number; high: number }, offset: number) {
  return { low: Math.min(low, offset), high: Math.max(high, offset) };
}
