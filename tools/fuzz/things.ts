import { type Contract, type Operation, type Schema, typesOf } from './document.ts';
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

/** Keywords that make values as narrow as ids. `maxLength` is not among them: `shorten` changes it. */
const demands = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'pattern',
  'format',
];

/** Describes what a schema demands of a value, for a comparison. Undefined: it demands only a type. */
function formOf(schema: Schema): string | undefined {
  const types = typesOf(schema).filter((type) => type !== 'null');
  const demanded = Object.entries(schema).filter(([key]) => demands.includes(key));
  return types.length === 1 && demanded.length > 0 ? JSON.stringify([types, demanded.sort()]) : undefined;
}

export type Things = ReturnType<typeof createThings>;

/**
 * Tracks which things exist and which are deleted, from the responses. A kind of thing is a path that ends in a
 * parameter, such as `/pets/{pet_id}`. Things appear in responses of the collection `/pets/`, by their `id` or by a
 * property with the name of the parameter, and in requests to their own path.
 */
export function createThings({ operations }: Contract) {
  const kinds = [...new Set(operations.map(({ path }) => path))].filter((path) => path.endsWith('}'));
  const single = listSingleKinds(kinds, operations);
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
    /**
     * Returns the kinds of things that a value of an operation may refer to: those whose ids have the same schema. If
     * the 404 of the operation has the problem of one of them, only such kinds.
     * @param parameter the name, if it is a parameter in the path.
     */
    kindsOf(operation: Operation, schema: Schema, parameter?: string): readonly string[] {
      const form = formOf(schema);
      const possible = single.filter(({ idForm }) => form !== undefined && idForm === form);
      const only = (test: (one: SingleKind) => boolean) => possible.filter(test).map(({ kind }) => kind);
      const { path, method, missingTypes } = operation;
      const isOwner = ({ kind }: SingleKind) => path.split(`{${parameter}}`)[0] === kind.split('{')[0];
      const owner = parameter === undefined ? undefined : single.find(isOwner);
      if (owner !== undefined) return [owner.kind];
      const listed = only(({ kind }) => method === 'GET' && collectionOf(kind) === strip(path));
      if (listed.length > 0) return listed;
      const named = only(({ kind, missingType }) => {
        const isOwn = path === kind || path.startsWith(`${kind}/`);
        return !isOwn && missingType.some((type) => missingTypes.includes(type));
      });
      return named.length > 0 ? named : only(() => true);
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
      const isOfCollection = kinds.some((one) => collectionOf(one) === strip(operation.path));
      const owner = pathOf(kind, values);
      if (method !== 'GET' && method !== 'HEAD' && !isOfCollection) forgetBelow(owner, false);
      return undefined;
    },
  };
}

/** A kind of thing that one id identifies. */
interface SingleKind {
  readonly kind: string;
  /** The schema of its id in the contract. */
  readonly idForm: string | undefined;
  /** The problem types of a thing that does not exist: those that all operations at its path have. */
  readonly missingType: readonly string[];
}

function listSingleKinds(kinds: readonly string[], operations: readonly Operation[]): SingleKind[] {
  return kinds
    .filter((kind) => [...kind.matchAll(parameter)].length === 1)
    .map((kind) => {
      const own = operations.filter(({ path }) => path === kind);
      const id = own[0]?.parameters.find((one) => one.in === 'path');
      const [first = [], ...others] = own.map(({ missingTypes }) => missingTypes);
      return {
        kind,
        idForm: id && formOf(id.schema),
        missingType: first.filter((type) => others.every((types) => types.includes(type))),
      };
    });
}
