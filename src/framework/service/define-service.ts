import type { Static, TObject, TSchema } from '@sinclair/typebox';
import type { Peer, PeerName } from '../calls/peers.ts';
import type { Database } from '../database/database.ts';
import type { Emit, EventSchemas } from '../events/event-schemas.ts';
import type { ServiceScope } from '../http/service-scope.ts';
import type { Logger } from '../logging/logger.ts';
import type { ServiceWork } from './service-work.ts';

export type { ServiceScope };

/** Everything that a service may use besides its scope. */
export interface ServiceContext<
  Options = unknown,
  Peers extends PeerName = never,
  Events extends EventSchemas = EventSchemas,
> extends ServiceWork {
  /** The service's database, open and migrated. Reading it throws if the service has no migrations. */
  readonly database: Database;
  /** Emits an event of the service, as a statement of the running write. */
  readonly emit: Emit<Events>;
  /** The peers that the service declares. A service calls other services only through them. */
  readonly peers: { readonly [Name in Peers]: Peer<Name> };
  /** `services.<name>.options` of the config, checked. */
  readonly options: Options;
  /** The service's logger, for work without a request. Elsewhere use `getLogger()`. */
  readonly log: Logger;
}

/** The definition of a service. */
export interface Service<
  Options extends TObject = TObject,
  Peers extends PeerName = PeerName,
  Events extends EventSchemas = EventSchemas,
> {
  /** The name of the service's folder. It is also the prefix, the tag, the name in the log and the key in the config. */
  readonly name: string;
  /** A sentence for the documents. */
  readonly description: string;
  /** A sentence for each tag of its routes, except the tag with the service's name. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The services that this service calls. */
  readonly peers?: readonly Peers[];
  /** The schemas with an `$id`, which `ref` refers to. */
  readonly schemas?: readonly TSchema[];
  /** The events that the service emits: the schema of their `data`, by type, for example `pet.deleted`. */
  readonly events?: Events;
  /**
   * A sentence for each scope that its routes need, for example `pet:read`. Routes without `security` need `<name>:read` or
   * `<name>:write`, if it is here.
   */
  readonly scopes?: Readonly<Record<string, string>>;
  /** The options that the config may set under `services.<name>.options`. */
  readonly options?: Options;
  /** The folder with the migrations of the database, written by `./run.sh migrate create`. Absent: no database. */
  readonly migrations?: URL;
  /** Registers the routes, and the work at start, at stop and in the background. */
  routes(app: ServiceScope, context: ServiceContext<Static<Options>, Peers, Events>): void | Promise<void>;
}

/** Defines a service. The value is the default export of `index.ts` in the service's folder. */
export function defineService<
  Options extends TObject,
  const Peers extends PeerName = never,
  const Events extends EventSchemas = Record<never, never>,
>(service: Service<Options, Peers, Events>): Service<Options, Peers, Events> {
  return service;
}
