import { setTimeout as sleep } from 'node:timers/promises';
import { runAs } from '../context/context.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { getLogger, type Logger } from '../logging/logger.ts';

/** Node runs a timer with a longer delay after 1 ms. */
const maxEveryMs = 2 ** 31 - 1;

type Work = () => void | Promise<void>;
/** Work that ends early if `signal` is aborted, which happens when the app stops. */
type AbortableWork = (signal: AbortSignal) => void | Promise<void>;

/** Declares work of a service without a request. Log entries of the work name the service. */
export interface ServiceWork {
  /**
   * Declares work that runs when the app listens, so it can call peers. If the work throws, the app stops with exit
   * code 1. For work that may fail and run again, use a job. An app that stops meanwhile aborts `signal`, and waits for
   * the end of the work.
   */
  onStart(run: AbortableWork): void;
  /** Declares work that runs when the app stops: after the last response and the last job, with the database open. */
  onStop(run: Work): void;
  /**
   * Declares work that runs after `onStart`, and again `everyMs` after the end of each run, so runs never overlap. If a
   * run throws, the framework logs the error and continues with the next run. When the app stops, it aborts `signal` and
   * waits for the end of the run. Every instance and every replica runs the job.
   * @param name the `job` in log entries.
   */
  job(name: string, options: { readonly everyMs: number }, run: AbortableWork): void;
}

/** Runs the work of a service. */
export interface WorkRunner {
  start(): Promise<void>;
  /** Aborts the jobs and resolves when they have ended. */
  endJobs(): Promise<void>;
  stop(): Promise<void>;
}

/** Creates the functions with which a service declares its work, and the runner for the app. */
export function createServiceWork(
  service: string,
  log: Logger,
): ServiceWork & { readonly runner: WorkRunner } {
  const starts: AbortableWork[] = [];
  const stops: Work[] = [];
  const jobs: { name: string; everyMs: number; run: AbortableWork }[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  let running: Promise<void>[] = [];
  let isStarted = false;

  function declare<One>(list: One[], one: One): void {
    if (isStarted)
      throw new DefinitionError(`${service}: work is declared after the start: declare it in routes`);
    list.push(one);
  }

  async function repeat({ everyMs, run }: (typeof jobs)[number]): Promise<void> {
    while (!signal.aborted) {
      try {
        await run(signal);
      } catch (err) {
        const isAbort = signal.aborted && (err as Error | undefined)?.name === 'AbortError';
        if (!isAbort) getLogger().error({ err }, 'job failed');
      }
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  return {
    onStart: (run) => declare(starts, run),
    onStop: (run) => declare(stops, run),
    job(name, { everyMs }, run) {
      if (!(everyMs >= 1 && everyMs <= maxEveryMs))
        throw new DefinitionError(
          `${service}: the job ${name} has everyMs ${everyMs}: a timer takes 1 to ${maxEveryMs} (24 days)`,
        );
      declare(jobs, { name, everyMs, run });
    },
    runner: {
      async start() {
        isStarted = true;
        for (const run of starts)
          if (!signal.aborted) await runAs(service, 'start', log, async () => run(signal));
        running = signal.aborted ? [] : jobs.map((job) => runAs(service, job.name, log, () => repeat(job)));
      },
      async endJobs() {
        controller.abort();
        await Promise.all(running);
      },
      async stop() {
        for (const run of isStarted ? stops : []) {
          await runAs(service, 'stop', log, async () => run()).catch((err) =>
            log.error({ err }, 'the work at stop failed'),
          );
        }
      },
    },
  };
}
