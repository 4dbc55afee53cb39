import { randomUUID } from 'node:crypto';
import type { HttpResponse } from '../calls/transport.ts';
import { internalLimits } from '../config/limits.ts';
import { type Context, currentContext, runInContext } from '../context/context.ts';
import { extract, unsampled } from '../context/propagation.ts';
import { ServiceUnavailable } from '../errors/problem.ts';
import type { CloudEvent } from './event-schemas.ts';
import { newestHeader } from './feed-route.ts';
import { formatPosition, parsePosition } from './position.ts';

/** The maximum number of events that a consumer reads, and handles in one transaction. */
const maxEvents = 100;
/** ms for the response of a feed after its wait has ended. */
const responseMs = 5_000;

/** A part of a feed. */
export interface Batch {
  readonly events: readonly CloudEvent[];
  /** The position after these events and after the events of other types that follow them. */
  readonly next: string;
  /** The newest position of the feed. */
  readonly newest: string;
}

/** The feed cannot be read from a position, which is not valid any more. */
export class FeedLost extends Error {
  readonly reason: 'gone' | 'rewound';
  readonly newest: string;
  /** The last position that the new history shares with the lost one. */
  readonly shared: string | undefined;

  constructor(reason: 'gone' | 'rewound', newest: string, shared: string | undefined) {
    super(`the position is ${reason}`);
    this.reason = reason;
    this.newest = newest;
    this.shared = shared;
  }
}

/**
 * Reads the events after a position, null for the oldest. Waits for one if there is none.
 * @throws {FeedLost} if the position is not valid any more.
 * @throws {ServiceUnavailable} if the producer does not respond.
 */
export type ReadFeed = (position: string | null, options?: ReadFeedOptions) => Promise<Batch>;

interface ReadFeedOptions {
  /** ms to wait for an event if there is none. Default: the maximum, `pollMs`. */
  readonly waitMs?: number;
  /** The maximum number of events. Default: 100. */
  readonly limit?: number;
  /** Rejects the promise when it is aborted. */
  readonly signal?: AbortSignal;
}

/**
 * Creates the reader of a feed.
 * @param fetch requests a path of the producer.
 * @param types the types of events that the consumer handles.
 */
export function createFeedReader(
  fetch: (path: string, timeoutMs: number) => Promise<HttpResponse>,
  types: readonly string[],
): ReadFeed {
  return async (position, { waitMs = internalLimits.pollMs, limit = maxEvents, signal } = {}) => {
    signal?.throwIfAborted();
    const query = new URLSearchParams({ limit: String(limit), timeout: String(waitMs) });
    for (const type of types) query.append('types', type);
    if (position !== null) query.set('after', position);
    const path = `/events?${query}`;
    const sent = outsideOfTraces(() => fetch(path, waitMs + responseMs)).catch((cause) => {
      throw new ServiceUnavailable('The feed does not respond', { cause });
    });
    const { status, content, headers } = await (signal === undefined ? sent : endWith(signal, sent));
    if (status === 410) throw toLost(content);
    const newest = headers[newestHeader];
    if (status !== 200 || typeof newest !== 'string')
      throw new ServiceUnavailable(`The feed responded with the status ${status}`);
    const events = JSON.parse(content) as CloudEvent[];
    const last = events.at(-1)?.id;
    const next = events.length === limit && last !== undefined ? last : newestOf(last ?? newest, newest);
    return { events, next, newest: newestOf(next, newest) };
  };
}

/** Runs a poll outside of any trace, because its span would last as long as the poll waits. */
function outsideOfTraces<Result>(fn: () => Result): Result {
  const requestId = randomUUID();
  const propagated = { ...extract({}, requestId, false), traceparent: unsampled() };
  return runInContext({ ...(currentContext() as Context), propagated }, fn);
}

/**
 * Returns the later position. The header may be older than the events, because the producer reads it first, and other
 * readers may assign positions meanwhile.
 */
function newestOf(one: string, other: string): string {
  const [first, second] = [parsePosition(one), parsePosition(other)];
  return formatPosition(first.number > second.number ? first : second);
}

function toLost(content: string): FeedLost {
  const { type, newest, shared } = JSON.parse(content) as Record<string, string>;
  return new FeedLost(type?.endsWith('events-gone') ? 'gone' : 'rewound', newest as string, shared);
}

/** Rejects when the signal is aborted. The request itself ends when its connection is closed. */
function endWith<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
