import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Static, TObject } from '@sinclair/typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { LegacyPeer } from '../calls/operation.ts';
import type { Database } from '../database/database.ts';
import type { Logger } from '../logging/logger.ts';

/** The scope that a service registers its routes in: prefix, log, errors and documents are taken care of. */
export type ServiceScope = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** All that a service may touch beside its scope. */
export interface ServiceContext<Options = unknown> {
  /** The service's own, open and migrated. Throws where the config gives the service none. */
  readonly database: Database;
  /** The only way to another service; `Paths` are those of `generated/api.d.ts`. */
  neighbour<Paths extends object>(name: string): LegacyPeer<Paths>;
  /** `services.<name>.options` of the config, checked. */
  readonly options: Options;
  /** The service's logger, for work that no request asked for. Everywhere else: `getLogger()`. */
  readonly log: Logger;
}

/** What a service is. */
export interface Service<Options extends TObject = TObject> {
  /** The name of its folder, and so its prefix, its log tag and its key in the config. */
  readonly name: string;
  /** One sentence for its documents. */
  readonly description: string;
  /** One sentence for each tag of its routes, by its name; `description` is the default. */
  readonly tags?: Readonly<Record<string, string>>;
  /** What may stand under `services.<name>.options`. */
  readonly options?: Options;
  /** Folder with the migrations of its database, made by drizzle-kit; none, no database. */
  readonly migrations?: URL;
  register(scope: ServiceScope, surroundings: ServiceContext<Static<Options>>): Promise<void>;
}

/** Says what a service is; the value is the default export of its folder's `index.ts`. */
export function defineService<Options extends TObject>(service: Service<Options>): Service<Options> {
  return service;
}
