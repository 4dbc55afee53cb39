import { connectPeer } from '../calls/peer.ts';
import type { Config, ServiceConfig } from '../config/config.ts';
import { parseDuration } from '../config/duration.ts';
import { runAs } from '../context/context.ts';
import type { Tracer } from '../context/span.ts';
import type { Database } from '../database/database.ts';
import { openDatabase } from '../database/open-database.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { createConsume } from '../events/consume.ts';
import type { Consumer } from '../events/consumer.ts';
import type { Emit, EventSchemas } from '../events/event-schemas.ts';
import { openProducer } from '../events/producer.ts';
import type { Caller } from '../http/internal-caller.ts';
import type { Logger, Logging } from '../logging/logger.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { Service } from './define-service.ts';
import type { MountOptions } from './mount-options.ts';
import { checkSchemas, type KnownNames, prepareScope } from './prepare-scope.ts';
import { checkReadiness } from './readiness.ts';
import { createServiceWork, type WorkRunner } from './service-work.ts';
import { describeService } from './system-routes.ts';

/** The parts of an app that its services use. */
export interface OpenServiceOptions extends KnownNames {
  readonly config: Config;
  readonly logging: Logging;
  readonly version: string;
  /** The merged document. Undefined while it is generated. */
  readonly contract: OpenApiDocument | undefined;
  /** The file that lists the known databases. */
  readonly record: string | undefined;
  readonly tracer: Tracer | undefined;
  /** Whether the last request for the keys of the issuer failed. */
  issuerIsAway(): boolean;
  /** Returns the ms for which a connection to a service may be unused. Undefined: no limit of the client. */
  unusedTo(service: string): number | undefined;
  /** Returns the document of a service of the same app. Undefined: another app runs the service. */
  documentOf(service: string): (() => OpenApiDocument) | undefined;
  /** Returns the headers by which a service recognizes a call of this app. */
  headersTo(service: string, caller: Caller, from?: string): Readonly<Record<string, string>>;
}

/** A connected peer of a service. */
export type OpenedPeer = ReturnType<typeof connectPeer> & { readonly name: string };

/** A service with its database and its connections to peers. */
export interface OpenedService {
  readonly service: Service;
  readonly mountable: MountOptions;
  readonly database: Database | undefined;
  readonly peers: ReadonlyMap<string, OpenedPeer>;
  /** The consumers of the feeds of its peers. */
  readonly consumers: readonly Consumer[];
  readonly work: WorkRunner;
  close(): Promise<void>;
}

/**
 * Opens the log, the database and the peers of a service.
 * @throws {DatabaseError} if the database cannot be used.
 */
export async function openService(service: Service, options: OpenServiceOptions): Promise<OpenedService> {
  const { config, logging } = options;
  const { name, description } = service;
  checkSchemas(service);
  const serviceConfig = config.services[name] as ServiceConfig;
  const log = logging.logger(name, serviceConfig.log?.level);
  const database = await openServiceDatabase(service, serviceConfig, log, options);
  const consumers: Consumer[] = [];
  const consume = (other: string) =>
    createConsume(other, {
      ...{ service: name, log, options, peer: () => peers.get(other) as OpenedPeer },
      database: () => context.database,
      add(consumer) {
        consumers.push(consumer);
        work.job(`events of ${other}`, { everyMs: 1_000 }, (signal) => consumer.run(signal));
      },
    });
  const connect = (other: string) => ({
    name: other,
    ...connectTo(other, name, log, options, { events: consume(other) }),
  });
  const peers: ReadonlyMap<string, OpenedPeer> = new Map(
    (service.peers ?? []).map((other) => [other as string, connect(other)]),
  );
  const { runner, ...work } = createServiceWork(name, log);
  const { events, schemas = [] } = service;
  const producer = events && (await openProducer({ service: name, events, schemas, database }));
  const context = {
    get database() {
      if (database === undefined) throw new DefinitionError(`${name}: it has no database: add migrations`);
      return database;
    },
    peers: rejectUndeclaredPeers(
      name,
      new Map([...peers].map(([other, { operations }]) => [other, operations])),
    ),
    emit: producer?.emit ?? emitNothing(name),
    options: serviceConfig.options ?? {},
    log,
    ...work,
  };
  return {
    ...{ service, database, peers, consumers, work: runner },
    mountable: {
      ...{ name, log, prefix: `/${name}`, tags: service.tags, docs: config.docs, keys: database?.keys },
      info: { title: name, version: options.version, description },
      home: describeService(name, config.docs),
      ready: () =>
        checkReadiness({
          database: database?.check,
          peers: Object.fromEntries([...peers].map(([other, { check }]) => [other, check])),
          consumers,
          issuerIsAway: options.issuerIsAway,
        }),
      async register(scope) {
        prepareScope(scope, service, options);
        await service.routes(scope, context as never);
        if (producer !== undefined) {
          producer.addRoute(scope);
          const keepMs = parseDuration(serviceConfig.events?.keep ?? '7d');
          work.job('event retention', { everyMs: 60_000 }, (signal) => producer.prune(keepMs, signal));
        }
        await database?.verify();
      },
    },
    async close() {
      producer?.close();
      await Promise.all([...peers.values()].map((peer) => peer.close()));
      await database?.close();
    },
  };
}

function openServiceDatabase(
  { name, migrations }: Service,
  { database }: ServiceConfig,
  log: Logger,
  { config, record, tracer }: OpenServiceOptions,
): Promise<Database | undefined> {
  if (database === undefined) return Promise.resolve(undefined);
  const timeoutMs = config.calls.deadline;
  const isTraced = tracer !== undefined;
  return runAs(name, 'database', log, () =>
    openDatabase(database, { migrations, knownDatabases: record, isTraced, service: name, timeoutMs }),
  );
}

/** Returns an `emit` that throws, for a service without events. The compiler finds the mistake too. */
function emitNothing(service: string): Emit<EventSchemas> {
  return async (type) => {
    throw new DefinitionError(`${service}: emit('${type}') is not among its events: add it there`);
  };
}

function connectTo(
  other: string,
  service: string,
  log: Logger,
  options: OpenServiceOptions,
  members: Readonly<Record<string, unknown>>,
) {
  const { config, contract, unusedTo, headersTo, documentOf } = options;
  return connectPeer({
    ...{ service, other, contract, log },
    deadline: config.calls.deadline,
    limits: { ...config.limits.calls, unused: unusedTo(other) },
    headers: headersTo(other, 'service', service),
    document: documentOf(other),
    members,
  });
}

/** Wraps peers so that the use of an undeclared peer throws. The compiler finds this mistake too, but may not run. */
function rejectUndeclaredPeers(service: string, peers: ReadonlyMap<string, object>): object {
  return new Proxy(Object.fromEntries(peers), {
    get(declared, name) {
      if (typeof name === 'symbol' || Object.hasOwn(declared, name)) return Reflect.get(declared, name);
      throw new DefinitionError(`${service}: it uses the undeclared peer ${name}: add it to peers`);
    },
  });
}
