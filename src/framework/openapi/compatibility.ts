import { isDeepStrictEqual } from 'node:util';
import type { ActsAs } from '../context/principal.ts';
import type { Direction, Finding } from './compatibility/findings.ts';
import { Inclusion } from './compatibility/inclusion.ts';
import {
  type Body,
  findParameter,
  listSuccesses,
  locationOf,
  type Parameter,
  readOperation,
  serializationOf,
} from './compatibility/operation.ts';
import { type Schema, SchemaDocument, Uncomparable } from './compatibility/schema-document.ts';
import { findAt, listEventSchemas } from './event-feed.ts';
import { acceptsCallOf, type OpenApiDocument } from './response-contract.ts';

/** A difference between the promised and the current contract of an operation that breaks its callers. */
export interface BreakingChange {
  /** `GET /pet/pets/` */
  readonly operation: string;
  /** The location, for example `response[].mood`, `query.ids` or `body.name`. Empty for the operation itself. */
  readonly field: string;
  readonly reason: string;
}

/** An operation that a service uses. */
export interface UsedOperation {
  readonly method: string;
  readonly path: string;
  /** The query parameters that the service sends. Undefined: it may send all. */
  readonly sends?: readonly string[] | undefined;
  /** The types of events that the service handles, if the operation is a feed. */
  readonly events?: readonly string[] | undefined;
  /** The service that calls, and the principal of its calls. Undefined: not compared. */
  readonly by?: { readonly service: string; readonly as: ActsAs } | undefined;
}

const json = 'application/json';

/**
 * Lists the changes from `promised` to `live`, the peer's current document, that break callers. A response breaks if the
 * peer may send values that `promised` does not accept, or if a promised field is gone. An input breaks if callers may
 * send values that the peer no longer accepts. A changed schema that cannot be compared counts as breaking. All other
 * changes, such as a new field, summary or operation, break nothing.
 */
export function findBreakingChanges(
  promised: OpenApiDocument,
  live: OpenApiDocument,
  use: UsedOperation,
): BreakingChange[] {
  const operation = `${use.method.toUpperCase()} ${use.path}`;
  let findings: readonly Finding[];
  try {
    findings = compareOperation(new SchemaDocument(promised), new SchemaDocument(live), use);
  } catch (error) {
    if (!(error instanceof Uncomparable)) throw error;
    findings = [{ location: '', reason: `cannot be compared: ${error.message}` }];
  }
  return findings.map(({ location, reason }) => ({ operation, field: location, reason }));
}

function compareOperation(
  promised: SchemaDocument,
  live: SchemaDocument,
  { method, path, sends, events = [], by }: UsedOperation,
): readonly Finding[] {
  const before = readOperation(promised, method, path);
  const now = readOperation(live, method, path);
  if (before === undefined) return [];
  if (now === undefined) return [{ location: '', reason: 'the operation is gone' }];
  const findings: Finding[] = [];
  const add = (location: string, reason: string) => void findings.push({ location, reason });
  compareResponses();
  compareEvents();
  compareParameters();
  compareBodies();
  if (by !== undefined && !acceptsCallOf(by.service, by.as, now.security))
    add(
      'security',
      `the operation no longer accepts calls of ${by.service} for ${by.as === 'service' ? 'itself' : 'its caller'}`,
    );
  return findings;

  function compare(direction: Direction, location: string, sent: Schema, accepted: Schema): void {
    const [sender, receiver] = direction === 'response' ? [live, promised] : [promised, live];
    findings.push(...new Inclusion(direction, sender, receiver).compare(location, sent, accepted));
  }

  function compareResponses(): void {
    const [old, current] = [listSuccesses(before), listSuccesses(now)];
    for (const [status, body] of current) {
      const promise = old.get(status);
      if (promise === undefined) add('response', `the status ${status} is new`);
      else compareResponse(promised.follow(promise), live.follow(body));
    }
    for (const status of old.keys()) {
      if (!current.has(status)) add('response', `the status ${status} is gone`);
    }
  }

  function compareResponse(promise: Body, body: Body): void {
    const [old, current] = [promise.content?.[json]?.schema, body.content?.[json]?.schema];
    if (old === undefined) return;
    if (current === undefined) add('response', 'is no longer JSON');
    else compare('response', 'response', current, old);
  }

  /** A new type of event breaks nothing, because the service requests only the types that it handles. */
  function compareEvents(): void {
    const [old, current] = [promised, live].map(({ root }) => listEventSchemas(root, { method, path }));
    for (const type of events) {
      const [promise, sent] = [old?.get(type), current?.get(type)];
      if (promise === undefined) continue;
      if (sent === undefined) add(`event ${type}`, 'is gone');
      else
        compare(
          'response',
          `event ${type}`,
          findAt(live.root, sent) as Schema,
          findAt(promised.root, promise) as Schema,
        );
    }
  }

  function compareParameters(): void {
    const isSent = (parameter: Parameter) =>
      parameter.in !== 'query' || (sends?.includes(parameter.name) ?? true);
    const [old, current] = [before?.parameters ?? [], now?.parameters ?? []];
    for (const parameter of current.filter(({ required }) => required)) {
      const known = findParameter(old, parameter);
      if (known === undefined || !(known.required || (sends?.includes(known.name) ?? false))) {
        add(locationOf(parameter), 'is newly required');
      }
    }
    for (const parameter of old.filter(isSent)) {
      const other = findParameter(current, parameter);
      if (other === undefined) add(locationOf(parameter), 'is no longer accepted');
      else compareParameter(locationOf(parameter), parameter, other);
    }
  }

  function compareParameter(location: string, sent: Parameter, accepted: Parameter): void {
    if (!isDeepStrictEqual(serializationOf(sent), serializationOf(accepted))) {
      add(location, 'is serialized in another way');
    }
    compare('input', location, sent.schema ?? true, accepted.schema ?? true);
  }

  function compareBodies(): void {
    const old = promised.follow(before?.requestBody);
    const current = live.follow(now?.requestBody);
    const sent = old?.content?.[json]?.schema;
    const accepted = current?.content?.[json]?.schema;
    if (current?.required && !old?.required) add('body', 'is newly required');
    else if (old !== undefined && current === undefined) add('body', 'is no longer accepted');
    else if (sent === undefined) return;
    else if (accepted === undefined) add('body', 'is no longer accepted as JSON');
    else compare('input', 'body', sent, accepted);
  }
}
