import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#common/logger.ts';
import { relayMetrics } from './instance-metrics.ts';

/** How an instance is told to end: see `App.stop`. */
export type StopMode = 'refuse' | 'hand over';

/** The processes that share the port of an app. This one holds the socket, so none of them can lose what waits there. */
export interface Instances {
  /** Resolves when all of them listen; rejects with the exit code of one that ended before. */
  readonly listening: Promise<void>;
  /** Replaces them one by one: each new one listens before its old one lets go. */
  replace(): Promise<void>;
  stop(): Promise<void>;
  /** Ends them at once. */
  kill(): void;
}

/** An instance that ended before it listened, with the code to end with. */
export class InstanceError extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`an instance ended with ${code} before it listened`);
    this.code = code;
  }
}

/** How long to wait before an instance that died is started anew, in ms. */
const pause = 1_000;

/** @param key what they know each other by: a call to the app may come to any of them. */
export function openInstances(count: number, log: Logger, key: string): Instances {
  const slots = new Map<number, Worker>();
  const listenForMetrics = relayMetrics(slots);
  let isStopping = false;
  let replacing: Promise<void> = Promise.resolve();

  async function start(slot: number): Promise<void> {
    const worker = cluster.fork({ MONOLITH_INSTANCE: String(slot), MONOLITH_KEY: key });
    listenForMetrics(worker);
    const ended = once(worker, 'exit').then(([code]) => {
      throw new InstanceError(code ?? 1);
    });
    ended.catch(() => {});
    await Promise.race([once(worker, 'listening'), ended]);
    slots.set(slot, worker);
    worker.once('exit', async (code, signal) => {
      if (isStopping || slots.get(slot) !== worker) return;
      log.error({ instance: slot, code, signal }, 'an instance has died: starting another');
      await sleep(pause);
      if (!isStopping)
        await start(slot).catch((err) => log.error({ err, instance: slot }, 'it could not be started'));
    });
  }

  async function replaceAll(): Promise<void> {
    for (const [slot, old] of [...slots]) {
      if (isStopping) return;
      await start(slot);
      await end(old, 'hand over');
      log.info({ instance: slot }, 'instance replaced');
    }
  }

  async function end(worker: Worker, mode: StopMode): Promise<void> {
    if (worker.isDead()) return;
    const ended = once(worker, 'exit');
    worker.send(mode);
    await ended;
  }

  return {
    listening: Promise.all(Array.from({ length: count }, (_, index) => start(index + 1))).then(() => {}),
    replace() {
      // Asked twice, it is done twice, one after the other.
      replacing = replacing
        .then(replaceAll)
        .catch((err) => log.error({ err }, 'an instance could not be replaced'));
      return replacing;
    },
    async stop() {
      isStopping = true;
      await Promise.all([...slots.values()].map((worker) => end(worker, 'refuse')));
    },
    kill() {
      for (const worker of slots.values()) worker.process.kill('SIGKILL');
    },
  };
}
