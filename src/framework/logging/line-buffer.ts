/** A destination of log lines that takes many at a time. */
export interface LineDestination {
  /** @param lines each with its end, as UTF-8; nobody changes them. */
  write(lines: Buffer): void;
  /** Writes what waits, and these, now: for the end of the process. */
  writeSync(lines: Buffer): void;
}

/** How long a line waits for others to be written with, in ms: each write takes a turn of another thread. */
const gathering = 5;

/** Gathers lines for all of `sinks`, so that they are put together, and made bytes, once. */
export function createLineBuffer(sinks: readonly LineDestination[]) {
  let waiting: string[] = [];

  /** Takes the lines that wait. */
  function take(): Buffer {
    const lines = Buffer.from(waiting.join(''));
    waiting = [];
    return lines;
  }

  function pass(): void {
    if (waiting.length === 0) return;
    const lines = take();
    for (const sink of sinks) sink.write(lines);
  }

  return {
    write(line: string): void {
      waiting.push(line);
      if (waiting.length === 1) setTimeout(pass, gathering);
    },
    flushSync(): void {
      const lines = take();
      for (const sink of sinks) sink.writeSync(lines);
    },
  };
}
