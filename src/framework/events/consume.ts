import type { connectPeer } from '../calls/peer.ts';
import type { ConsumeOptions } from '../calls/peers.ts';
import type { Tracer } from '../context/span.ts';
import type { Database } from '../database/database.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import type { Logger } from '../logging/logger.ts';
import { feedOperationId, listEventSchemas } from '../openapi/event-feed.ts';
import { compileAt, findOperation, type OpenApiDocument } from '../openapi/response-contract.ts';
import { Consumer } from './consumer.ts';
import type { CloudEvent } from './event-types.ts';
import type { AnyHandler, HandlerOptions } from './handler.ts';
import { createFeedReader } from './read-feed.ts';

export interface ConsumeSetup {
  /** The service that consumes. */
  readonly service: string;
  readonly log: Logger;
  readonly options: {
    /** The merged document; absent while it is being generated. */
    readonly contract: OpenApiDocument | undefined;
    readonly tracer: Tracer | undefined;
  };
  peer(): ReturnType<typeof connectPeer>;
  database(): Database;
  add(consumer: Consumer): void;
}

type Handlers = Readonly<Record<string, AnyHandler>>;

/** Creates the method `events` of a peer. @throws {DefinitionError} if the peer does not emit one of the types. */
export function createConsume(producer: string, setup: ConsumeSetup) {
  const { service, log, options } = setup;
  let isDeclared = false;

  return (handlers: Handlers, { snapshot }: ConsumeOptions = {}): void => {
    const types = Object.keys(handlers);
    const fail = (mistake: string) => new DefinitionError(`${service}: peers.${producer}.events ${mistake}`);
    if (isDeclared) throw fail('is called twice: give all handlers in one call');
    if (types.length === 0) throw fail('has no handler: give one for each type of event');
    isDeclared = true;
    const peer = setup.peer();
    peer.useEvents(types);
    const database = setup.database();
    if (options.contract === undefined) return;
    setup.add(
      new Consumer({
        ...{ service, producer, handlers, log, database, tracer: options.tracer },
        snapshot: snapshot as HandlerOptions['snapshot'],
        readFeed: createFeedReader(peer.fetch, types),
        isBroken: peer.isBroken,
        onMismatch: peer.checkContractSoon,
        findMismatch: createCheck(options.contract, producer),
      }),
    );
  };
}

/** Creates the check of events against the contract, which compiles each schema when it is first used. */
function createCheck(contract: OpenApiDocument, producer: string) {
  const feed = findOperation(contract, `${producer}.${feedOperationId}`);
  const locations = feed === undefined ? undefined : listEventSchemas(contract, feed);
  const checks = new Map<string, ReturnType<typeof compileAt>>();
  return (event: CloudEvent): string | undefined => {
    let check = checks.get(event.type);
    if (check === undefined) {
      check = compileAt(contract, locations?.get(event.type) ?? []);
      checks.set(event.type, check);
    }
    if (check(event)) return undefined;
    const [error] = check.errors ?? [];
    return `${error?.instancePath || 'it'} ${error?.message}`;
  };
}
