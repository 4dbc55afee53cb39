import { currentContext, outgoingContext } from '../../context/context.ts';
import { batchKey } from '../../context/propagation.ts';
import { RequestEnded } from '../../errors/problem.ts';
import { assertOutsideWrite } from '../client.ts';
import { PeerTimeout } from '../errors.ts';
import type { Operation } from '../operation.ts';
import { type Found, LookupQueue } from './queue.ts';

export type { Found } from './queue.ts';

/** Describes an operation that lists items by their ids. */
export interface BatchOptions<Init, Item, Args> {
  /** The query parameter that takes the ids. The contract says how many. */
  readonly parameter: string;
  /** Builds the request for these ids and the other arguments of the lookup. */
  ask(ids: number[], args: Args): Init;
  idOf(item: Item): number;
}

/**
 * Resolves with those of the things with these ids that exist; ids may repeat. The result is shared with concurrent
 * lookups: ask it for these ids alone, and change nothing.
 */
export type Lookup<Item, Args> = (ids: readonly number[], args?: Args) => Promise<Found<Item>>;

/** A lookup that needs more calls is split into pieces, which run one after the other. */
const callsPerPiece = 4;

/**
 * Creates a lookup with an operation that lists items by their ids. Concurrent lookups are batched: a lookup is sent
 * immediately if no call is in flight; lookups that start meanwhile share the next call. That leaves two turns of the event loop
 * after the response, so that callers that just got it can join; or, if no second call is in flight, with the turn in
 * which it has as many ids as the contract allows. Each id is asked for once. Nothing is cached: no lookup gets the
 * response to a call that left before the lookup started. Lookups share a call if their arguments are the same, and
 * what belongs to one request alone (`sharingKey`).
 *
 * Lookups take fair turns. One that needs more than one call waits in a queue of its own, so that no short lookup is
 * behind it. One that needs more than four does so again for each piece. The deadline is that of a piece. Nothing is
 * sent for a request that is over.
 * @throws {PeerUnavailable | PeerTimeout} As the operation does, also if the response has an item that was not
 * requested. Each caller times out at its own deadline.
 */
export function lookupByIds<Init, Item, Args = undefined>(
  operation: Operation<Init, Item[]>,
  { parameter, ask, idOf }: BatchOptions<Init, Item, Args>,
): Lookup<Item, Args> {
  const queues = new Map<string, LookupQueue<Item>>();

  function join(ids: readonly number[], size: number, args: Args | undefined): Promise<Found<Item>> {
    if (currentContext()?.request?.isOver) throw new RequestEnded();
    const propagated = outgoingContext(operation.deadline);
    if (propagated.deadline <= performance.now()) throw new PeerTimeout(operation);
    const length = ids.length > size ? 'long' : 'short';
    const key = `${length} ${batchKey(propagated)} ${JSON.stringify(args)}`;
    let queue = queues.get(key);
    if (queue === undefined) {
      queue = new LookupQueue({
        operation,
        size,
        call(some) {
          operation.counts.ids.add(some.length);
          return operation(ask(some, args as Args));
        },
        idOf,
        onIdle: () => queues.delete(key),
      });
      queues.set(key, queue);
    }
    return queue.join(ids, propagated);
  }

  return async function lookup(ids, args) {
    assertOutsideWrite(operation.target);
    if (ids.length === 0) return new Map();
    const size = operation.contract.maxItems(parameter);
    const piece = callsPerPiece * size;
    if (ids.length <= piece) return join(ids, size, args);
    const all = [...new Set(ids)];
    const found = new Map<number, Item>();
    for (let from = 0; from < all.length; from += piece) {
      const some = all.slice(from, from + piece);
      const items = await join(some, size, args);
      for (const id of some) {
        const item = items.get(id);
        if (item !== undefined) found.set(id, item);
      }
    }
    return found;
  };
}
