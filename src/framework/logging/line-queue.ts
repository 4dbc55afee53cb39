import type { LineDestination } from './line-buffer.ts';

/** The output of a queue. */
export interface LineTarget {
  /** Writes some of these bytes, and calls back once, immediately or later, with how many. */
  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  /** Writes some of these bytes now, and returns how many. */
  writeSync(bytes: Buffer): number;
  /** How many of these bytes may be written together, to the end of a line; absent: all. */
  limit?(bytes: Buffer): number;
  /** Called after a batch has been written. */
  onWritten?(): void;
}

export interface LineQueueOptions {
  /** Gets the first error, and no other until a write succeeds. */
  onError?(error: Error): void;
  /** Gets the number of bytes that were dropped, when a write succeeds again. */
  onDropped?(bytes: number): void;
  /** The pause between two tries after an error, in ms. */
  readonly pause?: number;
}

/** How many bytes may wait: past them, lines are dropped. */
export const maxWaiting = 4 * 1024 * 1024;

/** The pauses while a reader is too slow, in ms: they double from the first to the last. */
const busy = { first: 5, last: 100 };

/** How long the end of the process may wait for a slow reader, in ms. */
const patience = 500;

/**
 * Writes lines in the background, in order, and tries again after an error, for ever. Memory is bounded: lines that
 * come while too many wait are dropped. Our own, because SonicBoom never returns from an exit on a full disk.
 */
export function openLineQueue(target: LineTarget, options: LineQueueOptions = {}): LineDestination {
  const { onError, onDropped, pause = 1_000 } = options;
  let waiting: Buffer[] = [];
  let length = 0;
  let dropped = 0;
  /** The rest of a batch that waits for its next attempt. */
  let retried: Buffer | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isWriting = false;
  let isFailing = false;
  let wait = busy.first;

  function fail(error: Error): void {
    if (!isFailing) onError?.(error);
    isFailing = true;
  }

  function recover(): void {
    isFailing = false;
    wait = busy.first;
    if (dropped === 0) return;
    const bytes = dropped;
    dropped = 0;
    onDropped?.(bytes);
  }

  function writeWaiting(): void {
    if (isWriting || waiting.length === 0) return;
    isWriting = true;
    let batch = waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting);
    const end = target.limit?.(batch) ?? batch.length;
    waiting = end < batch.length ? [batch.subarray(end)] : [];
    length = batch.length - end;
    batch = batch.subarray(0, end);
    writeBatch(batch);
  }

  function writeBatch(batch: Buffer): void {
    target.write(batch, (error, written) => {
      const rest = written < batch.length ? batch.subarray(written) : undefined;
      if (error !== null) {
        if (error.code === 'EAGAIN') return retryLater(batch, nextWait());
        fail(error);
        return retryLater(batch, pause);
      }
      recover();
      if (rest !== undefined) return writeBatch(rest);
      isWriting = false;
      target.onWritten?.();
      writeWaiting();
    });
  }

  function nextWait(): number {
    const now = wait;
    wait = Math.min(wait * 2, busy.last);
    return now;
  }

  function retryLater(batch: Buffer, ms: number): void {
    retried = batch;
    timer = setTimeout(() => {
      retried = undefined;
      writeBatch(batch);
    }, ms).unref();
  }

  return {
    write(lines) {
      if (length + lines.length > maxWaiting) {
        dropped += lines.length;
        return fail(new Error('too many lines wait: new ones are dropped'));
      }
      waiting.push(lines);
      length += lines.length;
      writeWaiting();
    },
    writeSync(lines) {
      let rest = Buffer.concat([...(retried === undefined ? [] : [retried]), ...waiting, lines]);
      if (retried !== undefined) {
        clearTimeout(timer);
        retried = undefined;
        isWriting = false;
      }
      waiting = [];
      length = 0;
      const end = performance.now() + patience;
      while (rest.length > 0) {
        try {
          rest = rest.subarray(target.writeSync(rest));
        } catch (error) {
          const isBusy = (error as NodeJS.ErrnoException).code === 'EAGAIN';
          if (!isBusy) fail(error as Error);
          if (!isBusy || performance.now() > end) return;
          Atomics.wait(sleeper, 0, 0, busy.first);
        }
      }
    },
  };
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));
