/** The names of a service in its files, from the name of its folder: `pet-visit` has the schema `PetVisit`. */
import { runInNewContext } from 'node:vm';
import { UsageError } from '../../src/framework/app/arguments.ts';

export interface Names {
  /** The folder, prefix, tag and config key: `pet-visit`. */
  readonly name: string;
  /** The last part of the paths: `pet-visits`. */
  readonly resource: string;
  /** The schema: `PetVisit`. */
  readonly type: string;
  /** The collection in operation ids: `PetVisits`. */
  readonly types: string;
  /** A variable for one item, and for all: `petVisit`, `petVisits`. */
  readonly one: string;
  readonly many: string;
  /** The table, and the start of the name of an id: `pet_visit`. */
  readonly table: string;
  /** In sentences: `pet visit`, `pet visits`, and with an article `a pet visit`. */
  readonly words: string;
  readonly plural: string;
  readonly article: string;
}

const pattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** The paths that every service has. */
const ofServices = ['events', 'docs', 'health', 'ready'];
/** The first parts of the paths of the gateway, and the words of the framework. */
const ofFramework = [...ofServices, 'gateway', 'metrics', 'internal', 'framework', 'service'];
/** The globals of JavaScript, such as `Map`. A schema of this name would hide one. */
const globals: readonly string[] = runInNewContext('Object.getOwnPropertyNames(globalThis)');
/** Names that the files of a service import or declare: an item of this name would hide one. */
const ofFiles = [
  ...['id', 'page', 'type', 'static', 'text', 'sql', 'database', 'problem', 'timestamp', 'emit', 'write'],
  ...['values', 'change', 'insert', 'remove', 'found', 'ok', 'nullable', 'app', 'result'],
];

/** The reserved words of JavaScript, which no variable can have as its name. */
export const reservedWords: ReadonlySet<string> = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval export extends false
  finally for function if implements import in instanceof interface let new null package private protected public return
  static super switch this throw true try typeof undefined var void while with yield`.split(/\s+/),
);

/**
 * Derives the names of a new service.
 * @throws {UsageError} as `deriveNames`, and for a name that the project reserves.
 */
export function deriveNewNames(name: string, resource?: string): Names {
  const names = deriveNames(name, resource);
  const { one, many, type, resource: plural } = names;
  if ([...ofFramework, ...ofFiles].includes(name) || reservedWords.has(one) || globals.includes(type))
    throw new UsageError(`The name ${name} is reserved: choose another name for the service`);
  if ([...ofServices, ...ofFiles].includes(plural) || reservedWords.has(many))
    throw new UsageError(`The name ${plural} is reserved: choose another --resource`);
  return names;
}

/**
 * Derives the names of a service.
 * @param resource the plural; default: by the rules of English.
 * @throws {UsageError} for a name that is not in kebab-case.
 */
export function deriveNames(name: string, resource = pluralize(name)): Names {
  const shape = 'lower case letters, digits and single hyphens, such as toy or pet-visit';
  if (!pattern.test(name)) throw new UsageError(`Expected a name of ${shape}, not ${name}`);
  if (!pattern.test(resource)) throw new UsageError(`Expected --resource with ${shape}, not ${resource}`);
  const words = name.replaceAll('-', ' ');
  return {
    ...{ name, resource, words },
    one: toCamelCase(name),
    many: toCamelCase(resource),
    type: toPascalCase(name),
    types: toPascalCase(resource),
    table: name.replaceAll('-', '_'),
    plural: resource.replaceAll('-', ' '),
    article: `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`,
  };
}

export function pluralize(name: string): string {
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}

/** `pet-visit` and `pet_visit`: `PetVisit`. */
export function toPascalCase(name: string): string {
  return name
    .split(/[-_]/)
    .map((part) => capitalize(part))
    .join('');
}

/** `pet-visit` and `pet_visit`: `petVisit`. */
export function toCamelCase(name: string): string {
  const pascal = toPascalCase(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
