import { type Found, openQueue, type Queue } from './batch-queue.ts';
import { nextTravel } from './context.ts';
import type { Operation } from './operation.ts';
import { sharingKey } from './travel.ts';

export type { Found } from './batch-queue.ts';

/** How an operation that lists things by their ids is asked, and what it answers. */
export interface BatchOptions<Init, Item, Args> {
  /** The query parameter that takes the ids; how many at once is for the contract to say. */
  readonly parameter: string;
  /** What to send for these ids, and for the other arguments of the lookup. */
  ask(ids: number[], args: Args): Init;
  idOf(item: Item): number;
}

/**
 * Resolves with what there is of the things with these ids; they may repeat. It is shared with others who looked up at
 * the same time: ask it for these ids alone, and change nothing.
 */
export type Lookup<Item, Args> = (ids: readonly number[], args?: Args) => Promise<Found<Item>>;

/**
 * Makes a lookup of an operation that lists things by their ids. Lookups that wait together travel together: one
 * leaves at once where no call is in flight; what comes meanwhile goes with the next. That leaves two turns of the
 * event loop after the call is back, so that those who were answered can be back too; or with the turn in which it has
 * as many ids as the contract allows, where no second one is in flight. Each id is asked for once. Nothing is kept:
 * nobody gets the answer to a call that had left before he came. Callers share a call where their arguments are the
 * same, and what belongs to one of them alone (`sharingKey`).
 * @throws {Unavailable | TimedOut} as the operation does, also where it answers with what nobody asked for; to each
 * at his own deadline.
 */
export function lookupByIds<Init, Item, Args = undefined>(
  operation: Operation<Init, Item[]>,
  { parameter, ask, idOf }: BatchOptions<Init, Item, Args>,
): Lookup<Item, Args> {
  const queues = new Map<string, Queue<Item>>();

  return async function lookup(ids, args) {
    if (ids.length === 0) return new Map();
    const travel = nextTravel(operation.deadline);
    if (travel.deadline <= performance.now()) throw operation.refuseLate();
    const key = `${sharingKey(travel)} ${JSON.stringify(args)}`;
    let queue = queues.get(key);
    if (queue === undefined) {
      queue = openQueue({
        operation,
        size: operation.contract.maxItems(parameter),
        call(some) {
          operation.counts.ids.add(some.length);
          return operation(ask(some, args as Args));
        },
        idOf,
        onIdle: () => queues.delete(key),
      });
      queues.set(key, queue);
    }
    return queue.join(ids, travel);
  };
}
