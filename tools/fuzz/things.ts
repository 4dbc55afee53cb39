import type { Contract, Operation } from './document.ts';
import type { Answer } from './wire.ts';

/** One thing that the server has told of: the values of its path's parameters, in their order. */
export type Thing = readonly string[];

/** A request as the things see it. */
export interface Visit {
  readonly operation: Operation;
  /** The values of the path's parameters. */
  readonly values: Thing;
  /** The path as it was sent, without its query. */
  readonly path: string;
  /** The request as a command. */
  readonly curl: () => string;
}

const parameter = /\{([^}]+)\}/g;
const strip = (path: string) => path.replace(/(?<=.)\/$/, '');
/** Its path without the last segment: where things of this kind are listed and made. */
const collectionOf = (template: string) => strip(template.replace(/\/\{[^}]+\}$/, ''));

/** Whether a value of this name is likely to be an id of something, or several. */
export function isIdName(name: string): boolean {
  return /(^|[_-])ids?$|Ids?$/.test(name);
}

/** The words that a name is made of, without `id`, in the singular, as far as cutting an s makes one. */
function wordsOf(name: string): string[] {
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/);
  return words.map((word) => word.replace(/s$/, '')).filter((word) => word !== '' && word !== 'id');
}

export type Things = ReturnType<typeof createThings>;

/**
 * What there is and what is gone, as far as the answers told. A kind of thing is a path that ends in a parameter,
 * as `/pets/{pet_id}`; things of it come up in what its collection `/pets/` answers, by their `id` (or by a
 * property that is named as the parameter is), and in what is done to the path itself.
 */
export function createThings({ operations }: Contract) {
  const kinds = [...new Set(operations.map(({ path }) => path))].filter((path) => path.endsWith('}'));
  const live = new Map(kinds.map((kind) => [kind, new Map<string, Thing>()]));
  /** By path: the request that deleted it, and of which kind it was. */
  const gone = new Map<string, { readonly kind: string; readonly thing: Thing; readonly curl: string }>();

  /** The longest kind that the path is, or is below. */
  function kindOf(path: string): string | undefined {
    const found = kinds.filter((kind) => path === kind || path.startsWith(`${kind}/`));
    return found.sort((one, other) => other.length - one.length)[0];
  }

  function pathOf(kind: string, thing: Thing): string {
    let index = 0;
    return kind.replace(parameter, () => encodeURIComponent(thing[index++] as string));
  }

  /** The things that an answer of a collection shows, with where it is. */
  function shown({ operation, values }: Visit, body: unknown): { kind: string; thing: Thing }[] {
    const kind = kinds.find((one) => collectionOf(one) === strip(operation.path));
    if (kind === undefined) return [];
    const name = [...kind.matchAll(parameter)].at(-1)?.[1] as string;
    return [body].flat().flatMap((item) => {
      const id = (item as Record<string, unknown> | null)?.[name] ?? (item as { id?: unknown } | null)?.id;
      return ['string', 'number'].includes(typeof id) ? [{ kind, thing: [...values, String(id)] }] : [];
    });
  }

  /** Forgets what is known of all that is below a path. */
  function forgetBelow(path: string, isGone: boolean): void {
    for (const things of live.values()) {
      for (const key of things.keys()) if (key.startsWith(`${path}/`)) things.delete(key);
    }
    if (isGone) return;
    for (const key of gone.keys()) if (key.startsWith(`${path}/`)) gone.delete(key);
  }

  return {
    /** The kind whose things a value of this name in a request names, by its words, or by where it stands. */
    kindNamed(name: string, operation: Operation): string | undefined {
      if (!isIdName(name)) return undefined;
      const words = wordsOf(name);
      const named = kinds
        .filter((kind) => wordsOf(kind.split('/').slice(-2).join('_')).some((word) => words.includes(word)))
        // A thing of its own before one that is below another.
        .sort((one, other) => one.split('{').length - other.split('{').length);
      return named[0] ?? kinds.find((kind) => collectionOf(kind) === strip(operation.path));
    },
    kindOf,
    /** The n-th of a kind, round and round; undefined where there is none. */
    pick(kind: string, index: number): Thing | undefined {
      const things = live.get(kind);
      return things && [...things.values()][index % things.size];
    },
    pickGone(kind: string, index: number): Thing | undefined {
      const found = [...gone.values()].filter((one) => one.kind === kind);
      return found[index % found.length]?.thing;
    },
    count: (kind: string) => live.get(kind)?.size ?? 0,

    /** Takes in what an answer tells. Returns what is wrong with it: the request that deleted what it shows. */
    observe(visit: Visit, { status }: Answer, body: unknown): string | undefined {
      if (status < 200 || status > 299) return undefined;
      const { operation, values, path } = visit;
      const { method } = operation;
      const [here, kind] = [strip(path), kindOf(operation.path)];
      const isItself = operation.path === kind;
      // Only what makes things may bring one back, and only that one itself.
      const mayRevive = isItself && ['PUT', 'POST'].includes(method);
      for (let above = here; above !== ''; above = above.replace(/\/[^/]*$/, '')) {
        const deleted = gone.get(above);
        if (deleted !== undefined && !(mayRevive && above === here)) return deleted.curl;
      }
      for (const { kind: shownKind, thing } of shown(visit, body)) {
        const deleted = gone.get(pathOf(shownKind, thing));
        if (deleted !== undefined) return deleted.curl;
        live.get(shownKind)?.set(pathOf(shownKind, thing), thing);
      }
      if (kind === undefined) return undefined;
      if (isItself && method === 'DELETE') {
        live.get(kind)?.delete(here);
        forgetBelow(here, true);
        gone.set(here, { kind, thing: values, curl: visit.curl() });
        return undefined;
      }
      if (isItself) {
        gone.delete(here);
        live.get(kind)?.set(here, values);
      }
      const isOfCollection = kinds.some((one) => collectionOf(one) === strip(operation.path));
      const owner = pathOf(kind, values);
      if (method !== 'GET' && method !== 'HEAD' && !isOfCollection) forgetBelow(owner, false);
      return undefined;
    },
  };
}
