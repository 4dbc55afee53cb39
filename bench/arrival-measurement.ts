import { createHistogram } from 'node:perf_hooks';
import type { Offered } from './load.ts';

const slowest = 60_000_000; // µs

/** Counts and times the requests of an open-loop load. Points in time are ms on the clock of `performance.now()`. */
export class ArrivalMeasurement {
  readonly #begin: number;
  readonly #seconds: number;
  readonly #end: number;
  readonly #took = { accepted: newHistogram(), rejected: newHistogram(), toSend: newHistogram() };
  /** The requests that were due within the measurement, and the responses that arrived within it. */
  readonly #within = { offered: 0, queued: 0, accepted: 0, rejected: 0 };
  readonly #responses = { accepted: 0, rejected: 0, health: 0, others: {} as Record<string, number> };
  #worstHealth = 0;
  #cpu: NodeJS.CpuUsage | undefined;
  #loadBusy: number | undefined;

  /** @param begin the end of the warm-up. */
  constructor(begin: number, seconds: number) {
    this.#begin = begin;
    this.#seconds = seconds;
    this.#end = begin + seconds * 1000;
  }

  /** Counts a request that was due at `at`. */
  addRequest(at: number, now: number): void {
    if (at < this.#begin) return;
    this.#within.offered++;
    this.#took.toSend.record(inMicroseconds(now - at));
  }

  /** Counts a request that waits for a connection. */
  addQueued(at: number): void {
    if (at >= this.#begin) this.#within.queued++;
  }

  /** Counts the response to a request that was due at `at`. */
  addResponse(at: number, now: number, status: number, head: string): void {
    const kind = kindOf(status, head);
    if (kind === undefined) {
      this.#responses.others[status] = (this.#responses.others[status] ?? 0) + 1;
      return;
    }
    this.#responses[kind]++;
    const isWithin = now >= this.#begin && now < this.#end;
    if (isWithin) this.#within[kind]++;
    // Includes requests that were due earlier and waited for a connection.
    if (isWithin || at >= this.#begin) this.#took[kind].record(inMicroseconds(now - at));
  }

  addHealth(ms: number): void {
    this.#responses.health++;
    this.#worstHealth = Math.max(this.#worstHealth, ms);
  }

  /** Begins to measure the processor time of this process, unless the warm-up has not ended. */
  beginLoad(now: number): void {
    if (now >= this.#begin) this.#cpu ??= process.cpuUsage();
  }

  /** Ends the measurement of the processor time. Later calls have no effect. */
  endLoad(now: number): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#loadBusy ??= (user + system) / 1000 / (now - this.#begin);
  }

  result(): Offered {
    const seconds = this.#seconds;
    const { accepted, rejected, toSend } = this.#took;
    const within = this.#within;
    return {
      rate: within.accepted / seconds,
      rejected: within.rejected / seconds,
      offered: within.offered / seconds,
      p50: accepted.percentile(50) / 1000,
      p99: accepted.percentile(99) / 1000,
      rejectedP99: rejected.percentile(99) / 1000,
      responses: this.#responses,
      health: this.#worstHealth,
      late: toSend.percentile(99) / 1000,
      queued: within.offered === 0 ? 0 : within.queued / within.offered,
      loadBusy: this.#loadBusy ?? 0,
    };
  }
}

function kindOf(status: number, head: string): 'accepted' | 'rejected' | undefined {
  if (status === 200) return 'accepted';
  return status === 503 && /\r\nretry-after: *\d/i.test(head) ? 'rejected' : undefined;
}

const newHistogram = () => createHistogram({ highest: slowest, figures: 3 });
const inMicroseconds = (ms: number) => Math.max(1, Math.min(slowest, Math.round(ms * 1000)));
