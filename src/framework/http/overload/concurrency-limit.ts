import { performance } from 'node:perf_hooks';
import type { Limits } from '../../config/limits.ts';

/** Counts the requests from outside that are in progress, and decides whether one more is too many. */
export interface ConcurrencyLimit {
  /** Counts a request that was admitted. */
  enter(): void;
  /** Counts an admitted request that has ended. */
  leave(): void;
  /** Counts the time that one rejection took. */
  countRejection(ms: number): void;
  /** Sets how many bytes of responses clients have not read. */
  setUnread(bytes: number): void;
  /**
   * Returns why one more request is too many; undefined if it is not.
   * @param waiting requests that are admitted and have not been started.
   */
  findExcess(waiting?: number): 'requests' | 'unread' | undefined;
  close(): void;
}

type ConcurrencyLimits = Pick<Limits, 'requests' | 'wait' | 'unread'> & {
  readonly time: Pick<Limits['time'], 'handler'>;
};

/** How often the server measures the rate of requests. */
const tickMs = 100;
/** Event-loop utilization from which the process counts as busy: it cannot do more work per second. */
const busyUtilization = 0.95;
/** How long the process must be busy before the limit applies. A shorter burst says nothing about the rate. */
const sustainedMs = 500;
/** The weight of the latest tick in the average rate. */
const latestWeight = 0.3;
/** After an overload, at least so many requests of the next burst are admitted. */
const minBurst = 512;
/** How long an overload limits the next burst. */
const overloadMemoryMs = 60_000;
/** A rejection costs this many times the measured ms, because Node parses the request before and writes it after. */
const rejectionCostFactor = 2;
/** Share of a tick that always counts as work. It bounds the error of `rejectionCostFactor`. */
const minWorkShare = 0.1;
/**
 * Requests that take less than this are not rejected, because a rejection takes about an eighth of this time. Measured
 * over 1,500 connections that repeat requests immediately: rejecting requests for a user by id took four fifths of the
 * time.
 */
const cheapRequestMs = 0.2;
/** The limit is at least this, because fewer concurrent requests share fewer calls and each costs more. */
const minConcurrency = 64;
/** If `minConcurrency` requests take longer than this, the limit falls further, because clients give up. */
const clientPatienceMs = 5_000;
/** The limit never falls below this, so that a few requests that wait for a peer do not block all others. */
const minSlowConcurrency = 16;

/**
 * Limits the requests in progress to `limits.requests`. When the event loop has been busy for half a second, it limits
 * them to the number that ends within `limits.wait` ms. It does so only while rejecting is much cheaper than serving.
 * So admitted requests get their response in time, and requests that wait for a peer are not limited. After an overload
 * it also limits the next burst, which would otherwise be admitted completely before half a second is over.
 *
 * A plain limit by additive increase and multiplicative decrease (AIMD) fails three tests of concurrency-limit.test.ts.
 * It admits 52 requests of a burst after an overload, rejects cheap requests, and falls with each rejection. In the
 * bench `overload-page`, on a busy machine, it served 0.57 to 0.69 of the peak at twice the capacity, and this model
 * 0.75 to 0.98.
 *
 * If `limits.wait` is at least `limits.time.handler`, only `limits.requests` applies, because the timeout of the handler ends
 * requests that wait.
 */
export function openConcurrencyLimit(limits: ConcurrencyLimits): ConcurrencyLimit {
  const { requests, wait, unread: maxUnread, time } = limits;
  let unread = 0;
  let inProgress = 0;
  /**
   * The lowest value of `inProgress` since the last tick. At least so many requests waited for a peer all that time.
   */
  let lowest = 0;
  let ended = 0;
  let rejectingMs = 0;
  /** Requests that end per ms of work. */
  let rate = 0;
  let limit: number = requests;
  let lastUse = performance.eventLoopUtilization();
  let lastTick = performance.now();
  let busySince: number | undefined;
  let overload: { readonly rate: number; readonly at: number } | undefined;

  const measure = () => {
    const now = performance.now();
    const use = performance.eventLoopUtilization();
    const isBusy = performance.eventLoopUtilization(use, lastUse).utilization > busyUtilization;
    // Do not count time spent on rejections as capacity: otherwise each rejection would lower the limit further.
    const passed = now - lastTick;
    const measured = ended / Math.max(passed - rejectingMs, minWorkShare * passed);
    // A rate that was measured while the process was not busy is not its capacity, so the average starts again.
    rate = busySince === undefined ? measured : rate + latestWeight * (measured - rate);
    if (isBusy) busySince ??= lastTick;
    else busySince = undefined;
    if (busySince === undefined) limit = Math.min(requests, lowest + burstLimit(now));
    else if (now - busySince >= sustainedMs) {
      overload = { rate, at: now };
      // In the first seconds the rate is not known well enough to go below `minConcurrency`.
      const isKnown = now - busySince >= clientPatienceMs;
      limit = countWithin(wait, rate, isKnown ? slowMinimum(rate) : minConcurrency);
    }
    lowest = inProgress;
    ended = 0;
    rejectingMs = 0;
    lastUse = use;
    lastTick = now;
  };
  const timer = wait < time.handler ? setInterval(measure, tickMs).unref() : undefined;

  function burstLimit(now: number): number {
    if (overload === undefined || now - overload.at > overloadMemoryMs) return requests;
    return countWithin(wait, overload.rate, minBurst);
  }

  /** Returns how many requests may be in progress so that they end within `ms`. */
  function countWithin(ms: number, rate: number, atLeast: number): number {
    if (rate * cheapRequestMs >= 1) return requests;
    return Math.min(requests, Math.max(atLeast, Math.round(rate * ms)));
  }

  return {
    enter() {
      inProgress += 1;
    },
    leave() {
      inProgress -= 1;
      if (inProgress < lowest) lowest = inProgress;
      ended += 1;
    },
    countRejection(ms) {
      rejectingMs += rejectionCostFactor * ms;
    },
    setUnread(bytes) {
      unread = bytes;
    },
    findExcess(waiting = 0) {
      if (inProgress + waiting >= limit) return 'requests';
      return unread > maxUnread ? 'unread' : undefined;
    },
    close: () => clearInterval(timer),
  };
}

/** Returns the minimum for slow requests: as many as clients wait for. */
function slowMinimum(rate: number): number {
  return Math.min(minConcurrency, Math.max(minSlowConcurrency, Math.round(rate * clientPatienceMs)));
}
