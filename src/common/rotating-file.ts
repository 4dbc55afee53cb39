import { closeSync, existsSync, fstatSync, openSync, renameSync, write, writeSync } from 'node:fs';

export interface RotatingFileOptions {
  /** Past this a file is renamed and a new one begun. */
  readonly maxBytes?: number;
  /** How many old files are kept. */
  readonly keep?: number;
  /** Told once when the file cannot be written, and not again until it could. */
  onError?(error: Error): void;
}

/** A file for lines: they are written in the background, in order, as many at once as wait. */
export interface RotatingFile {
  write(line: string): void;
  /** Writes what waits, now: for the end of the process. */
  flushSync(): void;
}

/** How long a line waits for others to be written with, in ms: each write takes a turn of another thread. */
export const gathering = 5;

/** While the file cannot be written, so many characters wait for it at most, ms between two tries. */
const patience = { waiting: 4 * 1024 * 1024, pause: 1_000 };

/**
 * A log file that never outgrows its disk: past `maxBytes` `pets.jsonl` becomes `pets.1.jsonl`, that one
 * `pets.2.jsonl`, and what is older than `keep` of them is gone. Our own, since pino-roll numbers the file that is
 * written, so that its name is never the same for long, and SonicBoom never returns from an exit on a full disk.
 * @param path of the file that is written; its folder must exist.
 */
export function openRotatingFile(path: string, options: RotatingFileOptions = {}): RotatingFile {
  const { maxBytes = 10 * 1024 * 1024, keep = 5, onError } = options;
  let fd = openSync(path, 'a');
  let size = fstatSync(fd).size;
  let waiting: string[] = [];
  let length = 0;
  let isWriting = false;
  let isWaiting = false;
  let isFailing = false;

  function gather(): void {
    if (!isWaiting) setTimeout(writeWaiting, gathering);
    isWaiting = true;
  }

  function writeWaiting(): void {
    isWaiting = false;
    if (isWriting || waiting.length === 0) return;
    isWriting = true;
    // As much as the file still takes, to the end of a line.
    let count = 0;
    for (let room = maxBytes - size; room > 0 && count < waiting.length; count += 1) {
      room -= (waiting[count] as string).length;
    }
    const text = waiting.splice(0, count).join('');
    length -= text.length;
    writeBatch(Buffer.from(text));
  }

  function writeBatch(batch: Buffer): void {
    write(fd, batch, (error, written) => {
      if (error !== null && error.code !== 'EAGAIN') return retryLater(batch, error);
      isFailing = false;
      size += written;
      if (written < batch.length) return writeBatch(batch.subarray(written));
      isWriting = false;
      if (size >= maxBytes) rotate();
      if (waiting.length > 0) gather();
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
      const next = openSync(path, 'a');
      closeSync(fd);
      fd = next;
    } catch (error) {
      // As where somebody removed the folder: what is open still takes lines.
      onError?.(error as Error);
    }
  }

  return {
    write(line) {
      if (isFailing && length > patience.waiting) return;
      waiting.push(line);
      length += line.length;
      if (!isWriting) gather();
    },
    flushSync() {
      let rest = Buffer.from(waiting.join(''));
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
