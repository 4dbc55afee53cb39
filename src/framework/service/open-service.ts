import type { FastifyInstance } from 'fastify';
import { connectPeer } from '../calls/peer.ts';
import type { Config, ServiceConfig } from '../config/config.ts';
import { checkPeer } from '../config/topology.ts';
import { runAs } from '../context/context.ts';
import type { Database } from '../database/database.ts';
import { openDatabase } from '../database/open-database.ts';
import type { Caller } from '../http/internal-caller.ts';
import type { Logging } from '../logging/logger.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { UsedOperation } from '../openapi/compatibility.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { Service } from './define-service.ts';
import type { MountOptions } from './mount.ts';
import { type Check, checkReadiness } from './readiness.ts';
import { describeService } from './system-routes.ts';

/** An operation that a service uses of a peer. */
export interface PeerUse extends UsedOperation {
  readonly service: string;
}

/** What an app has for each of its services. */
export interface OpenServiceOptions {
  readonly server: FastifyInstance;
  readonly config: Config;
  readonly logging: Logging;
  readonly version: string;
  readonly contract: OpenApiDocument | undefined;
  readonly record: string | undefined;
  readonly metrics: Metrics | undefined;
  readonly isTraced: boolean;
  /** Where a service is now. */
  originOf(service: string): string;
  /** ms for which a connection to it may be unused; undefined: as its server allows. */
  unusedTo(service: string): number | undefined;
  /** The document of a service of the same app, as it is served. */
  documentOf(service: string): (() => OpenApiDocument) | undefined;
  /** What a call to a service shows to be known as one of ours. */
  headersTo(service: string, caller: Caller): Record<string, string>;
  /** The names of all services, also of those that the config does not have. */
  readonly known: readonly string[];
  /** Checks of the contracts of peers, to be made once the app listens. */
  readonly looks: (() => Promise<void>)[];
  /** The operations that services use of their peers, as they declare them. */
  readonly uses: PeerUse[];
}

/** Opens what a service needs, and says how it is mounted: its database, its neighbours, its log. */
export function openService(service: Service, options: OpenServiceOptions): MountOptions {
  const {
    server,
    config,
    logging,
    version,
    contract,
    record,
    metrics,
    isTraced,
    originOf,
    unusedTo,
    documentOf,
    headersTo,
    known,
    looks,
    uses,
  } = options;
  const { limits, docs } = config;
  const { name, description } = service;
  const serviceConfig = config.services[name] as ServiceConfig;
  const serviceLog = logging.logger(name, serviceConfig.log?.level);
  let database: Database | undefined;
  if (serviceConfig.database !== undefined) {
    const { database: url } = serviceConfig;
    database = runAs(name, 'database', serviceLog, () =>
      openDatabase(url, { migrations: service.migrations, knownDatabases: record, isTraced }),
    );
    server.addHook('onClose', async () => database?.close());
    metrics?.databases.set(name, database);
  }
  const neighbours: Record<string, () => Promise<Check>> = {};
  const met = new Map<string, object>();
  return {
    name,
    prefix: `/${name}`,
    log: serviceLog,
    info: { title: name, version, description },
    tags: service.tags,
    home: describeService(name, docs),
    docs,
    keys: database?.keys,
    ready: () => checkReadiness({ database: database?.check, neighbours }),
    register: async (scope) =>
      service.register(scope, {
        get database() {
          if (database === undefined) throw new Error(`The ${name} service has no database`);
          return database;
        },
        neighbour: (other) => {
          if (met.has(other)) return met.get(other) as never;
          checkPeer(config, known, name, other);
          const origin = () => originOf(other);
          const { deadline } = config.calls;
          const one = connectPeer({
            service: name,
            other,
            origin,
            contract,
            deadline,
            limits: { ...limits.calls, unused: unusedTo(other) },
            headers: headersTo(other, 'service'),
            log: serviceLog,
            document: documentOf(other),
            onDeclare: (use) => uses.push({ service: name, ...use }),
          });
          neighbours[other] = one.check;
          looks.push(one.look);
          server.addHook('onClose', one.close);
          met.set(other, one.neighbour);
          metrics?.calls.push({ ...one, service: name, neighbour: other });
          return one.neighbour as never;
        },
        options: serviceConfig.options ?? {},
        log: serviceLog,
      }),
  };
}
