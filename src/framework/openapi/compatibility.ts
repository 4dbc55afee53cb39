import { isDeepStrictEqual } from 'node:util';
import type { Direction, Finding } from './compatibility/findings.ts';
import { Inclusion } from './compatibility/inclusion.ts';
import { type Schema, SchemaDocument, Uncomparable } from './compatibility/schema-document.ts';
import { findAt, listEventSchemas } from './event-feed.ts';
import type { OpenApiDocument } from './response-contract.ts';

/** A difference between an operation as it was promised and as the peer serves it now, that breaks its callers. */
export interface BreakingChange {
  /** As in `GET /pet/pets/`. */
  readonly operation: string;
  /** The location: `response[].mood`, `query.ids`, `body.name`; '' for the operation itself. */
  readonly field: string;
  readonly reason: string;
}

/** One operation that a service uses, and the query parameters that it sends; all of them if it does not say. */
export interface UsedOperation {
  readonly method: string;
  readonly path: string;
  readonly sends?: readonly string[] | undefined;
  /** The types of events that the service handles, if the operation is a feed. */
  readonly events?: readonly string[] | undefined;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly style?: string;
  readonly explode?: boolean;
  readonly content?: unknown;
}
interface Body {
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses?: Readonly<Record<string, Body>>;
}

const json = 'application/json';

/**
 * Lists what in `live`, the peer's document of now, breaks a caller who holds to `promised`. A response breaks where
 * the peer may send what the promise does not accept, or where a promised field is gone. An input breaks where the
 * promise lets us send what the peer does not accept. What cannot be compared breaks too, unless it is equal.
 * Everything else (one more field, a summary, another operation) breaks nothing.
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
    findings = [{ place: '', reason: `cannot be compared: ${error.message}` }];
  }
  return findings.map(({ place, reason }) => ({ operation, field: place, reason }));
}

function compareOperation(
  promised: SchemaDocument,
  live: SchemaDocument,
  { method, path, sends, events = [] }: UsedOperation,
): readonly Finding[] {
  const before = readOperation(promised, method, path);
  const now = readOperation(live, method, path);
  if (before === undefined) return [];
  if (now === undefined) return [{ place: '', reason: 'the operation is gone' }];
  const findings: Finding[] = [];
  const add = (place: string, reason: string) => void findings.push({ place, reason });
  compareResponses();
  compareEvents();
  compareParameters();
  compareBodies();
  return findings;

  function compare(direction: Direction, place: string, sent: Schema, accepted: Schema): void {
    const [sender, receiver] = direction === 'response' ? [live, promised] : [promised, live];
    findings.push(...new Inclusion(direction, sender, receiver).compare(place, sent, accepted));
  }

  function compareResponses(): void {
    const [old, current] = [successes(before), successes(now)];
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

  /** Another type of event breaks nothing, because the feed is asked for those that are handled. */
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
      const known = find(old, parameter);
      if (known === undefined || !(known.required || (sends?.includes(known.name) ?? false))) {
        add(placeOf(parameter), 'is newly required');
      }
    }
    for (const parameter of old.filter(isSent)) {
      const other = find(current, parameter);
      if (other === undefined) add(placeOf(parameter), 'is no longer accepted');
      else compareParameter(placeOf(parameter), parameter, other);
    }
  }

  function compareParameter(place: string, sent: Parameter, accepted: Parameter): void {
    if (!isDeepStrictEqual(serializationOf(sent), serializationOf(accepted))) {
      add(place, 'is serialized in another way');
    }
    compare('input', place, sent.schema ?? true, accepted.schema ?? true);
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

/** An operation with its parameters, references resolved, those of its path among them. */
function readOperation(document: SchemaDocument, method: string, path: string): Operation | undefined {
  const item = document.follow(document.root.paths[path] as Readonly<Record<string, unknown>> | undefined);
  const operation = item?.[method] as Operation | undefined;
  if (item === undefined || operation === undefined) return undefined;
  const own = (operation.parameters ?? []).map((parameter) => document.follow(parameter));
  const shared = ((item.parameters ?? []) as readonly Parameter[])
    .map((parameter) => document.follow(parameter))
    .filter((parameter) => find(own, parameter) === undefined);
  return { ...operation, parameters: [...own, ...shared] };
}

function successes(operation: Operation | undefined): Map<string, Body> {
  return new Map(Object.entries(operation?.responses ?? {}).filter(([status]) => status.startsWith('2')));
}

function find(parameters: readonly Parameter[], one: Parameter): Parameter | undefined {
  return parameters.find((other) => placeOf(other) === placeOf(one));
}

function placeOf({ in: place, name }: Parameter): string {
  return `${place}.${name}`;
}

/** How the value of a parameter becomes text, with the defaults of OpenAPI. */
function serializationOf(parameter: Parameter): unknown {
  const {
    in: place,
    content,
    style = place === 'query' || place === 'cookie' ? 'form' : 'simple',
  } = parameter;
  return { style, explode: parameter.explode ?? style === 'form', content };
}
