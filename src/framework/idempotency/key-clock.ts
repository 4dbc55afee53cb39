/** How long the system's clock must show another time before that is believed, in ms. */
const trustAfter = 60 * 60 * 1000;

/** The clocks to read, in ms. `elapsed` never jumps. */
export interface Clocks {
  now(): number;
  elapsed(): number;
}

const systemClocks: Clocks = { now: () => Date.now(), elapsed: () => performance.now() };

/** Between which two points in time it is now, in ms since 1970. */
export interface KeyClock {
  earliest(): number;
  latest(): number;
}

/**
 * Measures the age of what is kept, although the system's clock may jump. A key that is forgotten too early allows a
 * second effect, one that is kept too long does no harm. So a key is written with the latest time that it can be now, and
 * compared with the earliest: both differ from the system's clock for at most an hour after that has jumped.
 * @param newest when the newest key was written. The clock may be wrong as the process starts, so at first no more time
 * has passed since.
 */
export function createKeyClock(newest: number | undefined, clocks = systemClocks): KeyClock {
  const readOffset = () => clocks.now() - clocks.elapsed();
  let since = clocks.elapsed();
  const first = readOffset();
  /** How far the system's clock may be ahead of `elapsed`: what is believed, and what was seen since `since`. */
  let believed = { low: newest === undefined ? first : Math.min(first, newest - since), high: first };
  let seen = { low: first, high: first };

  function check(): number {
    const elapsed = clocks.elapsed();
    const offset = readOffset();
    seen = widen(seen, offset);
    believed = widen(believed, offset);
    if (elapsed - since >= trustAfter) {
      believed = seen;
      seen = { low: offset, high: offset };
      since = elapsed;
    }
    return elapsed;
  }

  return {
    earliest: () => Math.floor(check() + believed.low),
    latest: () => Math.ceil(check() + believed.high),
  };
}

function widen({ low, high }: { low: number; high: number }, offset: number) {
  return { low: Math.min(low, offset), high: Math.max(high, offset) };
}
