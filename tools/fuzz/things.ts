import type { Contract, Operation } from './document.ts';
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

const parameter = /\{([^}]+)\}/g;
const strip = (path: string) => path.replace(/(?<=.)\/$/, '');
/** Returns the path without the last segment, where things of this kind are listed and created. */
const collectionOf = (template: string) => strip(template.replace(/\/\{[^}]+\}$/, ''));

/** Returns whether a value of this name probably has one or several ids. */
export function isIdName(name: string): boolean {
  return /(^|[_-])ids?$|Ids?$/.test(name);
}

/** Returns the words of a name in the singular (without an s at the end), without `id`. */
function wordsOf(name: string): string[] {
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/);
  return words.map((word) => word.replace(/s$/, '')).filter((word) => word !== '' && word !== 'id');
}

export type Things = ReturnType<typeof createThings>;

/**
 * Tracks which things exist and which are deleted, from the responses. A kind of thing is a path that ends in a
 * parameter, such as `/pets/{pet_id}`. Things appear in responses of the collection `/pets/`, by their `id` or by a
 * property with the name of the parameter, and in requests to their own path.
 */
export function createThings({ operations }: Contract) {
  const kinds = [...new Set(operations.map(({ path }) => path))].filter((path) => path.endsWith('}'));
  const live = new Map(kinds.map((kind) => [kind, new Map<string, Thing>()]));
  /** The deleted things by path, with the request that deleted each. */
  const deletedThings = new Map<
    string,
    { readonly kind: string; readonly thing: Thing; readonly curl: string }
  >();

  /** Returns the longest kind that is the path or a prefix of it. */
  function kindOf(path: string): string | undefined {
    const found = kinds.filter((kind) => path === kind || path.startsWith(`${kind}/`));
    return found.sort((one, other) => other.length - one.length)[0];
  }

  function pathOf(kind: string, thing: Thing): string {
    let index = 0;
    return kind.replace(parameter, () => encodeURIComponent(thing[index++] as string));
  }

  /** Lists the things in a response of a collection. */
  function shown({ operation, values }: Visit, body: unknown): { kind: string; thing: Thing }[] {
    const kind = kinds.find((one) => collectionOf(one) === strip(operation.path));
    if (kind === undefined) return [];
    const name = [...kind.matchAll(parameter)].at(-1)?.[1] as string;
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
    /** Returns the kind of thing that a value of this name refers to, by its words or by the collection. */
    kindNamed(name: string, operation: Operation): string | undefined {
      if (!isIdName(name)) return undefined;
      const words = wordsOf(name);
      const named = kinds
        .filter((kind) => wordsOf(kind.split('/').slice(-2).join('_')).some((word) => words.includes(word)))
        // Prefer a top-level kind to a nested one.
        .sort((one, other) => one.split('{').length - other.split('{').length);
      return named[0] ?? kinds.find((kind) => collectionOf(kind) === strip(operation.path));
    },
    kindOf,
    /** Returns one thing of a kind; undefined if there is none. */
    pick(kind: string, index: number): Thing | undefined {
      const things = live.get(kind);
      return things && [...things.values()][index % things.size];
    },
    pickDeleted(kind: string, index: number): Thing | undefined {
      const found = [...deletedThings.values()].filter((one) => one.kind === kind);
      return found[index % found.length]?.thing;
    },
    count: (kind: string) => live.get(kind)?.size ?? 0,

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
      const isOfCollection = kinds.some((one) => collectionOf(one) === strip(operation.path));
      const owner = pathOf(kind, values);
      if (method !== 'GET' && method !== 'HEAD' && !isOfCollection) forgetBelow(owner, false);
      return undefined;
    },
  };
}
