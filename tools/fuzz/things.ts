import type { Contract, Operation } from './document.ts';
import { createKinds, lastParameterOf, pathOf, strip } from './kinds.ts';
import type { FuzzResponse } from './wire.ts';

/** A thing that a response has shown: the values of its path parameters, in order. */
export type Thing = readonly string[];

/** A request, with the parts that tell which things it concerns. */
export interface Visit {
  readonly operation: Operation;
  /** The values of the path parameters. */
  readonly values: Thing;
  /** The sent path, without its query. */
  readonly path: string;
  /** Returns the request as a command. */
  readonly curl: () => string;
}

export type Things = ReturnType<typeof createThings>;

/**
 * Tracks which things exist and which are deleted, from the responses. The things of `/pets/{pet_id}` appear in responses
 * of the collection `/pets/`, by their `id` or by a property with the name of the parameter, and in requests to their own
 * path.
 */
export function createThings({ operations }: Contract) {
  const { all, kindOf, kindsOf, kindListedAt } = createKinds(operations);
  const live = new Map(all.map((kind) => [kind, new Map<string, Thing>()]));
  /** The deleted things by path, with the request that deleted each. */
  const deletedThings = new Map<
    string,
    { readonly kind: string; readonly thing: Thing; readonly curl: string }
  >();

  /** Lists the things in a response of a collection. */
  function shown({ operation, values }: Visit, body: unknown): { kind: string; thing: Thing }[] {
    const kind = kindListedAt(operation.path);
    if (kind === undefined) return [];
    const name = lastParameterOf(kind);
    return [body].flat().flatMap((item) => {
      const id = (item as Record<string, unknown> | null)?.[name] ?? (item as { id?: unknown } | null)?.id;
      return ['string', 'number'].includes(typeof id) ? [{ kind, thing: [...values, String(id)] }] : [];
    });
  }

  /** Forgets all things below a path. */
  function forgetBelow(path: string, isDeleted: boolean): void {
    for (const things of live.values()) {
      for (const key of things.keys()) if (key.startsWith(`${path}/`)) things.delete(key);
    }
    if (isDeleted) return;
    for (const key of deletedThings.keys()) if (key.startsWith(`${path}/`)) deletedThings.delete(key);
  }

  return {
    kindOf,
    kindsOf,
    /** Returns one thing of a kind; undefined if there is none. */
    pick(kind: string, index: number): Thing | undefined {
      const things = live.get(kind);
      return things && [...things.values()][index % things.size];
    },
    pickDeleted(kind: string, index: number): Thing | undefined {
      const found = [...deletedThings.values()].filter((one) => one.kind === kind);
      return found[index % found.length]?.thing;
    },
    /** Lists the ids that things of every one of these kinds have. */
    listIds([first, ...others]: readonly string[]): string[] {
      const idsOf = (kind = '') =>
        new Set([...(live.get(kind)?.values() ?? [])].map((thing) => thing.at(-1)));
      const rest = others.map(idsOf);
      return [...idsOf(first)].filter(
        (id) => id !== undefined && rest.every((ids) => ids.has(id)),
      ) as string[];
    },

    /** Learns from a response. If it shows a deleted thing, returns the request that deleted it. */
    observe(visit: Visit, { status }: FuzzResponse, body: unknown): string | undefined {
      if (status < 200 || status > 299) return undefined;
      const { operation, values, path } = visit;
      const { method } = operation;
      const [here, kind] = [strip(path), kindOf(operation.path)];
      const isItself = operation.path === kind;
      // Only an operation that creates a thing at its path may create a deleted thing again.
      const mayRevive = isItself && ['PUT', 'POST'].includes(method);
      for (let above = here; above !== ''; above = above.replace(/\/[^/]*$/, '')) {
        const deleted = deletedThings.get(above);
        if (deleted !== undefined && !(mayRevive && above === here)) return deleted.curl;
      }
      for (const { kind: shownKind, thing } of shown(visit, body)) {
        const deleted = deletedThings.get(pathOf(shownKind, thing));
        if (deleted !== undefined) return deleted.curl;
        live.get(shownKind)?.set(pathOf(shownKind, thing), thing);
      }
      if (kind === undefined) return undefined;
      if (isItself && method === 'DELETE') {
        live.get(kind)?.delete(here);
        forgetBelow(here, true);
        deletedThings.set(here, { kind, thing: values, curl: visit.curl() });
        return undefined;
      }
      if (isItself) {
        deletedThings.delete(here);
        live.get(kind)?.set(here, values);
      }
      const isOfCollection = kindListedAt(operation.path) !== undefined;
      const owner = pathOf(kind, values);
      if (method !== 'GET' && method !== 'HEAD' && !isOfCollection) forgetBelow(owner, false);
      return undefined;
    },
  };
}
