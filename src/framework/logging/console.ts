import { constants, fstatSync, openSync, statSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { devNull } from 'node:os';
import { isatty } from 'node:tty';
import type { LineDestination } from './line-buffer.ts';
import { type LineQueueOptions, type LineTarget, openLineQueue } from './line-queue.ts';

let opened: LineDestination | undefined;
let options: LineQueueOptions = {};

/**
 * Opens standard output. All callers share one queue, with the options of the last call that passes them. A full disk, a
 * closed pipe or a pipe that nothing reads never blocks the event loop. Such an output delays the end of the process only
 * briefly.
 */
export function openStandardOutput(newOptions?: LineQueueOptions): LineDestination {
  options = newOptions ?? options;
  opened ??= openLineQueue(openTarget(), {
    onError: (error) => options.onError?.(error),
    onDropped: (bytes) => options.onDropped?.(bytes),
  });
  return opened;
}

/** Returns whether standard output is the null device. */
export function isOutputDiscarded(): boolean {
  const { rdev } = fstatSync(1);
  return rdev !== 0 && rdev === statSync(devNull).rdev;
}

function openTarget(): LineTarget {
  const fd = openNonBlocking();
  if (fd === undefined) {
    return { write: (bytes, done) => write(1, bytes, done), writeSync: (bytes) => writeSync(1, bytes) };
  }
  // Write in this thread: a thread of the pool that is blocked in a write would block the end of the process.
  return {
    write(bytes, done) {
      let written = 0;
      try {
        written = writeSync(fd, bytes);
      } catch (error) {
        return done(error as NodeJS.ErrnoException, 0);
      }
      done(null, written);
    },
    writeSync: (bytes) => writeSync(fd, bytes),
  };
}

/** Referenced here, because a collected socket would close its file descriptor. */
let socket: Socket | undefined;

/** Returns a file descriptor of standard output whose writes never block. Undefined for a file: its writes always block. */
function openNonBlocking(): number | undefined {
  const stats = fstatSync(1);
  try {
    if (stats.isFIFO() || stats.isSocket()) {
      // Node makes a pipe or a socket non-blocking when it wraps it, as it does for process.stdout.
      socket = new Socket({ fd: 1, readable: false });
      socket.unref();
      return 1;
    }
    // Open a terminal again, because the shell shares the first descriptor and needs it to block.
    if (isatty(1))
      return openSync('/dev/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // For example if the terminal belongs to another user. Then writes run in another thread.
  }
  return undefined;
}
