import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type ActsAs, anonymous, type Principal, servicePrincipal } from './principal.ts';
import { extract, type PropagatedContext } from './propagation.ts';
import type { Span } from './span.ts';
import type { RequestKey } from './write-participant.ts';

/** The context of running code: its service, and the request that it runs for. */
export interface Context {
  readonly service: string;
  /** The logger of the service. Its entries have no request id. */
  readonly serviceLog: Logger;
  /** The logger of the service. Within a request, its entries have the request id. */
  readonly log: Logger;
  /** Absent in work without a request: start, stop and timers of a service. */
  readonly propagated?: PropagatedContext;
  readonly request?: RequestState;
  /** Absent without a request, for a request without a credential, and if `auth` is not configured. */
  readonly principal?: Principal;
  /** Absent if the request has no idempotency key. */
  readonly keyed?: RequestKey;
  /** The span of the running code; absent if it is not traced. */
  readonly span?: Span | undefined;
}

export interface RequestState {
  /** Whether the client has disconnected or received a 504 while the handler still runs. */
  readonly isOver: boolean;
  /** The cursors after the full pages that the handler has read, by the columns of their list. Undefined: none. */
  nextPages?: Map<object, string> | undefined;
}

/**
 * Returns the context that a call of the running code propagates, with a deadline of at most `timeout` ms.
 * @param as the principal of the call. Only a call as `caller` has the token of the caller of the running request.
 */
export function outgoingContext(timeout: number, as: ActsAs): PropagatedContext {
  const propagated = currentContext()?.propagated ?? extract({}, randomUUID(), false);
  const deadline = Math.min(propagated.deadline, performance.now() + timeout);
  const authorization = as === 'caller' ? propagated.authorization : undefined;
  return { ...propagated, deadline, authorization };
}

const storage = new AsyncLocalStorage<Context>();

/** Returns the context of the running code. Undefined outside of any context. */
export function currentContext(): Context | undefined {
  return storage.getStore();
}

/**
 * Returns the principal of the running code: the caller of its request, or the service itself in event handlers, in
 * jobs, at start and at stop.
 */
export function getCaller(): Principal {
  const context = currentContext();
  if (context === undefined) return anonymous;
  return context.principal ?? (context.request === undefined ? servicePrincipal(context.service) : anonymous);
}

/** Runs `fn`, and all that it starts, in `context`. Undefined: outside of any context. */
export function runInContext<Result>(context: Context | undefined, fn: () => Result): Result {
  return storage.run(context as Context, fn);
}

/**
 * Runs work without a request as `service`, so that its log entries are tagged.
 * @param job the name of the work, a field of each entry.
 * @param log the logger of the service.
 */
export function runAs<Result>(service: string, job: string, log: Logger, fn: () => Result): Result {
  return storage.run({ service, serviceLog: log, log: log.child({ job }) }, fn);
}

/**
 * Binds a callback to the current context. Timers and promises keep their context. Use this function for a listener of
 * an emitter and for a callback of a shared pool: they run in the context of the code that triggers them.
 */
export function bindContext<Args extends unknown[], Result>(
  fn: (...args: Args) => Result,
): (...args: Args) => Result {
  return AsyncLocalStorage.bind(fn);
}
