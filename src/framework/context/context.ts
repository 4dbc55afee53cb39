import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { extract, type PropagatedContext } from './propagation.ts';
import type { Span } from './span.ts';
import type { RequestKey } from './write-participant.ts';

/** Whose code is running, and for which request. */
export interface Context {
  readonly service: string;
  /** Writes with the service alone. */
  readonly serviceLog: Logger;
  /** Writes with the service and, within a request, its id. */
  readonly log: Logger;
  /** Absent in work that no request asked for: start, stop, timers of a service. */
  readonly travel?: PropagatedContext;
  /** The request itself. It is over when its client has gone, or when it got 504 while its handler runs on. */
  readonly request?: { readonly isOver: boolean };
  /** Absent where the request has no idempotency key. */
  readonly keyed?: RequestKey;
  /** What the running code is recorded as; absent where it is not. */
  readonly span?: Span | undefined;
}

/** What travels with a call that the running code makes now, and that may take `timeout` ms or what is left. */
export function outgoingContext(timeout: number): PropagatedContext {
  const travel = currentContext()?.travel ?? extract({}, randomUUID(), false);
  return { ...travel, deadline: Math.min(travel.deadline, performance.now() + timeout) };
}

const storage = new AsyncLocalStorage<Context>();

/** The context of the running code, or undefined outside of any. */
export function currentContext(): Context | undefined {
  return storage.getStore();
}

/** Runs `fn`, and all that it starts, in `context`, or outside of any. */
export function runInContext<Result>(context: Context | undefined, fn: () => Result): Result {
  return storage.run(context as Context, fn);
}

/**
 * Runs work that no request asked for as `service`, so that its lines are tagged too.
 * `log` is the service's own logger; `job` says on each line which work it is.
 */
export function runAs<Result>(service: string, job: string, log: Logger, fn: () => Result): Result {
  return storage.run({ service, serviceLog: log, log: log.child({ job }) }, fn);
}

/**
 * Ties a callback to the context that it was made in. Timers and promises keep their context by themselves;
 * a listener on an emitter, or a callback of a pool that others share, runs in that of whoever sets it off.
 */
export function bindContext<Args extends unknown[], Result>(
  fn: (...args: Args) => Result,
): (...args: Args) => Result {
  return AsyncLocalStorage.bind(fn);
}
