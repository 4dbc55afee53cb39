import { type Operation, type Schema, typesOf } from './document.ts';

const parameter = /\{([^}]+)\}/g;
export const strip = (path: string) => path.replace(/(?<=.)\/$/, '');
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

/**
 * Finds the kinds of things of a contract. A kind of thing is a path that ends in a parameter, such as `/pets/{pet_id}`.
 * Its things are listed and created in the collection `/pets/`.
 */
export function createKinds(operations: readonly Operation[]) {
  const kinds = [...new Set(operations.map(({ path }) => path))].filter((path) => path.endsWith('}'));
  const single = listSingleKinds(kinds, operations);

  return {
    all: kinds as readonly string[],
    /** Returns the longest kind that is the path or a prefix of it. */
    kindOf(path: string): string | undefined {
      const found = kinds.filter((kind) => path === kind || path.startsWith(`${kind}/`));
      return found.sort((one, other) => other.length - one.length)[0];
    },
    /** Returns the kind whose collection is at the path. */
    kindListedAt: (path: string) => kinds.find((kind) => collectionOf(kind) === strip(path)),
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
  };
}

/** Returns the path of a thing, from the values of its parameters. */
export function pathOf(kind: string, thing: readonly string[]): string {
  let index = 0;
  return kind.replace(parameter, () => encodeURIComponent(thing[index++] as string));
}

/** Returns the name of the last parameter of a kind. */
export function lastParameterOf(kind: string): string {
  return [...kind.matchAll(parameter)].at(-1)?.[1] as string;
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
