import type { connectPeer } from '../calls/peer.ts';
import type { ConsumeOptions, EventHandler } from '../calls/peers.ts';
import type { Tracer } from '../context/span.ts';
import type { Database } from '../database/database.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import type { Logger } from '../logging/logger.ts';
import { feedOperationId, listEventSchemas } from '../openapi/event-feed.ts';
import { compileAt, findOperation, type OpenApiDocument } from '../openapi/response-contract.ts';
import { Consumer } from './consumer.ts';
import type { CloudEvent } from './event-schemas.ts';
import { createHandlerRunner } from './handler.ts';
import { createFeedReader } from './read-feed.ts';

interface ConsumeSetup {
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

type Handlers = Readonly<Record<string, EventHandler<CloudEvent>>>;

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
    const findMismatch = createCheck(options.contract, producer);
    const runner = createHandlerRunner({
      ...{ service, producer, handlers, snapshot, log, tracer: options.tracer },
      assertMatching(event) {
        const mismatch = findMismatch(event);
        if (mismatch === undefined) return;
        peer.checkContractSoon();
        throw new Error(`the event does not match the contract of ${producer}: ${mismatch}`);
      },
    });
    const readFeed = createFeedReader(peer.poll, types);
    setup.add(new Consumer({ producer, database, runner, readFeed, isBroken: peer.isBroken }));
  };
}

/**
 * Creates the check of events against the contract. It returns why an event does not match, and undefined if it does. It
 * compiles each schema when it is first used.
 */
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
