import type { Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { internalLimits } from '../config/limits.ts';
import type { Logger } from '../logging/logger.ts';
import { relayMetrics } from '../metrics/cluster.ts';
import { InstanceCounts } from '../metrics/instance-counts.ts';
import { createInstanceProcesses } from './instance-processes.ts';

export interface InstancesOptions {
  /** The name of the app in logs and metrics. */
  readonly label: string;
  readonly count: number;
  readonly log: Logger;
  /** The internal credential that the instances share, because a call to the app may reach any of them. */
  readonly key: string;
}

/**
 * The processes that share the port of an app. Their parent holds the socket, so the end of an instance loses no
 * connection that waits to be accepted.
 */
export interface Instances {
  /** Resolves when all instances listen or `stop` was called. Rejects if an instance ends before it listens. */
  start(): Promise<void>;
  /** Replaces the instances one by one: each new instance listens before the old one stops. */
  replace(): Promise<void>;
  /** Stops all instances, including those that are starting. Kills an instance that does not stop in time. */
  stop(): Promise<void>;
  /** Kills all instances immediately. */
  kill(): void;
}

/** The pause before an instance is started again. It doubles with each failure, until an instance has run `stableMs`. */
const restartPause = { firstMs: 1_000, maxMs: 30_000, stableMs: 60_000 };

export function openInstances({ label, count, log, key }: InstancesOptions): Instances {
  /** The instances that listen, by number. */
  const slots = new Map<number, Worker>();
  /** The starts in progress, by number. */
  const starting = new Map<number, Promise<void>>();
  /** The number of consecutive failures to start or to stay alive, by instance number. */
  const failures = new Map<number, number>();
  const counts = new InstanceCounts(label, count, slots);
  const processes = createInstanceProcesses({
    log,
    key,
    counts,
    listenForMetrics: relayMetrics(slots, counts),
  });
  let isStopping = false;
  let replacing: Promise<void> = Promise.resolve();

  /** Starts an instance and waits until it listens. Kills it after `timeoutMs`. Callers share a start in progress. */
  function start(slot: number, timeoutMs?: number): Promise<void> {
    let started = starting.get(slot);
    if (started === undefined) {
      started = startNow(slot, timeoutMs).finally(() => starting.delete(slot));
      starting.set(slot, started);
    }
    return started;
  }

  async function startNow(slot: number, timeoutMs?: number): Promise<void> {
    const worker = await processes.fork(slot, timeoutMs);
    const since = performance.now();
    slots.set(slot, worker);
    worker.once('exit', (code, signal) => {
      if (slots.get(slot) !== worker) return;
      slots.delete(slot);
      if (isStopping) return;
      const isStable = performance.now() - since >= restartPause.stableMs;
      const failed = isStable ? 0 : (failures.get(slot) ?? 0);
      counts.failures.died += 1;
      log.error({ instance: slot, code, signal }, 'an instance ended by itself: starting another');
      void restart(slot, failed);
    });
  }

  /** Starts an instance with this number, and tries again until one listens. */
  async function restart(slot: number, failed: number): Promise<void> {
    for (let tries = failed; !isStopping && !slots.has(slot); tries += 1) {
      failures.set(slot, tries + 1);
      await sleep(Math.min(restartPause.firstMs * 2 ** tries, restartPause.maxMs));
      if (isStopping || slots.has(slot)) return;
      await start(slot, internalLimits.startMs).catch((err) => {
        if (isStopping) return;
        counts.failures.start += 1;
        log.error({ err, instance: slot }, 'an instance could not be started: trying again');
      });
    }
  }

  async function replaceAll(): Promise<void> {
    for (let slot = 1; slot <= count; slot += 1) {
      if (isStopping) return;
      const old = slots.get(slot);
      await start(slot, internalLimits.startMs);
      if (old !== undefined && old !== slots.get(slot)) await processes.end(old, 'hand over', slot);
      log.info({ instance: slot }, 'instance replaced');
    }
  }

  return {
    async start() {
      try {
        // Start the first instance alone: it applies the migrations, and a mistake is reported once.
        await start(1);
        if (isStopping) return;
        await Promise.all(Array.from({ length: count - 1 }, (_, index) => start(index + 2)));
      } catch (error) {
        if (!isStopping) throw error;
      }
    },
    replace() {
      // A second call replaces the instances again, after the first call.
      replacing = replacing.then(replaceAll).catch((err) => {
        if (isStopping) return;
        counts.failures.start += 1;
        log.error({ err }, 'an instance could not be replaced: the old one serves');
      });
      return replacing;
    },
    async stop() {
      isStopping = true;
      await processes.endAll();
    },
    kill: processes.killAll,
  };
}
