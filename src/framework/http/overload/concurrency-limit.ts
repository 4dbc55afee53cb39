import { performance } from 'node:perf_hooks';
import type { Limits } from '../../config/limits.ts';

/** How many requests from outside are in work, and how many may be. */
export interface ConcurrencyLimit {
  /** One is admitted. */
  enter(): void;
  /** One that was admitted has ended. */
  leave(): void;
  /** One was refused, which took so many ms. */
  refused(ms: number): void;
  /** Bytes of responses that clients have not read. */
  unread(bytes: number): void;
  /** Why one more request is too many, where so many wait to be started; undefined where it is not. */
  excess(waiting?: number): 'requests' | 'unread' | undefined;
  close(): void;
}

/** How often the rate is looked at, in ms. */
const tick = 100;
/** From here on the event loop has nothing left to give. */
const busy = 0.95;
/** For so long, in ms, or it was a burst: how fast it ends what has just begun says nothing. */
const sustained = 500;
/** For a while after that, in ms, no more of a burst is let in than it ends within `time` ms, or `least` if that is more. */
const burst = { time: 250, least: 512, remembered: 60_000 };
/** Before and after a refusal Node takes as long for it again. */
const aroundRefusal = 2;
/** Of the time, so much is taken for work whatever was refused. */
const leastShare = 0.1;
/**
 * So many ms of work a refusal takes, on the machine where it was measured. What takes less than `worth` times that is not
 * refused: over 1,500 connections that ask again at once, refusing users by their id took four fifths of the time.
 */
const refusal = { takes: 0.025, worth: 8 };
/**
 * At least `count` are let in, because fewer concurrent requests share fewer calls and each costs more. Once the event
 * loop has been busy for `time` ms, and so the rate is well known, no more of these than end within `time` ms, because a
 * client that waits longer gives up; but never fewer than `fewest`.
 */
const least = { count: 64, time: 5_000, fewest: 16 };

/**
 * How many may be in work at once: `requests` of the limits; and, where the event loop has been busy for half a
 * second, and to refuse is much less work, no more than it ends within `wait`. What it does then is remembered for the
 * next flood, which would all be in before that half second is over. So where the work is heavy the line stays short
 * enough for what is admitted to be answered in time, and where requests wait for somebody else, it is not in the way.
 */
export function openConcurrencyLimit(limits: Pick<Limits, 'requests' | 'wait' | 'unread'>): ConcurrencyLimit {
  const { requests, wait, unread: maxUnread } = limits;
  let unread = 0;
  let inWork = 0;
  /** The fewest since the last look: those have waited for somebody else all the time. */
  let fewest = 0;
  let ended = 0;
  let refusing = 0;
  let rate = 0;
  let most: number = requests;
  let lastUse = performance.eventLoopUtilization();
  let lastLook = performance.now();
  let busySince: number | undefined;
  let known: { readonly rate: number; readonly at: number } | undefined;

  const timer = setInterval(() => {
    const now = performance.now();
    const use = performance.eventLoopUtilization();
    const isBusy = performance.eventLoopUtilization(use, lastUse).utilization > busy;
    // What goes by with refusing is no measure of what it can do either: the more it refused, the less it would admit.
    const passed = now - lastLook;
    const measured = ended / Math.max(passed - refusing, leastShare * passed);
    // What it ends while it could do more is no measure of what it can.
    rate = busySince === undefined ? measured : 0.7 * rate + 0.3 * measured;
    if (isBusy) busySince ??= lastLook;
    else busySince = undefined;
    if (busySince === undefined) most = Math.min(requests, fewest + mostOfBurst(now));
    else if (now - busySince >= sustained) {
      known = { rate, at: now };
      most = endsWithin(wait, rate, now - busySince < least.time ? least.count : leastByTime(rate));
    }
    fewest = inWork;
    ended = 0;
    refusing = 0;
    lastUse = use;
    lastLook = now;
  }, tick);
  timer.unref();

  function mostOfBurst(now: number): number {
    if (known === undefined || now - known.at > burst.remembered) return requests;
    return endsWithin(Math.max(burst.time, wait), known.rate, burst.least);
  }

  /** How many may be in work to be ended within `time`, where so many are ended in a ms. */
  function endsWithin(time: number, rate: number, atLeast: number): number {
    if (rate * refusal.takes * refusal.worth >= 1) return requests;
    return Math.min(requests, Math.max(atLeast, Math.round(rate * time)));
  }

  return {
    enter() {
      inWork += 1;
    },
    leave() {
      inWork -= 1;
      if (inWork < fewest) fewest = inWork;
      ended += 1;
    },
    refused(ms) {
      refusing += aroundRefusal * ms;
    },
    unread(bytes) {
      unread = bytes;
    },
    excess(waiting = 0) {
      if (inWork + waiting >= most) return 'requests';
      return unread > maxUnread ? 'unread' : undefined;
    },
    close: () => clearInterval(timer),
  };
}

function leastByTime(rate: number): number {
  return Math.min(least.count, Math.max(least.fewest, Math.round(rate * least.time)));
}
