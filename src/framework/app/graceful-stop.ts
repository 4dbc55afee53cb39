import cluster from 'node:cluster';
import closeWithGrace from 'close-with-grace';
import { internalLimits } from '../config/limits.ts';
import type { Logger } from '../logging/logger.ts';
import { hasTerminal, releaseEarlySignals } from './early-signals.ts';

/**
 * Signals of a broken machine or process. No JavaScript can run after a real one: with a listener the faulting
 * instruction is repeated for ever. Without one the kernel ends the process, and its supervisor restarts it.
 */
const faults = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const;

export interface GracefulStopOptions {
  readonly log: Logger;
  /** How long `stop` may take, in ms; after that the process exits with 1. */
  readonly delay?: number;
  /** Handles SIGHUP; absent: nothing here can be replaced. */
  readonly reload?: () => void;
  /** Ends the work of this process. */
  stop(): Promise<void>;
}

/**
 * Ends the process after `stop`: on SIGTERM or SIGINT with 0, after an uncaught error with 1.
 *
 * SIGHUP never cuts a request. Without `reload` it stops a process that a user started at a terminal, because the
 * terminal was closed. Any other process ignores it with a line: a supervisor that reloads wants no outage.
 */
export function stopGracefully({ log, delay = internalLimits.stopMs, reload, stop }: GracefulStopOptions) {
  const skip: NodeJS.Signals[] = [...faults];
  if (cluster.isWorker) {
    // The parent says when to stop.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      skip.push(signal);
      process.on(signal, () => {});
    }
  } else if (reload !== undefined || !hasTerminal) {
    skip.push('SIGHUP');
    process.on('SIGHUP', reload ?? (() => log.warn(ignored)));
  }
  let isClosing = false;
  let interruptedAt: number | undefined;
  if (!cluster.isWorker) {
    skip.push('SIGINT');
    process.on('SIGINT', interrupt);
  }
  const grace = closeWithGrace(
    { delay, logger: log, skip: skip as never },
    async ({ err, signal: received }) => {
      isClosing = true;
      const signal = interruptedAt === undefined ? received : 'SIGINT';
      if (err !== undefined) log.fatal({ err }, 'stopping after an error that nothing caught');
      else log.info(signal === undefined ? 'stopping' : `stopping on ${signal}`);
      await stop();
      log.info('stopped');
    },
  );
  releaseEarlySignals();
  if (isTied) {
    process.on('disconnect', close);
    if (!process.connected) close();
  }
  return { close };

  /** Stops as on a signal; a second call changes nothing. */
  function close(): void {
    if (!isClosing) grace.close();
  }

  /** Stops; a second Ctrl-C ends the process immediately. */
  function interrupt(): void {
    if (!isClosing) {
      interruptedAt = performance.now();
      close();
    } else if (interruptedAt === undefined || performance.now() - interruptedAt > repeatMs) {
      log.error('second SIGINT, exiting');
      process.exit(1);
    }
  }
}

/**
 * Whether this process belongs to the one that started it, which `./run.sh --all` and `dev` ask for: it stops when
 * their channel closes, also because they were killed. Instances are ended by node:cluster then.
 */
const isTied = process.env.MONOLITH_TIED !== undefined && !cluster.isWorker;

/** Tells a process that this one is tied to that it listens. */
export function notifyListening(): void {
  if (isTied && process.connected) process.send?.('listening', () => {});
}

/**
 * A second SIGINT within this time, in ms, is the same one: at a terminal, Ctrl-C reaches every process of the group, and
 * npm and `./run.sh dev` pass theirs on.
 */
const repeatMs = 1_000;

const ignored =
  'SIGHUP ignored: one instance cannot be replaced without an outage; set instances: 2, or restart';
