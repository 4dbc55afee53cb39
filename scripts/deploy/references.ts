import { basename } from 'node:path';
import { ConfigError } from '../../src/framework/config/config.ts';

/** A `${NAME}` or `${NAME:-default}` in a config. */
export interface Reference {
  readonly name: string;
  /** Undefined if the variable must be set. */
  readonly standard: string | undefined;
  /** Its path in the file, for example `services.pet.database`. */
  readonly path: string;
  /** Whether it is the whole value. */
  readonly isWhole: boolean;
}

const pattern = /\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g;

/** Lists the references in a parsed config, in the order of the file. */
export function listReferences(value: unknown, path = ''): Reference[] {
  if (typeof value === 'string') {
    return [...value.matchAll(pattern)].map(([match, name, standard]) => ({
      name: name as string,
      standard,
      path,
      isWhole: match === value,
    }));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    listReferences(item, path === '' ? key : `${path}.${key}`),
  );
}

/** A variable that the containers need. */
export interface Variable {
  readonly name: string;
  /** Whether every reference has a default. */
  readonly isOptional: boolean;
}

/** Lists the variables of references, in the order of their names. */
export function listVariables(references: readonly Reference[]): Variable[] {
  return [...new Set(references.map(({ name }) => name))].sort().map((name) => ({
    name,
    isOptional: references.every((one) => one.name !== name || one.standard !== undefined),
  }));
}

/** Values that manifests repeat, so they must not depend on the environment. */
const repeated = /^(apps|auth|deploy|docs|hosts|traces)(\.|$)/;

/** @throws {ConfigError} if manifests cannot be written because a variable has no value yet. */
export function assertReferences(file: string, references: readonly Reference[]): void {
  const unknown = references.find(
    ({ path, standard }) => standard === undefined && !/^(services|internal)\./.test(path),
  );
  if (unknown === undefined) return;
  const { name, path } = unknown;
  throw new ConfigError(
    `${basename(file)}: ${path}: the variable ${name} has no value while manifests are written. Add a default: ${variable(`${name}:-value`)}`,
  );
}

/** Whether a value of the config is written without its references. */
export function isRepeated(path: string): boolean {
  return repeated.test(path);
}

/** Returns a reference. */
export function variable(name: string): string {
  return `\${${name}}`;
}
