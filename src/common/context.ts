import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { KeyedRequest } from './keyed-request.ts';

/** What a request hands on to every call that it causes, and what it got so from its own caller. */
export interface Travel {
  /** One id for a request across every service and process that it passes: 1 to 64 of `A-Za-z0-9_-`. */
  readonly requestId: string;
  /** How many calls from service to service lie behind this request; 0 for one from outside. */
  readonly hops: number;
  /** When its caller gives up, in ms on the clock of `performance.now()`; Infinity where it never said. */
  readonly deadline: number;
}

/** Whose code is running, and for which request. */
export interface Context {
  readonly service: string;
  /** Writes with the service alone. */
  readonly serviceLog: Logger;
  /** Writes with the service and, within a request, its id. */
  readonly log: Logger;
  /** Absent in work that no request asked for: start, stop, timers of a service. */
  readonly travel?: Travel;
  /** Absent where the request has no idempotency key. */
  readonly keyed?: KeyedRequest;
}

interface Traveller<Value> {
  readonly header: string;
  /** Anything that does not read well counts as not sent. */
  read(sent: string | undefined): Value;
  /** Undefined where there is nothing to say. */
  write(value: Value): string | undefined;
  /** What a call carries that several requests share. Where this is not said, those with the same value may. */
  share?(values: readonly Value[]): Value;
}

/** The one list of what travels with a call: to add something, add a line to `Travel` and one here. */
const travellers: { readonly [Key in keyof Travel]: Traveller<Travel[Key]> } = {
  requestId: {
    header: 'x-request-id',
    read: (sent) => (sent !== undefined && /^[\w-]{1,64}$/.test(sent) ? sent : randomUUID()),
    write: (id) => id,
    share: ([id = randomUUID(), ...others]) => (others.every((other) => other === id) ? id : randomUUID()),
  },
  hops: {
    header: 'x-hops',
    read: (sent) => (sent !== undefined && /^\d{1,3}$/.test(sent) ? Number(sent) : 0),
    write: (hops) => String(hops + 1),
  },
  deadline: {
    header: 'x-deadline-ms',
    read: (sent) =>
      sent !== undefined && /^\d{1,6}$/.test(sent)
        ? performance.now() + Number(sent)
        : Number.POSITIVE_INFINITY,
    write: (deadline) =>
      Number.isFinite(deadline) ? String(Math.max(0, Math.floor(deadline - performance.now()))) : undefined,
    share: (deadlines) => Math.max(...deadlines),
  },
};
const keys = Object.keys(travellers) as (keyof Travel)[];
const personal = keys.filter((key) => travellers[key].share === undefined);

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function sent(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The id that a request came with, or a new one. */
export function readRequestId(headers: Headers): string {
  return travellers.requestId.read(sent(headers, travellers.requestId.header));
}

/** What travels with a request, read from its headers; `requestId` is the id that it has here. */
export function readTravel(headers: Headers, requestId: string): Travel {
  return {
    requestId,
    hops: travellers.hops.read(sent(headers, travellers.hops.header)),
    deadline: travellers.deadline.read(sent(headers, travellers.deadline.header)),
  };
}

/** The headers of a call that `travel` causes. */
export function writeTravel(travel: Travel): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const key of keys) {
    const { header, write } = travellers[key] as Traveller<unknown>;
    const value = write(travel[key]);
    if (value !== undefined) headers[header] = value;
  }
  return headers;
}

/** Requests may share a call where this is the same: what belongs to one of them is not lent to another. */
export function sharingKey(travel: Travel): string {
  return JSON.stringify(personal.map((key) => travel[key]));
}

/** What travels with a call that several requests share; all have the same `sharingKey`. */
export function shareTravel(travels: readonly Travel[]): Travel {
  const shared: Record<string, unknown> = { ...travels[0] };
  for (const key of keys) {
    const { share } = travellers[key] as Traveller<unknown>;
    if (share !== undefined) shared[key] = share(travels.map((travel) => travel[key]));
  }
  return shared as unknown as Travel;
}

/** What travels with a call that the running code makes now, and that may take `timeout` ms or what is left. */
export function nextTravel(timeout: number): Travel {
  const travel = currentContext()?.travel ?? readTravel({}, randomUUID());
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
