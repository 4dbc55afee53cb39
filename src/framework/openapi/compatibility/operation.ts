import type { SecurityRequirement } from '../response-contract.ts';
import type { Schema, SchemaDocument } from './schema-document.ts';

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly style?: string;
  readonly explode?: boolean;
  readonly content?: unknown;
}
export interface Body {
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
export interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses?: Readonly<Record<string, Body>>;
  readonly security?: readonly SecurityRequirement[];
}

/** Returns an operation with its parameters and those of its path, references resolved. */
export function readOperation(document: SchemaDocument, method: string, path: string): Operation | undefined {
  const item = document.follow(document.root.paths[path] as Readonly<Record<string, unknown>> | undefined);
  const operation = item?.[method] as Operation | undefined;
  if (item === undefined || operation === undefined) return undefined;
  const resolve = (parameters: unknown = []) =>
    (parameters as readonly Parameter[]).map((parameter) => document.follow(parameter));
  const own = resolve(operation.parameters);
  const ofPath = resolve(item.parameters).filter((parameter) => findParameter(own, parameter) === undefined);
  return { ...operation, parameters: [...own, ...ofPath] };
}

/** Returns the responses that are successes, by status. */
export function listSuccesses(operation: Operation | undefined): Map<string, Body> {
  return new Map(Object.entries(operation?.responses ?? {}).filter(([status]) => status.startsWith('2')));
}

/** Returns the parameter of the same location and name. */
export function findParameter(parameters: readonly Parameter[], one: Parameter): Parameter | undefined {
  return parameters.find((other) => locationOf(other) === locationOf(one));
}

export function locationOf({ in: location, name }: Parameter): string {
  return `${location}.${name}`;
}

/** Returns how a parameter is serialized, with the defaults of OpenAPI. */
export function serializationOf(parameter: Parameter): unknown {
  const {
    in: location,
    content,
    style = location === 'query' || location === 'cookie' ? 'form' : 'simple',
  } = parameter;
  return { style, explode: parameter.explode ?? style === 'form', content };
}
