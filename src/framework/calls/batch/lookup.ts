import { currentContext, outgoingContext } from '../../context/context.ts';
import type { ActsAs } from '../../context/principal.ts';
import { batchKey } from '../../context/propagation.ts';
import { RequestEnded } from '../../errors/problem.ts';
import { assertOutsideWrite } from '../call-init.ts';
import { PeerTimeout } from '../errors.ts';
import type { Operation } from '../operation.ts';
import type { FoundItems, Lookup } from '../peers.ts';
import type { Item } from './pending-lookup.ts';
import { LookupQueue } from './queue.ts';

interface LookupOptions {
  /** The query parameter that takes the ids. The contract bounds their number. */
  readonly parameter: string;
  /** The member of an item that contains its id. */
  readonly key: string;
  /** The principal of the calls. As `caller`, only lookups with the same token share calls. */
  readonly as: ActsAs;
}

/** The maximum number of calls of a piece. A longer lookup is split into pieces, which run one after the other. */
const callsPerPiece = 4;

/**
 * Creates a lookup with an operation that lists items by their ids. Concurrent lookups are batched. A lookup is sent
 * immediately if no call is in flight. Lookups that start meanwhile share the next call, which requests each id once.
 * That call is sent two event-loop turns after the response, because callers that just got it often look up again. It
 * is sent at the end of the current turn if it is full and at most one call is in flight.
 *
 * Nothing is cached: no lookup gets the response to a call that was sent before the lookup started. Lookups share a
 * call only if their requests have the same rights (`batchKey`).
 *
 * Lookups that need several calls wait in a separate queue, because short lookups must not wait for them. A lookup that
 * needs more than four calls joins that queue again for each piece, and each piece has the full deadline. The lookup
 * stops when its request is over.
 * @throws {PeerUnavailable | PeerTimeout} As the operation does, also if the response has an item that was not
 * requested. Each caller times out at its own deadline.
 */
export function lookupByIds(
  operation: Operation,
  { parameter, key, as }: LookupOptions,
): Lookup<number, Item> {
  const queues = new Map<string, LookupQueue>();

  function join(ids: readonly number[], size: number): Promise<FoundItems<number, Item>> {
    if (currentContext()?.request?.isOver) throw new RequestEnded();
    const propagated = outgoingContext(operation.deadline, as);
    if (propagated.deadline <= performance.now()) throw new PeerTimeout(operation);
    const length = ids.length > size ? 'long' : 'short';
    const sharing = `${length} ${batchKey(propagated)}`;
    let queue = queues.get(sharing);
    if (queue === undefined) {
      queue = new LookupQueue({
        ...{ operation, size, key },
        call(some) {
          operation.counts.ids.add(some.length);
          return operation({ query: { [parameter]: some }, as }) as Promise<Item[]>;
        },
        onIdle: () => queues.delete(sharing),
      });
      queues.set(sharing, queue);
    }
    return queue.join(ids, propagated);
  }

  return async function lookup(ids) {
    assertOutsideWrite(operation.target);
    if (ids.length === 0) return new Map();
    const size = operation.contract.maxItems(parameter);
    const piece = callsPerPiece * size;
    if (ids.length <= piece) return join(ids, size);
    const all = [...new Set(ids)];
    const found = new Map<number, Item>();
    for (let from = 0; from < all.length; from += piece) {
      const some = all.slice(from, from + piece);
      const items = await join(some, size);
      for (const id of some) {
        const item = items.get(id);
        if (item !== undefined) found.set(id, item);
      }
    }
    return found;
  };
}
