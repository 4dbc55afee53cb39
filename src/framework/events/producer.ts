import type { TSchema } from '@sinclair/typebox';
import { createAgeClock } from '../context/age-clock.ts';
import type { Database } from '../database/database.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import type { ServiceScope } from '../http/service-scope.ts';
import { createEmit } from './emit.ts';
import { type Emit, type EventSchemas, typePattern } from './event-schemas.ts';
import { addFeedRoute } from './feed-route.ts';
import { openFeedStore } from './feed-store.ts';
import { createFeedWatch } from './feed-watch.ts';

interface ProducerOptions {
  readonly service: string;
  readonly events: EventSchemas;
  /** The schemas with an `$id`, for references of the schemas of events. */
  readonly schemas: readonly TSchema[];
  readonly database: Database | undefined;
}

/** A service that emits events. */
interface Producer {
  readonly emit: Emit<EventSchemas>;
  /** Adds the route of the feed. */
  addRoute(scope: ServiceScope): void;
  /** Deletes the events that are older than `keepMs`, in small writes. */
  prune(keepMs: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * Opens the feed of a service.
 * @throws {DefinitionError} if the type of an event is malformed, or if the service has no database.
 */
export async function openProducer({
  service,
  events,
  schemas,
  database,
}: ProducerOptions): Promise<Producer> {
  if (database === undefined)
    throw new DefinitionError(`${service}: it declares events and has no database: add migrations`);
  for (const type of Object.keys(events)) {
    if (!typePattern.test(type))
      throw new DefinitionError(
        `${service}: the event type ${type} is malformed: write it like '${service}.created', in lower case`,
      );
  }
  const store = await openFeedStore(database);
  const clock = createAgeClock(await store.newestMs());
  let isEnding = () => false;
  const watch = createFeedWatch(store.readState, () => isEnding());
  return {
    emit: createEmit(events, { service, database, store, schemas, onEmit: watch.hint }),
    addRoute(scope) {
      isEnding = scope.isDraining;
      addFeedRoute(scope, { service, events, store, watch });
    },
    async prune(keepMs, signal) {
      while (!signal.aborted && (await store.prune((clock.earliest() - keepMs) * 1_000))) {}
    },
    close: watch.close,
  };
}
