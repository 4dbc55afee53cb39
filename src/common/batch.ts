import type { Operation } from './client.ts';

/** How an operation that lists things by their ids is asked, and what it answers. */
export interface BatchOptions<Init, Item> {
  /** The query parameter that takes the ids; how many at once is for the contract to say. */
  readonly parameter: string;
  /** What to send for these ids. */
  ask(ids: number[]): Init;
  idOf(item: Item): number;
}

/**
 * Makes a lookup of an operation that lists things by their ids. Ids are asked for once; as many travel together
 * as the contract allows, and what needs several calls makes them side by side.
 * The lookup resolves with those that exist, by id: what is missing there is gone.
 * @throws {Unavailable | TimedOut} as the operation does, also where it answers with what nobody asked for.
 */
export function lookupByIds<Init, Item>(
  operation: Operation<Init, Item[]>,
  { parameter, ask, idOf }: BatchOptions<Init, Item>,
): (ids: Iterable<number>) => Promise<Map<number, Item>> {
  return async function lookup(ids) {
    const wanted = [...new Set(ids)];
    const found = new Map<number, Item>();
    if (wanted.length === 0) return found;
    const size = Math.min(wanted.length, operation.contract.maxItems(parameter));
    const batches = Array.from({ length: Math.ceil(wanted.length / size) }, (_, index) =>
      wanted.slice(index * size, (index + 1) * size),
    );
    const answers = await Promise.all(batches.map((batch) => operation(ask(batch))));
    for (const [index, answer] of answers.entries()) {
      const asked = new Set(batches[index]);
      for (const item of answer) {
        // Each id counts once: what comes twice was not asked for the second time.
        if (!asked.delete(idOf(item))) throw operation.refuse(`an item that nobody asked for: ${idOf(item)}`);
        found.set(idOf(item), item);
      }
    }
    return found;
  };
}
