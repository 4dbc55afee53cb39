import type { Context, RequestState } from '../../context/context.ts';
import type { PropagatedContext } from '../../context/propagation.ts';
import type { Span } from '../../context/span.ts';
import { RequestEnded } from '../../errors/problem.ts';
import type { FoundItems } from '../peers.ts';

/**
 * The state of a pending lookup that tells whether its caller still waits. It does not refer to the lookup, because a
 * connection keeps the state of its last call in memory.
 */
export interface Interest {
  /** Whether the lookup has been rejected. */
  isGone: boolean;
  readonly request: RequestState | undefined;
}

/** An item of a response: its members by name. */
export type Item = Readonly<Record<string, unknown>>;

interface PendingLookupOptions {
  readonly ids: readonly number[];
  readonly context: Context | undefined;
  readonly propagated: PropagatedContext;
  /** The span from the start of the lookup until its outcome. */
  readonly span: Span | undefined;
  /** Creates the error for a lookup that reaches its deadline. */
  createTimeout(): Error;
  resolve(found: FoundItems<number, Item>): void;
  reject(error: unknown): void;
}

/** A lookup that waits for the calls that it needs, until its deadline. */
export class PendingLookup {
  readonly ids: readonly number[];
  readonly context: Context | undefined;
  readonly propagated: PropagatedContext;
  readonly span: Span | undefined;
  readonly interest: Interest;
  readonly #options: PendingLookupOptions;
  readonly #timer: NodeJS.Timeout;
  /** The number of calls that have not ended. */
  #calls = 0;
  #inFlight = 0;
  /** The number of calls in flight that serve no other lookup. */
  #privateInFlight = 0;

  constructor(options: PendingLookupOptions) {
    const { ids, context, propagated, span } = options;
    this.#options = options;
    this.ids = ids;
    this.context = context;
    this.propagated = propagated;
    this.span = span;
    this.interest = { isGone: false, request: context?.request };
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(propagated.deadline - performance.now()));
  }

  /** Returns whether the caller still waits. Rejects the lookup if its request has ended. */
  isWaiting(): boolean {
    const { isGone, request } = this.interest;
    if (!isGone && request?.isOver) this.reject(new RequestEnded());
    return !this.interest.isGone;
  }

  /** Notes that the lookup needs another call. */
  addCall(): void {
    this.#calls += 1;
  }

  startCall(isShared: boolean): void {
    this.#inFlight += 1;
    if (!isShared) this.#privateInFlight += 1;
  }

  /** Ends a call that succeeded. The last call resolves the lookup. */
  endCall(isShared: boolean, found: FoundItems<number, Item>): void {
    if (!isShared) this.#privateInFlight -= 1;
    this.#inFlight -= 1;
    this.#calls -= 1;
    if (this.#calls > 0) return;
    clearTimeout(this.#timer);
    this.span?.end();
    this.#options.resolve(found);
  }

  reject(error: unknown): void {
    clearTimeout(this.#timer);
    this.interest.isGone = true;
    this.span?.end(error);
    this.#options.reject(error);
  }

  /**
   * Rejects the lookup, unless all of its calls in flight are private: these time out at the same deadline, and log
   * that once.
   */
  #expire(): void {
    if (this.#inFlight === 0 || this.#inFlight > this.#privateInFlight)
      this.reject(this.#options.createTimeout());
  }
}
