import { currentContext } from '../context/context.ts';
import { RequestEnded, ServiceUnavailable } from '../errors/problem.ts';

export interface SliceSchedulerOptions {
  /** How many slices run at the same time, of all jobs. */
  readonly parallel: number;
  /** How many units of work all open jobs may have together; one job alone may have any number. */
  readonly maxUnits: number;
  /** The detail of the 503 if there is too much work. */
  readonly detail: string;
}

/**
 * How long a job lets smaller ones go first, in ms for each of its units. Ten times what a pet of a page takes: the
 * smaller of two jobs goes first, and a job waits no longer than that for smaller ones that keep coming.
 */
const patienceMs = 0.1;

/** A slice that waits for its turn. */
interface Waiting {
  /** The lowest rank goes first. */
  readonly rank: number;
  readonly request: { readonly isOver: boolean } | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Schedules jobs that are too large to be done in one go: a slice of one at a time, the smallest job first, in order of
 * arrival among those of the same size. So no large job delays a smaller one, and large jobs end one after the other
 * instead of all at the end.
 */
export function openSliceScheduler({ parallel, maxUnits, detail }: SliceSchedulerOptions) {
  const waiting: Waiting[] = [];
  let running = 0;
  let openUnits = 0;

  function waitForTurn(rank: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = waiting.findIndex((other) => other.rank > rank);
      const request = currentContext()?.request;
      waiting.splice(next < 0 ? waiting.length : next, 0, { rank, request, resolve, reject });
      proceed();
    });
  }

  function proceed(): void {
    while (running < parallel && waiting.length > 0) {
      const { request, resolve, reject } = waiting.shift() as Waiting;
      if (request?.isOver) reject(new RequestEnded());
      else {
        running += 1;
        resolve();
      }
    }
  }

  /**
   * Runs the slices of a job one after the other.
   * @throws {ServiceUnavailable} if all open jobs together have too many units.
   * @throws {RequestEnded} if the request is over before all slices have run.
   */
  return async function runSlices(units: number, slices: Iterable<() => Promise<void>>): Promise<void> {
    if (openUnits > 0 && openUnits + units > maxUnits) throw new ServiceUnavailable(detail);
    const rank = performance.now() + units * patienceMs;
    openUnits += units;
    try {
      for (const slice of slices) {
        await waitForTurn(rank);
        try {
          await slice();
        } finally {
          running -= 1;
          // Not before this job has asked for its next turn, which may come first.
          setImmediate(proceed);
        }
      }
    } finally {
      openUnits -= units;
    }
  };
}
