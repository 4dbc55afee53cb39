import type { LineDestination } from './line-buffer.ts';

/** The output of a queue. */
export interface LineTarget {
  /** Writes some of the bytes. Calls `done` once, immediately or later, with the number of bytes written. */
  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  /** Writes some of the bytes synchronously. Returns the number of bytes written. */
  writeSync(bytes: Buffer): number;
  /** Returns how many of the bytes may be in one batch, up to the end of a line. Absent: all. */
  limit?(bytes: Buffer): number;
  /** Called after a batch has been written. */
  onWritten?(): void;
}

export interface LineQueueOptions {
  /** Called with the first error, and not again until a write succeeds. */
  onError?(error: Error): void;
  /** Called when a write succeeds again, with the number of bytes that were dropped. */
  onDropped?(bytes: number): void;
  /** The pause between attempts after an error, in ms. */
  readonly retryMs?: number;
}

/** The maximum number of pending bytes. The queue drops lines that exceed it. */
export const maxPendingBytes = 4 * 1024 * 1024;

/** The pause between attempts while the reader is too slow. It doubles from `firstMs` to `maxMs`. */
const busyPause = { firstMs: 5, maxMs: 100 };

/** How long the end of the process waits for a slow reader. */
const syncTimeoutMs = 500;

/**
 * Opens a queue that writes lines in the background, in order. After an error it tries again, without a limit. Memory is
 * bounded: the queue drops lines while too many are pending. It replaces SonicBoom, whose `flushSync` never returns on a
 * full disk.
 */
export function openLineQueue(target: LineTarget, options: LineQueueOptions = {}): LineDestination {
  const { onError, onDropped, retryMs = 1_000 } = options;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let droppedBytes = 0;
  /** The batch that waits for its next attempt. */
  let retried: Buffer | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isWriting = false;
  let isFailing = false;
  let busyMs = busyPause.firstMs;

  function fail(error: Error): void {
    if (!isFailing) onError?.(error);
    isFailing = true;
  }

  function recover(): void {
    isFailing = false;
    busyMs = busyPause.firstMs;
    if (droppedBytes === 0) return;
    const bytes = droppedBytes;
    droppedBytes = 0;
    onDropped?.(bytes);
  }

  function writePending(): void {
    if (isWriting || pending.length === 0) return;
    isWriting = true;
    const bytes = pending.length === 1 ? (pending[0] as Buffer) : Buffer.concat(pending);
    const end = target.limit?.(bytes) ?? bytes.length;
    pending = end < bytes.length ? [bytes.subarray(end)] : [];
    pendingBytes = bytes.length - end;
    writeBatch(bytes.subarray(0, end));
  }

  function writeBatch(batch: Buffer): void {
    target.write(batch, (error, written) => {
      if (error !== null) {
        if (error.code === 'EAGAIN') return retryLater(batch, nextBusyMs());
        fail(error);
        return retryLater(batch, retryMs);
      }
      recover();
      if (written < batch.length) return writeBatch(batch.subarray(written));
      isWriting = false;
      target.onWritten?.();
      writePending();
    });
  }

  function nextBusyMs(): number {
    const ms = busyMs;
    busyMs = Math.min(busyMs * 2, busyPause.maxMs);
    return ms;
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
      if (pendingBytes + lines.length > maxPendingBytes) {
        droppedBytes += lines.length;
        return fail(new Error('too many log entries are pending: new entries are dropped'));
      }
      pending.push(lines);
      pendingBytes += lines.length;
      writePending();
    },
    writeSync(lines) {
      let rest = Buffer.concat([...(retried === undefined ? [] : [retried]), ...pending, lines]);
      if (retried !== undefined) {
        clearTimeout(timer);
        retried = undefined;
        isWriting = false;
      }
      pending = [];
      pendingBytes = 0;
      const end = performance.now() + syncTimeoutMs;
      while (rest.length > 0) {
        try {
          rest = rest.subarray(target.writeSync(rest));
        } catch (error) {
          const isBusy = (error as NodeJS.ErrnoException).code === 'EAGAIN';
          if (!isBusy) fail(error as Error);
          if (!isBusy || performance.now() > end) return;
          Atomics.wait(sleeper, 0, 0, busyPause.firstMs);
        }
      }
    },
  };
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));
