import { setTimeout as sleep } from 'node:timers/promises';
import { runAs } from '../context/context.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { getLogger, type Logger } from '../logging/logger.ts';

type Work = () => void | Promise<void>;

/** The work of a service without a request. It runs in the service's context, so each log entry names the service. */
export interface ServiceWork {
  /**
   * Runs once the app listens, so it can call peers. If it throws, the app stops with exit code 1. For work that may
   * fail and be tried again, use a job.
   */
  onStart(run: Work): void;
  /** Runs when the app stops, after the last response and the last job, while the database is still open. */
  onStop(run: Work): void;
  /**
   * Runs after `onStart`, and again `everyMs` after each run has ended, so runs never overlap. If it throws, the error is
   * logged, and the next run comes as usual. When the app stops, `signal` is aborted and the app waits for the run to end.
   * Every instance and every replica of the service runs it.
   * @param name the `job` on its log lines.
   */
  job(
    name: string,
    options: { readonly everyMs: number },
    run: (signal: AbortSignal) => void | Promise<void>,
  ): void;
}

/** The work of one service, as the app runs it. */
export interface WorkRunner {
  start(): Promise<void>;
  /** Aborts the jobs and resolves when they have ended. */
  endJobs(): Promise<void>;
  stop(): Promise<void>;
}

/** Creates what a service declares its work with, and what the app runs it with. */
export function createServiceWork(
  service: string,
  log: Logger,
): ServiceWork & { readonly runner: WorkRunner } {
  const starts: Work[] = [];
  const stops: Work[] = [];
  const jobs: { name: string; everyMs: number; run: (signal: AbortSignal) => void | Promise<void> }[] = [];
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
    job: (name, { everyMs }, run) => declare(jobs, { name, everyMs, run }),
    runner: {
      async start() {
        isStarted = true;
        for (const run of starts) if (!signal.aborted) await runAs(service, 'start', log, async () => run());
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
