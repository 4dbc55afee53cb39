import { existsSync, fstatSync, openSync, renameSync } from 'node:fs';
import { pino } from 'pino';

/**
 * A log file that never outgrows its disk: past `maxBytes` `pets.jsonl` becomes `pets.1.jsonl`, that one
 * `pets.2.jsonl`, and what is older than `keep` of them is gone. pino-roll, the library for it, numbers the file
 * that is written instead, so that its name is never the same for long.
 * @param path of the file that is written; its folder must exist.
 */
export function openRotatingFile(path: string, { maxBytes = 10 * 1024 * 1024, keep = 5 } = {}) {
  // Open from the first line on: what a process says just before it ends at its start is not lost.
  const fd = openSync(path, 'a');
  const stream = pino.destination({ fd, sync: false });
  let size = fstatSync(fd).size;
  stream.on('write', (bytes: number) => {
    size += bytes;
    if (size < maxBytes) return;
    size = 0;
    for (let age = keep - 1; age >= 0; age -= 1) {
      if (existsSync(aged(path, age))) renameSync(aged(path, age), aged(path, age + 1));
    }
    // What is on its way still goes to the file that was renamed; what comes next goes to a new one.
    stream.reopen(path);
  });
  return stream;
}

function aged(path: string, age: number): string {
  return age === 0 ? path : path.replace(/(\.\w+)?$/, `.${age}$1`);
}
