/** The services that the fields of a new service refer to, from their contracts in generated/. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../src/framework/app/arguments.ts';
import type { Service } from '../../src/framework/service/define-service.ts';
import { root } from '../lib/command.ts';
import type { Field } from './fields.ts';
import { deriveNames, type Names } from './names.ts';

/** A service that a new service calls. */
export interface PeerContract {
  readonly names: Names;
  /** The operation that lists items by `ids`: `listPets`. */
  readonly list: string;
  /** The path and a body that create an item. Undefined: a test cannot create one. */
  readonly create: Fixture | undefined;
}

/** A request that creates an item. */
export interface Fixture {
  readonly path: string;
  readonly body: object;
}

// biome-ignore lint/suspicious/noExplicitAny: a document of any shape, of which this file reads a few members
type Json = any;

/**
 * Reads the contract of each service that a field refers to.
 * @throws {UsageError} if there is no such service or schema, or if it cannot be looked up by ids.
 */
export function readPeers(service: string, fields: readonly Field[]): PeerContract[] {
  const peers = new Map<string, PeerContract>();
  for (const field of fields) {
    if (field.type !== 'reference') continue;
    if (field.service === service)
      throw new UsageError(
        `Field ${field.name} of --fields: expected another service than ${service} itself`,
      );
    const known = peers.get(field.service);
    const found = known ?? readPeer(field);
    if (found.names.type !== field.schema) throw notFound(field.service, field.schema);
    peers.set(field.service, found);
  }
  return [...peers.values()];
}

function readPeer({ name, service, schema }: Extract<Field, { type: 'reference' }>): PeerContract {
  const document = /^[a-z][a-z0-9-]*$/.test(service) ? readDocument(service) : undefined;
  if (document === undefined)
    throw new UsageError(
      `Field ${name} of --fields: there is no service ${service} for ${service}.${schema}`,
    );
  if (document.components.schemas[schema] === undefined) throw notFound(service, schema);
  const reference = `#/components/schemas/${schema}`;
  for (const [path, item] of Object.entries<Json>(document.paths)) {
    const answer = item.get?.responses?.['200']?.content?.['application/json']?.schema;
    const hasIds = item.get?.parameters?.some(
      (one: Json) => one.name === 'ids' && one.schema?.type === 'array',
    );
    if (answer?.items?.$ref !== reference || !hasIds) continue;
    const resource = /^\/([a-z][a-z0-9-]*)\/?$/.exec(path)?.[1];
    const names = deriveNames(service, resource);
    return { names, list: item.get.operationId, create: describeCreation(document, service, path) };
  }
  throw new UsageError(
    `${service}.${schema}: ${service} has no operation that lists ${schema} by ids. Add a query \`ids\` to it, as listPets has`,
  );
}

function notFound(service: string, schema: string): UsageError {
  return new UsageError(`${service}.${schema}: ${service} has no such schema with a list by ids`);
}

function describeCreation(document: Json, service: string, path: string): Fixture | undefined {
  const reference = document.paths[path].post?.requestBody?.content?.['application/json']?.schema?.$ref;
  const schema = document.components.schemas[String(reference).split('/').at(-1) ?? ''];
  if (schema?.type !== 'object') return undefined;
  const required: string[] = schema.required ?? [];
  const body = Object.fromEntries(
    required.map((name) => [
      name,
      schema.properties[name]?.examples?.[0] ?? schema.properties[name]?.enum?.[0],
    ]),
  );
  return Object.values(body).includes(undefined) ? undefined : { path: `/${service}${path}`, body };
}

/** Lists the peers of a new service and their peers, each after those that it calls. */
export function listPeersOf(
  peers: readonly PeerContract[],
  services: ReadonlyMap<string, Service>,
): string[] {
  const found = new Set<string>();
  const visit = (name: string, path: readonly string[]) => {
    if (found.has(name) || path.includes(name)) return;
    for (const peer of services.get(name)?.peers ?? []) visit(peer, [...path, name]);
    found.add(name);
  };
  for (const { names } of peers) visit(names.name, []);
  return [...found];
}

/**
 * Lists the requests that create an item of each of these services.
 * @throws {UsageError} if a field is required whose item the test cannot create.
 */
export function listFixtures(
  services: readonly string[],
  peers: readonly PeerContract[],
  fields: readonly Field[],
): Fixture[] {
  for (const field of fields) {
    if (field.type !== 'reference' || field.isNullable) continue;
    if (peers.find(({ names }) => names.name === field.service)?.create === undefined)
      throw new UsageError(
        `Field ${field.name} of --fields: a test cannot create a ${field.schema} from the examples of its contract. Let the field be null: ${field.service}.${field.schema}?`,
      );
  }
  return services.flatMap((name) => {
    const direct = peers.find(({ names }) => names.name === name);
    const fixture = direct === undefined ? findCreation(name) : direct.create;
    return fixture === undefined ? [] : [fixture];
  });
}

/** Finds the first operation of a service that creates an item of a collection. */
function findCreation(service: string): Fixture | undefined {
  const document = readDocument(service);
  for (const path of Object.keys(document?.paths ?? {})) {
    const fixture = /^\/[a-z][a-z0-9-]*\/$/.test(path)
      ? describeCreation(document, service, path)
      : undefined;
    if (fixture !== undefined) return fixture;
  }
  return undefined;
}

function readDocument(service: string): Json {
  const file = join(root, 'generated', service, 'openapi.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
