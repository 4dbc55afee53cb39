import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/database.ts';
import { getLogger } from '../logging/logger.ts';
import { ConsumerStatus } from './consumer-status.ts';
import { type ConsumerStore, createConsumerStore, LeaseLost } from './consumer-store.ts';
import type { CloudEvent } from './event-types.ts';
import { createHandlerRunner, type Effect, type HandlerOptions, isPassing } from './handler.ts';
import { type Batch, FeedLost, type ReadFeed } from './read-feed.ts';

export interface ConsumerOptions extends HandlerOptions {
  readonly database: Database;
  /** Reads the feed of the producer. */
  readonly readFeed: ReadFeed;
  /** Whether the contract of the producer is broken. The consumer waits then. */
  isBroken(): boolean;
}

/** ms before the second to the fifth try of an event. After the fifth it is parked. */
const retryPausesMs = [250, 500, 1_000, 2_000];
/** The longest pause while the producer or the own database is away, in ms. */
const maxPauseMs = 5_000;
/** The lag that is worth a word in `/ready`, in s. */
const maxLagSeconds = 60;
/** How often to look for a free lease, and for parked events that an operator releases, in ms. */
const lookMs = 1_000;

/** An event whose handler has run, and the function that writes its effect. */
interface Prepared {
  readonly event: CloudEvent;
  readonly outcome: 'ok' | 'parked' | 'skipped';
  readonly write: Effect;
}

/**
 * Consumes the feed of a producer. The effects of up to 100 events and the new position are one write. If it fails, each
 * event is handled alone. An event that fails five times is parked, and so are later events of its subject.
 */
