import type { FastifyReply } from 'fastify';
import { openJsonList } from '../http/json-list.ts';
import { openSliceScheduler } from '../http/slice-scheduler.ts';
import type { AddedRoute } from './route-checks.ts';

/** The maximum number of parts of a slice with several items: about 30 ms of work. */
const maxParts = 2_500;

/**
 * Schedules the slices of all services of the process. `maxUnits` is ten of the largest pages of users. Further lists
 * get 503.
 */
const runSlices = openSliceScheduler({
  parallel: 2,
  maxUnits: 1_000_000,
  detail: 'Too many large lists are being read',
});

export interface SliceOptions<Item, Shown> {
  /** Returns the number of parts of an item that cause work, for example the pets of a user. */
  count(item: Item): number;
  /** Converts the items of a slice for the client, in the same order. */
  show(items: readonly Item[]): Promise<readonly Shown[]>;
}

/**
 * Creates a list that is converted in slices, so that a large list delays no other request and is never completely in
 * memory. Return the list from the handler of a route whose response 200 is an array.
 */
export function inSlices<Item, Shown>(
  items: readonly Item[],
  options: SliceOptions<Item, Shown>,
): readonly Shown[] & Shown[] {
  return new SlicedList(items, options) as never;
}

class SlicedList<Item, Shown> {
  readonly #items: readonly Item[];
  readonly #options: SliceOptions<Item, Shown>;

  constructor(items: readonly Item[], options: SliceOptions<Item, Shown>) {
    this.#items = items;
    this.#options = options;
  }

  async send(reply: FastifyReply): Promise<FastifyReply> {
    const { count, show } = this.#options;
    const list = openJsonList<Shown>(reply);
    const total = this.#items.reduce((sum, item) => sum + count(item), 0);
    const add = async (slice: readonly Item[]) => list.add(await show(slice));
    if (total <= maxParts) await add(this.#items);
    else
      await runSlices(
        total,
        divide(this.#items, count).map((slice) => () => add(slice)),
      );
    return list.send();
  }
}

/** Sends the list of `inSlices`, if the handler of a route returns one. */
export function sendSlices(route: AddedRoute): void {
  const { handler, schema } = route;
  const success = (schema?.response as Readonly<Record<string, { type?: unknown }>> | undefined)?.['200'];
  if (success?.type !== 'array') return;
  route.handler = async function (request, reply) {
    const result: unknown = await handler.call(this, request, reply);
    if (result instanceof SlicedList) return result.send(reply);
    return result === undefined ? reply : result;
  };
}

function divide<Item>(items: readonly Item[], count: (item: Item) => number): Item[][] {
  const slices: Item[][] = [];
  let capacity = 0;
  for (const item of items) {
    capacity -= count(item);
    if (slices.length === 0 || capacity < 0) {
      slices.push([]);
      capacity = maxParts - count(item);
    }
    slices.at(-1)?.push(item);
  }
  return slices;
}
