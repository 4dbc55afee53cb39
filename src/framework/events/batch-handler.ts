import { setTimeout as sleep } from 'node:timers/promises';
import type { EventEffect } from '../calls/peers.ts';
import type { Database } from '../database/database.ts';
import { getLogger } from '../logging/logger.ts';
import type { ConsumerStatus } from './consumer-status.ts';
import { type ConsumerStore, LeaseLost, type ParkedEvent } from './consumer-store.ts';
import type { CloudEvent } from './event-schemas.ts';
import { type HandlerRunner, isTemporary } from './handler.ts';
import type { Batch } from './read-feed.ts';

/** ms before the second to the fifth try of an event. After the fifth it is parked. */
const retryPausesMs = [250, 500, 1_000, 2_000];

interface BatchHandlerOptions {
  readonly producer: string;
  readonly database: Database;
  readonly runner: HandlerRunner;
  readonly store: ConsumerStore;
  readonly status: ConsumerStatus;
}

/** An event whose handler has run, and the function that writes its effect. */
interface Prepared {
  readonly event: CloudEvent;
  readonly outcome: 'ok' | 'parked' | 'skipped';
  readonly write: EventEffect;
}

/**
 * Handles batches of events. The effects of a batch and the new position are one write. If that fails, each event is
 * handled alone. An event that fails five times is parked, and so are later events of its subject.
 */
export class BatchHandler {
  readonly #options: BatchHandlerOptions;

  constructor(options: BatchHandlerOptions) {
    this.#options = options;
  }

  /**
   * Handles the events after a position.
   * @returns false if the rest must be read again: an event failed, so later events of its subject may have to wait.
   */
  async handle(position: string | null, { events, next }: Batch, signal: AbortSignal): Promise<boolean> {
    const parked = await this.#options.store.parkedSubjects();
    const ready: Prepared[] = [];
    for (const event of events) {
      await this.#options.store.keep();
      try {
        ready.push(await this.#prepare(event, parked));
      } catch (error) {
        const from = ready.at(-1)?.event.id ?? position;
        // The effects of the events before it come first.
        if (ready.length > 0 && !(await this.#writeAll(position, from as string, ready, signal)))
          return false;
        if (isTemporary(error)) throw error;
        await this.#handleAlone(from, event, signal, error);
        return false;
      }
    }
    return (ready.length === 0 && next === position) || this.#writeAll(position, next, ready, signal);
  }

  /**
   * Writes the effects and the position together. If that fails, handles one event after the other, and resolves with
   * false.
   */
  async #writeAll(
    from: string | null,
    to: string,
    ready: readonly Prepared[],
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await this.#write(from, to, ready);
      return true;
    } catch (error) {
      if (error instanceof LeaseLost || isTemporary(error) || ready.length === 0) throw error;
      let position = from;
      for (const { event } of ready) {
        await this.#handleAlone(position, event, signal, ready.length === 1 ? error : undefined);
        position = event.id;
      }
      return false;
    }
  }

  /** Writes effects and moves the position, in one transaction. */
  async #write(from: string | null, to: string, prepared: readonly Prepared[]): Promise<void> {
    await this.#options.database.write(async () => {
      for (const { write } of prepared) await write();
      await this.#options.store.advance(from, to);
    });
    for (const { outcome } of prepared) this.#options.status.count(outcome);
  }

  async #prepare(event: CloudEvent, parked: ReadonlySet<string>): Promise<Prepared> {
    const { runner, store } = this.#options;
    if (!runner.knows(event.type)) return { event, outcome: 'skipped', write: () => {} };
    if (parked.has(event.subject)) return { event, outcome: 'parked', write: () => store.park(event, null) };
    return { event, outcome: 'ok', write: await runner.prepare(event) };
  }

  /** Tries an event up to five times, then parks it. `failed` is the error of the first try, if there was one. */
  async #handleAlone(
    from: string | null,
    event: CloudEvent,
    signal: AbortSignal,
    failed?: unknown,
  ): Promise<void> {
    const { store, status } = this.#options;
    let error = failed;
    for (let attempt = failed === undefined ? 0 : 1; attempt <= retryPausesMs.length; attempt += 1) {
      if (attempt > 0) {
        status.count('failed');
        const fields = { ...this.#describeFailure(event, error), attempt };
        getLogger().warn(fields, 'the handler of an event failed: the event is retried');
        await sleep(retryPausesMs[attempt - 1], undefined, { signal, ref: false });
      }
      try {
        await store.keep();
        const parked = await store.parkedSubjects();
        return await this.#write(from, event.id, [await this.#prepare(event, parked)]);
      } catch (reason) {
        if (reason instanceof LeaseLost || isTemporary(reason)) throw reason;
        error = reason;
      }
    }
    const write = () => store.park(event, describe(error));
    await this.#write(from, event.id, [{ event, outcome: 'parked', write }]);
    getLogger().error(
      this.#describeFailure(event, error),
      'an event is parked, and later events of its subject wait: fix the cause, then run ./run.sh events retry',
    );
  }

  /** Handles a parked event that an operator has released, or that no longer waits for an earlier event. */
  async retryParked(due: ParkedEvent): Promise<void> {
    const { database, runner, store, status } = this.#options;
    try {
      const write = await runner.prepare(due.event);
      await database.write(async () => {
        await write();
        await store.unpark(due);
      });
      status.count('ok');
    } catch (error) {
      if (error instanceof LeaseLost || isTemporary(error)) throw error;
      status.count('failed');
      const fields = this.#describeFailure(due.event, error);
      getLogger().error(fields, 'the handler of a parked event failed: the event stays parked');
      await store.fail(due, describe(error));
    }
  }

  /** Returns the fields of a log entry. */
  #describeFailure({ id, type, subject }: CloudEvent, err: unknown) {
    return { err, peer: this.#options.producer, event: id, type, subject };
  }
}

/** Returns the text of an error as a database can store it: PostgreSQL rejects U+0000. */
function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, 1_000).replaceAll('\0', '\ufffd');
}
