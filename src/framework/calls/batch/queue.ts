import { currentContext, runInContext } from '../../context/context.ts';
import type { PropagatedContext } from '../../context/propagation.ts';
import type { Span } from '../../context/span.ts';
import { type CalledOperation, PeerTimeout, PeerUnavailable } from '../errors.ts';
import type { FoundItems } from '../peers.ts';
import { CallSlot } from './call-slot.ts';
import { divide, type Group, Groups, selectWaiting } from './groups.ts';
import { type Item, PendingLookup } from './pending-lookup.ts';
import { openCallContext } from './shared-context.ts';

/** Bounds of a queue, in calls and ms. */
const bounds = {
  /**
   * A group that does not fill a call is sent while fewer calls than this are in flight. Lookups that wait longer share
   * more calls (measured: a user read over 50 connections takes 1.09 times the processor time with 2, 1.15 times with
   * 4).
   */
  idle: 1,
  /** A group that fills a call is sent while fewer calls than this are in flight. */
  full: 2,
  /** The maximum number of calls in flight: the event loop serves other requests between them. */
  parallel: 4,
  /**
   * A group of so many calls takes no further lookup (measured: users of 1,000 pets take 0.88 times the processor time of
   * a single group for all waiting lookups).
   */
  group: 16,
  /** An older call no longer counts, so that a slow call delays no other. */
  patienceMs: 50,
};

interface QueueOptions {
  readonly operation: CalledOperation;
  /** The maximum number of ids in a call. */
  readonly size: number;
  /** The member of an item that contains its id. */
  readonly key: string;
  call(ids: number[]): Promise<Item[]>;
  /** Called when no lookup waits and no call is in flight. */
  onIdle(): void;
}

/** The lookups and the ids of one call. The calls of a group share `found`. */
interface Part extends Group {
  readonly found: Map<number, Item>;
}

/** Gathers pending lookups and sends calls for them. Each lookup has its own deadline and its own outcome. */
export class LookupQueue {
  readonly #options: QueueOptions;
  readonly #waiting: Groups;
  /** The calls of the current group that have not been sent. */
  #parts: Part[] = [];
  #isScheduled = false;
  /** The number of calls in flight that are not older than `patienceMs`. */
  #calls = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#waiting = new Groups(bounds.group * options.size);
  }

  /** Adds a lookup. Resolves with the items of its calls. */
  join(ids: readonly number[], propagated: PropagatedContext): Promise<FoundItems<number, Item>> {
    return new Promise((resolve, reject) => {
      const { operation } = this.#options;
      const context = currentContext();
      const lookup = new PendingLookup({
        ids,
        context,
        propagated,
        span: context?.span?.start({ name: `lookup ${operation.target}` }),
        createTimeout: () => new PeerTimeout(operation),
        resolve,
        reject,
      });
      this.#waiting.add(lookup);
      if (this.#calls < bounds.idle) this.#proceed();
      else this.#proceedAfterTurn();
    });
  }

  /** Waits for the end of the event-loop turn: lookups that start in it may want the same ids. */
  #proceedAfterTurn(): void {
    if (this.#isScheduled || !this.#mayTakeGroup()) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#mayTakeGroup()) this.#proceed();
    });
  }

  #mayTakeGroup(): boolean {
    if (this.#parts.length > 0) return false;
    if (this.#calls < bounds.idle) return true;
    return this.#calls < bounds.full && this.#waiting.count() >= this.#options.size;
  }

  /** Sends all calls that the bounds allow. */
  #proceed(): void {
    if (this.#mayTakeGroup()) this.#takeGroup();
    while (this.#parts.length > 0 && this.#calls < bounds.parallel) {
      const part = selectWaiting(this.#parts.shift() as Part);
      if (part !== undefined) void this.#send(part);
      // If no lookup of the last part still waits, continue with the next group.
      if (this.#mayTakeGroup()) this.#takeGroup();
    }
  }

  #takeGroup(): void {
    const group = this.#waiting.take();
    if (group === undefined) return;
    const found = new Map<number, Item>();
    this.#parts = divide(group, this.#options.size).map(({ members, ids }) => ({ members, ids, found }));
    for (const { members } of this.#parts) for (const lookup of members) lookup.addCall();
  }

  async #send(part: Part): Promise<void> {
    const { members: lookups, ids, found } = part;
    const isShared = lookups.length > 1;
    for (const lookup of lookups) lookup.startCall(isShared);
    this.#calls += 1;
    const slot = new CallSlot(bounds.patienceMs, () => this.#release());
    let span: Span | undefined;
    try {
      const context = openCallContext(this.#options.operation, lookups, ids.size);
      // The span of a single lookup ends with its outcome.
      if (isShared) span = context?.span;
      await runInContext(context, async () => this.#collect(await this.#options.call([...ids]), part));
      span?.end();
      slot.releaseSoon();
      for (const lookup of lookups) lookup.endCall(isShared, found);
    } catch (error) {
      span?.end(error);
      slot.releaseSoon();
      for (const lookup of lookups) lookup.reject(error);
    }
  }

  #release(): void {
    this.#calls -= 1;
    this.#proceed();
    if (this.#calls === 0) this.#options.onIdle();
  }

  /** Adds the items of a response to `found`. */
  #collect(items: readonly Item[], { ids, found }: Part): void {
    const { operation, key } = this.#options;
    for (const item of items) {
      const id = item[key] as number;
      if (!ids.has(id) || found.has(id)) {
        throw new PeerUnavailable(operation, `an item that was not requested: ${id}`);
      }
      found.set(id, item);
    }
  }
}
