import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { internalLimits } from '../config/limits.ts';
import { reasonOf } from '../errors/reason.ts';
import type { Logger } from '../logging/logger.ts';
import type { InstanceCounts } from '../metrics/instance-counts.ts';
import { closeUnaccepted } from './handed-connections.ts';

/** How an instance stops, see `App.stop`. */
export type StopMode = 'refuse' | 'hand over';

export interface InstanceProcessesOptions {
  readonly log: Logger;
  /** The internal credential that the instances share, because a call to the app may reach any of them. */
  readonly key: string;
  readonly counts: InstanceCounts;
  /** Receives the metrics of an instance. */
  listenForMetrics(worker: Worker): void;
}

/** An instance ended before it listened, with this exit code. */
export class InstanceError extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`an instance ended with ${code} before it listened`);
    this.code = code;
  }
}

/** Creates the functions that start and end the process of one instance. */
export function createInstanceProcesses({ log, key, counts, listenForMetrics }: InstanceProcessesOptions) {
  /** Every child process: starting, serving or ending. */
  const alive = new Set<Worker>();

  function killHung(slot: number | undefined, worker: Worker): void {
    counts.failures.hung += 1;
    log.error({ instance: slot, pid: worker.process.pid }, 'an instance does not respond: killing it');
    worker.process.kill('SIGKILL');
  }

  /** Starts a process and waits until it listens. Kills it after `timeoutMs`. */
  async function fork(slot: number, timeoutMs?: number): Promise<Worker> {
    const worker = cluster.fork({ MONOLITH_INSTANCE: String(slot), MONOLITH_KEY: key });
    alive.add(worker);
    worker.once('exit', () => alive.delete(worker));
    // A message to an instance that is ending fails. A listener for 'exit' logs the reason.
    worker.on('error', (err) => {
      log.warn({ instance: slot, reason: reasonOf(err) }, 'an instance cannot be reached');
    });
    listenForMetrics(worker);
    closeUnaccepted(worker, (connections) => {
      counts.dropped += connections;
      log.warn({ instance: slot, connections }, 'closed connections that an instance never accepted');
    });
    const timer = timeoutMs === undefined ? undefined : setTimeout(killHung, timeoutMs, slot, worker);
    try {
      await Promise.race([once(worker, 'listening'), failOnExit(worker)]);
    } finally {
      clearTimeout(timer);
    }
    return worker;
  }

  /** Stops a process. Kills it if it does not stop in time. */
  async function end(worker: Worker, mode: StopMode, slot?: number): Promise<void> {
    if (!alive.has(worker)) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.send(mode, () => {});
    const timer = setTimeout(killHung, internalLimits.stopMs + internalLimits.killMs, slot, worker);
    await ended;
    clearTimeout(timer);
  }

  return {
    fork,
    end,
    async endAll(): Promise<void> {
      await Promise.all([...alive].map((worker) => end(worker, 'refuse')));
    },
    killAll(): void {
      for (const worker of alive) worker.process.kill('SIGKILL');
    },
  };
}

async function failOnExit(worker: Worker): Promise<never> {
  const code = await new Promise<number | null>((resolve) => {
    worker.once('exit', resolve);
    // A process that could not be spawned never exits.
    worker.once('error', () => resolve(null));
  });
  throw new InstanceError(code ?? 1);
}
