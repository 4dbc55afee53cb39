import { closeSync, existsSync, fstatSync, openSync, renameSync, write, writeSync } from 'node:fs';
import type { LineDestination } from './line-buffer.ts';
import { type LineQueueOptions, openLineQueue } from './line-queue.ts';

interface RotatingFileOptions extends LineQueueOptions {
  /** When the file has this many bytes, it is renamed and a new file is opened. */
  readonly maxBytes?: number;
  /** The number of old files that are kept. */
  readonly keep?: number;
}

/** Only this user may read the log, because it holds personal data. */
const mode = 0o600;

/**
 * Opens a log file of bounded size, written in the background, in order. After `maxBytes`, `pets.jsonl` is renamed to
 * `pets.1.jsonl`, that file to `pets.2.jsonl`, and so on; only `keep` old files are kept. It replaces pino-roll, which
 * numbers the current file, so that its name changes.
 * @param path the current file. Its folder must exist.
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
      // For example because a user removed the folder. The open file still accepts entries.
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
