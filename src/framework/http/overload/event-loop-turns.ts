/** Work that can wait for a later event-loop turn: requests not yet started, responses not yet serialized. */
type Deferred = 'requests' | 'responses';

/** Divides the time of the event loop into turns. */
export interface Turns {
  /** Whether the budget of this turn is used up, so that more work has to wait. */
  isOver(): boolean;
  /** Defers work to one of the next turns, in order. With `first` it runs before all deferred work of its kind. */
  defer(kind: Deferred, work: () => void, first?: boolean): void;
  /** Returns how many pieces of work of a kind are deferred. */
  count(kind: Deferred): number;
}

/**
 * Bounds the work of one event-loop turn to about `budgetMs`. Node handles all input that has arrived, and all settled
 * promises, before it polls for new input. Without a bound 20 slow queries, or 100 responses of 2 MB, delay a health check
 * until the last of them is done. Deferred work gets the same budget again in each turn; requests and responses share it
 * equally.
 */
export function openTurns(budgetMs: number): Turns {
  const queues = { requests: [] as (() => void)[], responses: [] as (() => void)[] };
  /** Time that each kind has taken since the queues were last empty. */
  const usedMs = { requests: 0, responses: 0 };
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
   * Does one piece of work. Each piece has a separate immediate, because Node settles the promises of one immediate before it runs
   * the next. So the measured time includes all that follows from the work.
   */
  function doNext(): void {
    const now = performance.now();
    if (latest !== undefined) usedMs[latest.kind] += now - latest.at;
    latest = undefined;
    if (isEmpty()) return;
    if (endOfDeferred === undefined) {
      endOfDeferred = now + budgetMs;
      // Runs in the next turn, before the work that is deferred to it.
      setImmediate(closeDeferred);
    } else if (now >= endOfDeferred) {
      setImmediate(doNext);
      return;
    }
    const isRequest = queues.responses.length === 0 || usedMs.requests <= usedMs.responses;
    const kind = isRequest && queues.requests.length > 0 ? 'requests' : 'responses';
    latest = { kind, at: now };
    (queues[kind].shift() as () => void)();
  }

  return {
    isOver() {
      // New work waits behind work that is already deferred.
      if (!isEmpty()) return true;
      const now = performance.now();
      if (end === undefined) {
        end = now + budgetMs;
        setImmediate(close);
      }
      return now >= end;
    },
    defer(kind, work, first = false) {
      if (isEmpty()) usedMs.requests = usedMs.responses = 0;
      if (first) queues[kind].unshift(work);
      else queues[kind].push(work);
      setImmediate(doNext);
    },
    count: (kind) => queues[kind].length,
  };
}
