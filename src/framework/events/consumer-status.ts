import { nowMicros, parseInstant } from '../database/instant.ts';
import { parsePosition } from './position.ts';
import type { Batch } from './read-feed.ts';

/** `failed` counts each failed try, the others count events. */
type EventOutcome = 'ok' | 'failed' | 'parked' | 'skipped';

/** The state of a consumer in this process, for metrics and readiness. */
export class ConsumerStatus {
  // Counters begin with 0, so that the first event is an increase.
  readonly outcomes = new Map<EventOutcome, number>([
    ['ok', 0],
    ['failed', 0],
    ['parked', 0],
    ['skipped', 0],
  ]);
  /** Parked events whose handlers failed. */
  parked = 0;
  /** Events of the feed that are not handled, as of the last read. */
  lagEvents = 0;
  #isCaughtUp = false;
  /** The time of the oldest event that is not handled, or of the first failed read, in µs since 1970. */
  #behindSince: number | undefined;

  /** Whether the last read left nothing to handle. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  /** Seconds by which the consumer is behind. */
  get lagSeconds(): number {
    return this.#behindSince === undefined ? 0 : Math.max(0, nowMicros() - this.#behindSince) / 1e6;
  }

  /** Notes a batch that was read and is not handled yet. */
  read(position: string | null, { events: [first], newest }: Batch): void {
    this.lagEvents = countBetween(position, newest);
    this.#isCaughtUp = false;
    this.#behindSince = first === undefined ? undefined : parseInstant(first.time);
  }

  handled({ next, newest }: Batch): void {
    this.lagEvents = countBetween(next, newest);
    this.#isCaughtUp = this.lagEvents === 0;
    if (this.#isCaughtUp) this.#behindSince = undefined;
  }

  /** Notes that the feed could not be read. */
  lost(): void {
    this.#isCaughtUp = false;
    this.#behindSince ??= nowMicros();
  }

  /** Resets the state, because another process consumes the feed now and reports its own state. */
  leave(): void {
    this.parked = 0;
    this.lagEvents = 0;
    this.#isCaughtUp = false;
    this.#behindSince = undefined;
  }

  count(outcome: EventOutcome): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }
}

function countBetween(from: string | null, to: string): number {
  return Math.max(0, parsePosition(to).number - (from === null ? 0 : parsePosition(from).number));
}
