import { closeSync, existsSync, fstatSync, openSync, renameSync, write, writeSync } from 'node:fs';
import type { LineSink } from './gather.ts';

export interface RotatingFileOptions {
  /** Past this a file is renamed and a new one begun. */
  readonly maxBytes?: number;
  /** How many old files are kept. */
  readonly keep?: number;
  /** Told once when the file cannot be written, and not again until it could. */
  onError?(error: Error): void;
}

/** While the file cannot be written, so many bytes wait for it at most, ms between two tries. */
const patience = { waiting: 4 * 1024 * 1024, pause: 1_000 };

/**
 * A log file that never outgrows its disk, written in the background, in order: past `maxBytes` `pets.jsonl` becomes
 * `pets.1.jsonl`, that one `pets.2.jsonl`, and what is older than `keep` of them is gone. Our own, since pino-roll
 * numbers the file that is written, so that its name is never the same for long, and SonicBoom never returns from an
 * exit on a full disk.
 * @param path of the file that is written; its folder must exist.
 */
export function openRotatingFile(path: string, options: RotatingFileOptions = {}): LineSink {
  const { maxBytes = 10 * 1024 * 1024, keep = 5, onError } = options;
  let fd = openSync(path, 'a', 0o600);
  let size = fstatSync(fd).size;
  let waiting: Buffer[] = [];
  let length = 0;
  let isWriting = false;
  let isFailing = false;
  if (size >= maxBytes) rotate();

  function writeWaiting(): void {
    if (isWriting || waiting.length === 0) return;
    isWriting = true;
    let batch = waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting);
    waiting = [];
    length = 0;
    // As much as the file still takes, to the end of a line.
    const end = batch.indexOf('\n', Math.max(0, maxBytes - size - 1)) + 1;
    if (end > 0 && end < batch.length) {
      waiting = [batch.subarray(end)];
      length = batch.length - end;
      batch = batch.subarray(0, end);
    }
    writeBatch(batch);
  }

  function writeBatch(batch: Buffer): void {
    write(fd, batch, (error, written) => {
      if (error !== null && error.code !== 'EAGAIN') return retryLater(batch, error);
      isFailing = false;
      size += written;
      if (written < batch.length) return writeBatch(batch.subarray(written));
      isWriting = false;
      if (size >= maxBytes) rotate();
      writeWaiting();
    });
  }

  function retryLater(batch: Buffer, error: Error): void {
    if (!isFailing) onError?.(error);
    isFailing = true;
    setTimeout(writeBatch, patience.pause, batch).unref();
  }

  function rotate(): void {
    size = 0;
    try {
      for (let age = keep - 1; age >= 0; age -= 1) {
        if (existsSync(aged(path, age))) renameSync(aged(path, age), aged(path, age + 1));
      }
      const next = openSync(path, 'a', 0o600);
      closeSync(fd);
      fd = next;
    } catch (error) {
      // As where somebody removed the folder: what is open still takes lines.
      onError?.(error as Error);
    }
  }

  return {
    write(lines) {
      if (isFailing && length > patience.waiting) return;
      waiting.push(lines);
      length += lines.length;
      writeWaiting();
    },
    writeSync(lines) {
      let rest = Buffer.concat([...waiting, lines]);
      waiting = [];
      length = 0;
      try {
        while (rest.length > 0) {
          const written = writeSync(fd, rest);
          size += written;
          rest = rest.subarray(written);
        }
      } catch (error) {
        if (!isFailing) onError?.(error as Error);
      }
    },
  };
}

function aged(path: string, age: number): string {
  return age === 0 ? path : path.replace(/(\.\w+)?$/, `.${age}$1`);
}
