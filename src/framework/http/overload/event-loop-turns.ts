/** What can wait for a later turn: requests that have not been started, responses that have not been serialized. */
export type Deferred = 'requests' | 'responses';

/** The time of the event loop, shared out in turns. */
export interface Turns {
  /** Whether this turn has taken its time, so that more work has to wait. */
  isOver(): boolean;
  /** Does the work in one of the next turns: in order, `first` before all that waits. */
  defer(kind: Deferred, work: () => void, first?: boolean): void;
  /** How many wait. */
  count(kind: Deferred): number;
}

/**
 * Bounds the work of one event-loop turn to about `budget` ms. Node handles everything that has arrived, and every
 * promise that is settled, before it looks for new input: without a bound 20 slow queries, or 100 responses of 2 MB, hold
 * up a health check until the last of them is done. Deferred work gets as much time again in each turn, which requests and
 * responses share equally.
 */
export function openTurns(budget: number): Turns {
  const queues = { requests: [] as (() => void)[], responses: [] as (() => void)[] };
  /** ms that each kind has taken since something began to wait. */
  const used = { requests: 0, responses: 0 };
  let end: number | undefined;
  let endOfDeferred: number | undefined;
  let latest: { readonly kind: Deferred; readonly at: number } | undefined;

  const isEmpty = () => queues.requests.length === 0 && queues.responses.length === 0;

  function close(): void {
    end = undefined;
  }

  function closeDeferred(): void {
    endOfDeferred = undefined;
  }

  /**
   * Does one piece of work. Each has an immediate of its own, because Node settles the promises of one before it runs the
   * next; so the time of one includes all that follows from it.
   */
  function doNext(): void {
    const now = performance.now();
    if (latest !== undefined) used[latest.kind] += now - latest.at;
    latest = undefined;
    if (isEmpty()) return;
    if (endOfDeferred === undefined) {
      endOfDeferred = now + budget;
      // Runs in the next turn, before the work that is put off to it.
      setImmediate(closeDeferred);
    } else if (now >= endOfDeferred) {
      setImmediate(doNext);
      return;
    }
    const isRequest = queues.responses.length === 0 || used.requests <= used.responses;
    const kind = isRequest && queues.requests.length > 0 ? 'requests' : 'responses';
    latest = { kind, at: now };
    (queues[kind].shift() as () => void)();
  }

  return {
    isOver() {
      // What arrives now waits behind what waits already.
      if (!isEmpty()) return true;
      const now = performance.now();
      if (end === undefined) {
        end = now + budget;
        setImmediate(close);
      }
      return now >= end;
    },
    defer(kind, work, first = false) {
      if (isEmpty()) used.requests = used.responses = 0;
      if (first) queues[kind].unshift(work);
      else queues[kind].push(work);
      setImmediate(doNext);
    },
    count: (kind) => queues[kind].length,
  };
}
