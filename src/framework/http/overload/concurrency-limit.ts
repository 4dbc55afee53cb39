import { performance } from 'node:perf_hooks';
import type { Limits } from '../../config/limits.ts';

/** Counts the requests from outside that are in progress, and decides whether one more is too many. */
export interface ConcurrencyLimit {
  /** A request was admitted. */
  enter(): void;
  /** An admitted request has ended. */
  leave(): void;
  /** A request was rejected, which took this time. */
  rejected(ms: number): void;
  /** Sets how many bytes of responses clients have not read. */
  unread(bytes: number): void;
  /** Returns why one more request is too many, with so many waiting to be started; undefined if it is not. */
  excess(waiting?: number): 'requests' | 'unread' | undefined;
  close(): void;
}

/** How often the rate of requests is measured. */
const tickMs = 100;
/** Event-loop utilization from which the process counts as busy: it cannot do more work per second. */
const busyUtilization = 0.95;
/** How long the process must be busy before the limit applies. A shorter burst says nothing about the rate. */
const sustainedMs = 500;
/** Weight of the latest tick in the average rate. */
const smoothing = 0.3;
/** Requests of the next burst that are admitted after an overload, and how long the overload is remembered. */
const burst = { max: 512, rememberedMs: 60_000 };
/** Node takes about as long before and after a rejection as the rejection itself takes. */
const rejectionOverhead = 2;
/** Share of a tick that always counts as work, whatever was rejected. It bounds the error of `rejectionOverhead`. */
const minWorkShare = 0.1;
/**
 * Requests that take less than this are not rejected, because rejecting one takes about an eighth of it: over 1,500
 * connections that ask again immediately, rejecting requests for a user by id took four fifths of the time.
 */
const cheapRequestMs = 0.2;
/**
 * At least `max` requests are admitted, because fewer concurrent requests share fewer calls and each costs more. If that
 * many take longer than `waitMs`, fewer are admitted, because clients give up; but never fewer than `min`.
 */
const least = { max: 64, waitMs: 5_000, min: 16 };

/**
 * Limits the requests in progress to `limits.requests`. If the event loop has been busy for half a second, and rejecting is
 * much cheaper than serving, it limits them to the number that ends within `limits.wait` ms. So admitted requests get their
 * response in time, and requests that wait for something else are not limited. After an overload it also limits the next
 * burst, which would otherwise be admitted completely before half a second is over.
 *
 * A limit with additive increase and multiplicative decrease (AIMD: × 0.9 per busy tick with a longer wait, else + 10) has
 * half as many constants. In the bench `overload-page`, on a busy machine, it served 0.57 and 0.69 of the peak at twice the
 * capacity (0.67 and 0.87 if cheap requests are exempt). This limit served 0.75 to 0.98.
 */
export function openConcurrencyLimit(limits: Pick<Limits, 'requests' | 'wait' | 'unread'>): ConcurrencyLimit {
  const { requests, wait, unread: maxUnread } = limits;
  let unread = 0;
  let inProgress = 0;
  /** The lowest number since the last tick: so many requests have waited for something else in all that time. */
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

  const timer = setInterval(() => {
    const now = performance.now();
    const use = performance.eventLoopUtilization();
    const isBusy = performance.eventLoopUtilization(use, lastUse).utilization > busyUtilization;
    // Do not count time spent on rejections as capacity: otherwise each rejection would lower the limit further.
    const passed = now - lastTick;
    const measured = ended / Math.max(passed - rejectingMs, minWorkShare * passed);
    // A rate that was measured while the process was not busy is not its capacity, so the average starts again.
    rate = busySince === undefined ? measured : (1 - smoothing) * rate + smoothing * measured;
    if (isBusy) busySince ??= lastTick;
    else busySince = undefined;
    if (busySince === undefined) limit = Math.min(requests, lowest + burstLimit(now));
    else if (now - busySince >= sustainedMs) {
      overload = { rate, at: now };
      // In the first seconds the rate is not known well enough to go below `least.max`.
      limit = countWithin(wait, rate, now - busySince < least.waitMs ? least.max : leastByTime(rate));
    }
    lowest = inProgress;
    ended = 0;
    rejectingMs = 0;
    lastUse = use;
    lastTick = now;
  }, tickMs);
  timer.unref();

  function burstLimit(now: number): number {
    if (overload === undefined || now - overload.at > burst.rememberedMs) return requests;
    return countWithin(wait, overload.rate, burst.max);
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
    rejected(ms) {
      rejectingMs += rejectionOverhead * ms;
    },
    unread(bytes) {
      unread = bytes;
    },
    excess(waiting = 0) {
      if (inProgress + waiting >= limit) return 'requests';
      return unread > maxUnread ? 'unread' : undefined;
    },
    close: () => clearInterval(timer),
  };
}

function leastByTime(rate: number): number {
  return Math.min(least.max, Math.max(least.min, Math.round(rate * least.waitMs)));
}
