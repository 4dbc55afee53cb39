import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Static, TObject, TSchema } from '@sinclair/typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Peer, PeerName } from '../calls/peers.ts';
import type { Database } from '../database/database.ts';
import type { Logger } from '../logging/logger.ts';
import type { ServiceWork } from './service-work.ts';

/** The scope in which a service registers its routes. The framework adds the prefix, log, errors and documents. */
export type ServiceScope = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Everything that a service may use besides its scope. */
export interface ServiceContext<Options = unknown, Peers extends PeerName = never> extends ServiceWork {
  /** The service's database, open and migrated. Reading it throws if the service has no migrations. */
  readonly database: Database;
  /** The peers that the service declares. A service calls other services only through them. */
  readonly peers: { readonly [Name in Peers]: Peer<Name> };
  /** `services.<name>.options` of the config, checked. */
  readonly options: Options;
  /** The service's logger, for work without a request. Elsewhere use `getLogger()`. */
  readonly log: Logger;
}

/** The definition of a service. */
export interface Service<Options extends TObject = TObject, Peers extends PeerName = PeerName> {
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
  /** The options that the config may set under `services.<name>.options`. */
  readonly options?: Options;
  /** The folder with the migrations of the database, written by `./run.sh migrate create`. Absent: no database. */
  readonly migrations?: URL;
  /** Registers the routes, and the work at start, at stop and in the background. */
  routes(app: ServiceScope, context: ServiceContext<Static<Options>, Peers>): void | Promise<void>;
}

/** Defines a service. The value is the default export of `index.ts` in the service's folder. */
export function defineService<Options extends TObject, const Peers extends PeerName = never>(
  service: Service<Options, Peers>,
): Service<Options, Peers> {
  return service;
}
