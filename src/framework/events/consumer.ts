import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/database.ts';
import { getLogger } from '../logging/logger.ts';
import { BatchHandler } from './batch-handler.ts';
import { ConsumerStatus } from './consumer-status.ts';
import { type ConsumerStore, createConsumerStore, LeaseLost } from './consumer-store.ts';
import { type HandlerRunner, isTemporary } from './handler.ts';
import { type Batch, FeedLost, type ReadFeed } from './read-feed.ts';

interface ConsumerOptions {
  readonly producer: string;
  readonly database: Database;
  readonly runner: HandlerRunner;
  /** Reads the feed of the producer. */
  readonly readFeed: ReadFeed;
  /** Whether the contract of the producer is broken. The consumer waits then. */
  isBroken(): boolean;
}

/** The maximum pause while the producer or the database does not respond, in ms. */
const maxPauseMs = 5_000;
/** The lag that `/ready` reports, in s. */
const maxLagSeconds = 60;
/** The interval of checks for a free lease, and for parked events that an operator releases, in ms. */
const checkMs = 1_000;

/** Consumes the feed of a producer while this process has the lease. */
export class Consumer {
  readonly status = new ConsumerStatus();
  readonly producer: string;
  readonly store: ConsumerStore;
  readonly #options: ConsumerOptions;
  readonly #handler: BatchHandler;
  #signal = AbortSignal.abort();

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.producer = options.producer;
    this.store = createConsumerStore(options.database, options.producer);
    this.#handler = new BatchHandler({ ...options, store: this.store, status: this.status });
  }

  /** Lists problems for an operator: parked events, a stopped consumer, a lag of more than a minute. */
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
        if (this.#options.isBroken()) await this.#pause(checkMs);
        else if (await this.store.acquire()) await this.#step();
        else {
          this.status.leave();
          await this.#pause(checkMs);
        }
        pauseMs = 100;
      } catch (err) {
        if (signal.aborted) break;
        const isExpected = err instanceof LeaseLost || isTemporary(err);
        if (!isExpected) getLogger().error({ err, peer: this.producer }, 'events cannot be handled');
        await this.#pause(pauseMs);
        pauseMs = Math.min(2 * pauseMs, maxPauseMs);
      }
    }
    await this.store.release().catch(() => {});
  }

  /** Resolves when all events that the producer has now are handled or parked. */
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
    if (due !== undefined) return this.#handler.retryParked(due);
    const parked = await this.store.parkedSubjects();
    this.status.parked = parked.size === 0 ? 0 : (await this.store.failedIds()).length;
    const { position } = await this.store.read();
    const begun = performance.now();
    let batch: Batch;
    try {
      batch = await this.#options.readFeed(position, {
        signal: this.#signal,
        ...(parked.size > 0 && { waitMs: checkMs }),
      });
    } catch (error) {
      this.status.lost();
      if (error instanceof FeedLost) return this.#recover(position, error);
      throw error;
    }
    this.status.read(position, batch);
    if (await this.#handler.handle(position, batch, this.#signal)) this.status.handled(batch);
    // Pause after an early empty response, because a producer that stops does not wait for events.
    if (batch.events.length === 0 && performance.now() - begun < checkMs / 2) await this.#pause(checkMs / 2);
  }

  /** Continues after a position that is no longer valid. */
  async #recover(position: string | null, lost: FeedLost): Promise<void> {
    const log = getLogger();
    const { database, runner } = this.#options;
    const fields = { peer: this.producer, position, newest: lost.newest };
    if (lost.reason === 'rewound' && lost.shared !== undefined) {
      const { shared } = lost;
      log.error(
        { ...fields, shared },
        'the producer was restored from a backup: the consumer continues with the first event after the backup',
      );
      await database.write(() => this.store.advance(position, shared));
      return;
    }
    if (lost.reason === 'gone' && runner.snapshot !== undefined) {
      log.warn(fields, 'events were deleted before they were handled: the snapshot handler reads the state');
      const write = await runner.snapshot();
      await database.write(async () => {
        await write();
        await this.store.advance(position, lost.newest);
      });
      return;
    }
    const problem = lost.reason === 'gone' ? 'events-gone' : 'feed-rewound';
    if ((await this.store.read()).problem !== problem) {
      log.error(
        { ...fields, problem },
        'the consumer has stopped: set its position with ./run.sh events replay',
      );
      await this.store.stop(problem);
    }
    await this.#pause(maxPauseMs);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal, ref: false }).catch(() => {});
  }
}
