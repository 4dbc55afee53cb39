import cluster from 'node:cluster';
import closeWithGrace from 'close-with-grace';
import { internalLimits } from '../config/limits.ts';
import type { Logger } from '../logging/logger.ts';
import { hasTerminal, releaseEarlySignals } from './early-signals.ts';

/**
 * Signals of a fault in the process or the hardware. They have no listener, because Node would then repeat the faulting
 * instruction forever. The kernel ends the process instead, and its supervisor restarts it.
 */
const faultSignals = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const;

export interface GracefulStopOptions {
  readonly log: Logger;
  /** The maximum time of `stop`, in ms. After it the process exits with 1. */
  readonly timeoutMs?: number;
  /** Handles SIGHUP: replaces the instances. Absent if there is one instance. */
  readonly reload?: () => void;
  /** Completes the work of this process and closes what it has open. */
  stop(): Promise<void>;
}

/**
 * Runs `stop` and ends the process: on SIGTERM or SIGINT with exit code 0, after an uncaught error with 1.
 *
 * SIGHUP never interrupts a request. Without `reload` it stops a process that has a terminal, because the terminal was
 * closed. Any other process ignores it and logs a warning, because a supervisor that reloads expects no outage.
 */
export function stopGracefully({
  log,
  timeoutMs = internalLimits.stopMs,
  reload,
  stop,
}: GracefulStopOptions) {
  const skip: NodeJS.Signals[] = [...faultSignals];
  if (cluster.isWorker) {
    // The parent stops its instances by a message.
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
    { delay: timeoutMs, logger: log, skip: skip as never },
    async ({ err, signal: received }) => {
      isClosing = true;
      const signal = interruptedAt === undefined ? received : 'SIGINT';
      if (err !== undefined) log.fatal({ err }, 'stopping after an uncaught error');
      else log.info({ signal }, 'stopping');
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
 * Whether this process stops together with the process that started it, as `./run.sh --all` and `dev` request. It stops
 * when their IPC channel closes, also because the starter was killed. node:cluster stops instances in that case.
 */
const isTied = process.env.MONOLITH_TIED !== undefined && !cluster.isWorker;

/** Tells the process that started this process that the app listens, if both are tied. */
export function notifyListening(): void {
  if (isTied && process.connected) process.send?.('listening', () => {});
}

/**
 * A second SIGINT within this time is the same Ctrl-C: a terminal sends it to every process of the group, and npm and
 * `./run.sh dev` forward theirs.
 */
const repeatMs = 1_000;

const ignored =
  'SIGHUP ignored: one instance cannot be replaced without an outage; set instances: 2, or restart';
