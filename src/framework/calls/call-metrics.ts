import { countBuckets, Histogram, secondsBuckets } from '../metrics/histogram.ts';

/**
 * How a call to a neighbour ended: with what its contract says, too late, without a whole answer, with an answer that
 * is no success, with one that does not fit the contract, or as one too many in a circle.
 */
export type Outcome = 'ok' | 'late' | 'no_answer' | 'refused' | 'unfit' | 'loop';

/** What has been counted of the calls of one operation. */
export class CallMetrics {
  /** Seconds that calls took, by how they ended. */
  readonly seconds = new Map<Outcome, Histogram>();
  /** Ids that travelled with a call, of an operation that is asked by ids. */
  readonly ids = new Histogram(countBuckets);

  /** One has ended; `begun` is on the clock of `performance.now()`. */
  end(outcome: Outcome, begun: number): void {
    let seconds = this.seconds.get(outcome);
    if (seconds === undefined) {
      seconds = new Histogram(secondsBuckets);
      this.seconds.set(outcome, seconds);
    }
    seconds.add((performance.now() - begun) / 1000);
  }
}