export class Consumer {
  readonly status = new ConsumerStatus();
  readonly producer: string;
  readonly store: ConsumerStore;
  readonly #options: ConsumerOptions;
  readonly #handle: ReturnType<typeof createHandlerRunner>;
  #signal = AbortSignal.abort();

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.producer = options.producer;
    this.store = createConsumerStore(options.database, options.producer);
    this.#handle = createHandlerRunner(options);
  }

  /** Lists what an operator should know: parked events, a consumer that has stopped, a lag of more than a minute. */
  async degradations(): Promise<readonly string[]> {
    const { producer, store, status } = this;
    const [failed, { problem }] = await Promise.all([store.failedIds(), store.read()]);
    const [first, ...others] = failed;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    return [
      ...(first === undefined ? [] : [`event ${first} of ${producer}${more} is parked`]),
      ...(problem === null ? [] : [`events of ${producer} are stopped: ${problem}`]),
      ...(status.lagSeconds > maxLagSeconds
        ? [`events of ${producer} are ${Math.floor(status.lagSeconds)} s late`]
        : []),
    ];
  }

  /** Consumes until the app stops. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    let pauseMs = 100;
    while (!signal.aborted) {
      try {
        if (this.#options.isBroken() || !(await this.store.acquire())) await this.#pause(lookMs);
        else await this.#step();
        pauseMs = 100;
      } catch (err) {
        if (signal.aborted) break;
        const isExpected = err instanceof LeaseLost || isPassing(err);
        if (!isExpected) getLogger().error({ err, peer: this.producer }, 'events cannot be handled');
        await this.#pause(pauseMs);
        pauseMs = Math.min(2 * pauseMs, maxPauseMs);
      }
    }
    await this.store.release().catch(() => {});
  }

  /** Resolves when every event that the producer has now is handled or parked. */
  async catchUp(): Promise<void> {
    for (;;) {
      const { position } = await this.store.read();
      const { events } = await this.#options.readFeed(position, { waitMs: 0, limit: 1 });
      if (events.length === 0) return;
      await sleep(10);
    }
  }

  async #step(): Promise<void> {
    const due = await this.store.nextDue();
    if (due !== undefined) return this.#retryParked(due);
    const parked = await this.store.parkedSubjects();
    this.status.parked = parked.size === 0 ? 0 : (await this.store.failedIds()).length;
    const { position } = await this.store.read();
    const begun = performance.now();
    let batch: Batch;
    try {
      batch = await this.#options.readFeed(position, {
        signal: this.#signal,
        ...(parked.size > 0 && { waitMs: lookMs }),
      });
    } catch (error) {
      this.status.lost();
      if (error instanceof FeedLost) return this.#recover(position, error);
      throw error;
    }
    this.status.read(position, batch);
    await this.#handleBatch(position, batch, parked);
    this.status.handled(batch);
    // A producer that is stopping ends each wait immediately.
    if (batch.events.length === 0 && performance.now() - begun < lookMs / 2) await this.#pause(lookMs / 2);
  }

  async #handleBatch(start: string | null, batch: Batch, parked: ReadonlySet<string>): Promise<void> {
    let from = start;
    let ready: Prepared[] = [];
    const commit = async (to: string) => {
      await this.#commitTogether(from, to, ready);
      from = to;
      ready = [];
    };
    for (const event of batch.events) {
      try {
        ready.push(await this.#prepare(event, parked));
      } catch (error) {
        if (isPassing(error)) {
          // What came before it is done. The event itself is read again.
          if (ready.length > 0) await commit((ready.at(-1) as Prepared).event.id);
          throw error;
        }
        if (ready.length > 0) await commit((ready.at(-1) as Prepared).event.id);
        await this.#handleAlone(from, event, parked, error);
        from = event.id;
        if (await this.#isParkedNow(event, parked)) return;
      }
    }
    if (ready.length > 0 || batch.next !== from) await commit(batch.next);
  }

  /** Whether the event has just been parked: the rest of the batch is read again, because its subject waits now. */
  async #isParkedNow({ subject }: CloudEvent, parked: ReadonlySet<string>): Promise<boolean> {
    return !parked.has(subject) && (await this.store.parkedSubjects()).has(subject);
  }

  async #prepare(event: CloudEvent, parked: ReadonlySet<string>): Promise<Prepared> {
    if (!this.#handle.knows(event.type)) return { event, outcome: 'skipped', write: () => {} };
    if (parked.has(event.subject))
      return { event, outcome: 'parked', write: () => this.store.park(event, null) };
    return { event, outcome: 'ok', write: await this.#handle.prepare(event) };
  }

  /** Writes the effects and the position together; if that fails, one event after the other. */
  async #commitTogether(from: string | null, to: string, prepared: readonly Prepared[]): Promise<void> {
    try {
      await this.#write(from, to, prepared);
    } catch (error) {
      if (error instanceof LeaseLost || isPassing(error) || prepared.length === 0) throw error;
      let position = from;
      for (const [index, one] of prepared.entries()) {
        const isLast = index === prepared.length - 1;
        const parked = await this.store.parkedSubjects();
        await this.#handleAlone(position, one.event, parked, prepared.length === 1 ? error : undefined);
        position = one.event.id;
        if (isLast && to !== position) await this.#write(position, to, []);
      }
    }
  }

  async #write(from: string | null, to: string, prepared: readonly Prepared[]): Promise<void> {
    await this.#options.database.write(async () => {
      for (const { write } of prepared) await write();
      await this.store.advance(from, to);
    });
    for (const { outcome } of prepared) this.status.count(outcome);
  }

  /** Tries an event up to five times, and parks it then. `failed` is the error of its first try, if it was tried. */
  async #handleAlone(
    from: string | null,
    event: CloudEvent,
    parked: ReadonlySet<string>,
    failed?: unknown,
  ): Promise<void> {
    let error = failed;
    for (let attempt = failed === undefined ? 0 : 1; attempt <= retryPausesMs.length; attempt += 1) {
      if (attempt > 0) {
        this.#logFailure(event, error, attempt);
        await this.#pause(retryPausesMs[attempt - 1] as number);
        this.#signal.throwIfAborted();
      }
      try {
        return await this.#write(from, event.id, [await this.#prepare(event, parked)]);
      } catch (reason) {
        if (reason instanceof LeaseLost || isPassing(reason)) throw reason;
        error = reason;
      }
    }
    const { id, type, subject } = event;
    const fields = { err: error, peer: this.producer, event: id, type, subject };
    const write = () => this.store.park(event, describe(error));
    await this.#write(from, id, [{ event, outcome: 'parked', write }]);
    getLogger().error(
      fields,
      'an event is parked, with later events of its subject: mend its cause, then run ./run.sh events retry',
    );
  }

  #logFailure({ id, type, subject }: CloudEvent, err: unknown, attempt: number): void {
    this.status.count('failed');
    const fields = { err, peer: this.producer, event: id, type, subject, attempt };
    getLogger().warn(fields, 'the handler of an event failed: it is tried again');
  }

  /** Handles a parked event that an operator has released, or that follows one. */
  async #retryParked(due: Awaited<ReturnType<ConsumerStore['nextDue']>> & {}): Promise<void> {
    try {
      const write = await this.#handle.prepare(due.event);
      await this.#options.database.write(async () => {
        await write();
        await this.store.unpark(due);
      });
      this.status.count('ok');
    } catch (error) {
      if (error instanceof LeaseLost || isPassing(error)) throw error;
      this.#logFailure(due.event, error, 1);
      await this.store.fail(due, describe(error));
    }
  }

  /** Goes on after a position that is not valid any more. */
  async #recover(position: string | null, lost: FeedLost): Promise<void> {
    const log = getLogger();
    const fields = { peer: this.producer, position, newest: lost.newest };
    if (lost.reason === 'rewound' && lost.shared !== undefined) {
      const { shared } = lost;
      log.error(
        { ...fields, shared },
        'the producer was restored from a backup: events after it are lost, and later ones are handled',
      );
      await this.#write(position, shared, []);
      return;
    }
    if (lost.reason === 'gone' && this.#handle.snapshot !== undefined) {
      log.warn(fields, 'events are deleted before they were handled: the snapshot handler reads the state');
      const write = await this.#handle.snapshot();
      await this.#options.database.write(async () => {
        await write();
        await this.store.advance(position, lost.newest);
      });
      return;
    }
    const problem = lost.reason === 'gone' ? 'events-gone' : 'feed-rewound';
    if ((await this.store.read()).problem !== problem) {
      log.error(
        { ...fields, problem },
        'the consumer has stopped: run ./run.sh events replay to say from where it goes on',
      );
      await this.store.stop(problem);
    }
    await this.#pause(maxPauseMs);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal, ref: false }).catch(() => {});
  }
}

function describe(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
}
