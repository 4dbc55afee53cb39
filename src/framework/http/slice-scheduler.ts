import { currentContext } from '../context/context.ts';
import { RequestEnded, ServiceUnavailable } from '../errors/problem.ts';

export interface SliceSchedulerOptions {
  /** How many slices of all jobs run at the same time. */
  readonly parallel: number;
  /** Maximum units of work of all open jobs together; a single job may have any number. */
  readonly maxUnits: number;
  /** The detail of the 503 if there is too much work. */
  readonly detail: string;
}

/**
 * How long a job lets smaller jobs go first, in ms per unit. This bounds the wait of a large job while small ones keep
 * arriving. It is ten times as long as one pet of a page takes, so the smaller of two jobs still goes first.
 */
const yieldMsPerUnit = 0.1;

/** A slice that waits for its turn. */
interface Waiting {
  /** The lowest rank goes first. */
  readonly rank: number;
  readonly request: { readonly isOver: boolean } | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Schedules large jobs in slices: the smallest job first, jobs of the same size in order of arrival. So a large job does not
 * delay a smaller one, and large jobs end one after the other instead of all at the end.
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
    const rank = performance.now() + units * yieldMsPerUnit;
    openUnits += units;
    try {
      for (const slice of slices) {
        await waitForTurn(rank);
        try {
          await slice();
        } finally {
          running -= 1;
          // Wait until this job has queued its next slice, because that may have the lowest rank.
          setImmediate(proceed);
        }
      }
    } finally {
      openUnits -= units;
    }
  };
}
