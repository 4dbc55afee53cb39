import { countBuckets, Histogram, secondsBuckets } from '../metrics/histogram.ts';

/**
 * The outcome of a call to a peer. `timeout`: no complete response before the deadline. `network_error`: no complete
 * response at all. `error_status`: a status that is no success. `invalid_response`: a success that does not match the
 * contract. `loop`: more than 3 hops from service to service.
 */
export type CallOutcome = 'ok' | 'timeout' | 'network_error' | 'error_status' | 'invalid_response' | 'loop';

/** The metrics of the calls of one operation. */
export class CallMetrics {
  /** Duration in seconds, by outcome. */
  readonly seconds = new Map<CallOutcome, Histogram>();
  /** The number of ids in each call of a batched lookup. */
  readonly ids = new Histogram(countBuckets);

  /** Records the end of a call that began at `begun` on the clock of `performance.now()`. */
  end(outcome: CallOutcome, begun: number): void {
    let seconds = this.seconds.get(outcome);
    if (seconds === undefined) {
      seconds = new Histogram(secondsBuckets);
      this.seconds.set(outcome, seconds);
    }
    seconds.add((performance.now() - begun) / 1000);
  }
}
