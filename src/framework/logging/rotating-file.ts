import { closeSync, existsSync, fstatSync, openSync, renameSync, write, writeSync } from 'node:fs';
import type { LineDestination } from './line-buffer.ts';
import { type LineQueueOptions, openLineQueue } from './line-queue.ts';

export interface RotatingFileOptions extends LineQueueOptions {
  /** When the file has this many bytes it is renamed, and a new one is begun. */
  readonly maxBytes?: number;
  /** How many old files are kept. */
  readonly keep?: number;
}

/** For this user alone: a log names people and what they do. */
const mode = 0o600;

/**
 * A log file that never outgrows its disk, written in the background, in order: past `maxBytes` `pets.jsonl` becomes
 * `pets.1.jsonl`, that one `pets.2.jsonl`, and files older than `keep` of them are deleted. Our own, because pino-roll
 * numbers the file that is written, so that its name is never the same for long.
 * @param path of the file that is written; its folder must exist.
 */
export function openRotatingFile(path: string, options: RotatingFileOptions = {}): LineDestination {
  const { maxBytes = 10 * 1024 * 1024, keep = 5, onError } = options;
  let fd = openSync(path, 'a', mode);
  let size = fstatSync(fd).size;
  if (size >= maxBytes) rotate();

  function rotate(): void {
    size = 0;
    try {
      for (let age = keep - 1; age >= 0; age -= 1) {
        if (existsSync(aged(path, age))) renameSync(aged(path, age), aged(path, age + 1));
      }
      const next = openSync(path, 'a', mode);
      closeSync(fd);
      fd = next;
    } catch (error) {
      // For example if a user removed the folder: the open file still takes entries.
      onError?.(error as Error);
    }
  }

  return openLineQueue(
    {
      write(bytes, done) {
        write(fd, bytes, (error, written) => {
          if (error === null) size += written;
          done(error, written);
        });
      },
      writeSync(bytes) {
        const written = writeSync(fd, bytes);
        size += written;
        return written;
      },
      limit(bytes) {
        const end = bytes.indexOf('\n', Math.max(0, maxBytes - size - 1)) + 1;
        return end > 0 ? end : bytes.length;
      },
      onWritten() {
        if (size >= maxBytes) rotate();
      },
    },
    options,
  );
}

function aged(path: string, age: number): string {
  return age === 0 ? path : path.replace(/(\.\w+)?$/, `.${age}$1`);
}
