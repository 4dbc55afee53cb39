import { constants, fstatSync, openSync, statSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { devNull } from 'node:os';
import { isatty } from 'node:tty';
import type { LineDestination } from './line-buffer.ts';
import { type LineQueueOptions, type LineTarget, openLineQueue } from './line-queue.ts';

let opened: LineDestination | undefined;
let options: LineQueueOptions = {};

/**
 * Opens standard output, once for the process; the last options that are given count. A full disk, a closed pipe or a pipe that
 * is not read never blocks the event loop or the end of the process.
 */
export function openStandardOutput(newest?: LineQueueOptions): LineDestination {
  options = newest ?? options;
  opened ??= openLineQueue(openTarget(), {
    onError: (error) => options.onError?.(error),
    onDropped: (bytes) => options.onDropped?.(bytes),
  });
  return opened;
}

/** Whether standard output is the null device. */
export function isOutputDiscarded(): boolean {
  const { rdev } = fstatSync(1);
  return rdev !== 0 && rdev === statSync(devNull).rdev;
}

function openTarget(): LineTarget {
  const fd = openNonBlocking();
  if (fd === undefined) {
    return { write: (bytes, done) => write(1, bytes, done), writeSync: (bytes) => writeSync(1, bytes) };
  }
  // Not in another thread: one that is blocked in a write would block the end of the process.
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

/** Keeps the socket, and with it the file, open. */
let socket: Socket | undefined;

/** A file descriptor of standard output whose writes never block; undefined for a file, whose writes always do. */
function openNonBlocking(): number | undefined {
  const stats = fstatSync(1);
  try {
    if (stats.isFIFO() || stats.isSocket()) {
      // Node makes a pipe or a socket non-blocking when it wraps it, as it does for process.stdout.
      socket = new Socket({ fd: 1, readable: false });
      socket.unref();
      return 1;
    }
    // A terminal is opened a second time: the shell that shares the first needs it to block.
    if (isatty(1))
      return openSync('/dev/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // As of another user: what is left is to write in another thread.
  }
  return undefined;
}
