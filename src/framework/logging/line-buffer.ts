/** A destination that accepts many log lines at a time. */
export interface LineDestination {
  /** @param lines complete lines in UTF-8. Neither caller nor destination may change the buffer later. */
  write(lines: Buffer): void;
  /** Writes the pending lines and these synchronously, at the end of the process. */
  writeSync(lines: Buffer): void;
}

/** How long a line waits for further lines, because each write has the cost of a task in another thread. */
const gatherMs = 5;
/** The maximum number of characters of joined lines. A destination that cannot take all lines drops only some of them. */
const maxGathered = 65_536;

/** Gathers lines, so that they are joined and encoded once for all of `destinations`. */
export function createLineBuffer(destinations: readonly LineDestination[]) {
  let pending: string[] = [];
  let pendingLength = 0;
  let isScheduled = false;

  function takePending(): Buffer {
    const lines = Buffer.from(pending.join(''));
    pending = [];
    pendingLength = 0;
    return lines;
  }

  function writePending(): void {
    if (pending.length === 0) return;
    const lines = takePending();
    for (const destination of destinations) destination.write(lines);
  }

  return {
    write(line: string): void {
      if (pendingLength + line.length > maxGathered) writePending();
      pending.push(line);
      pendingLength += line.length;
      if (isScheduled) return;
      isScheduled = true;
      setTimeout(() => {
        isScheduled = false;
        writePending();
      }, gatherMs);
    },
    flushSync(): void {
      const lines = takePending();
      for (const destination of destinations) destination.writeSync(lines);
    },
  };
}
