import type { FastifyInstance } from 'fastify';
import { monitorPeer } from '../calls/peer.ts';
import type { Config } from '../config/config.ts';
import { exposureWarning, isLoopback, rateOf, trustsAllCallers } from '../config/exposure.ts';
import { internalLimits } from '../config/limits.ts';
import { addressOf, appConfig, appLabel, appOf, gatewayName, ownOrigin } from '../config/topology.ts';
import { type Caller, createInternalCredential, generateSecret } from '../http/internal-caller.ts';
import { createServer } from '../http/server.ts';
import type { Logging } from '../logging/logger.ts';
import { createMetrics, type MetricsOptions } from '../metrics/registry.ts';
import { mergeDocuments, mergedInfo, type Part, selectServices } from '../openapi/merge.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { Service } from '../service/define-service.ts';
import { type MountOptions, mountProxy, mountService } from '../service/mount.ts';
import { openService, type PeerUse } from '../service/open-service.ts';
import { type Check, checkAll, checkReadiness, type Readiness } from '../service/readiness.ts';
import { describeApp } from '../service/system-routes.ts';
import { openTraces } from '../tracing/opentelemetry.ts';
import { watchEventLoop } from './event-loop-watch.ts';

export interface AppOptions {
  readonly config: Config;
  /** Which app of the config this is. */
  readonly name: string;
  /** Every service that there is, by name. */
  readonly services: ReadonlyMap<string, Service>;
  readonly logging: Logging;
  /** The version that the documents give. */
  readonly version: string;
  /** What instances of this app know each other by; else one that nobody else has is made. */
  readonly key?: string;
  /** The merged document, as generated; absent while it is being generated. */
  readonly contract?: OpenApiDocument;
  /** Where it is recorded which databases have been there, see `openDatabase`. */
  readonly record?: string;
  /** Where several instances share the port: which of them this is, and the metrics of all of them. */
  readonly instance?: Pick<MetricsOptions, 'number' | 'gather'>;
}

/** One app: a server with its services, ready to listen. */
export interface App {
  readonly server: FastifyInstance;
  /** The documents of its services, each as the service has it. */
  documents(): Part[];
  /** The operations that its services use of their peers. */
  readonly uses: readonly PeerUse[];
  /** The metrics of this process alone; absent where they are off. */
  readonly metrics: (() => Promise<string>) | undefined;
  /** Listens where the config says; resolves with the address, as `http://host:port`. */
  listen(): Promise<string>;
  /**
   * Answers what is in flight, then closes everything. What comes meanwhile is refused, or, where another instance
   * takes over (`hand over`), answered to the last.
   */
  stop(mode?: 'refuse' | 'hand over'): Promise<void>;
}

/**
 * Builds an app of the config: the services that it runs, with their databases open, and, where it is the gateway,
 * what forwards to the others. It does not listen.
 * @throws {DatabaseError} where a database cannot be opened.
 * @throws {ConfigError} where a service calls a peer that no app runs.
 */
export async function buildApp(options: AppOptions): Promise<App> {
  const { config, name, services, logging, version, contract, record } = options;
  const { limits, internal, proxies, docs, origins: allowed } = config;
  const key = createInternalCredential(internal.key ?? options.key ?? generateSecret());
  // Only one that is in the config do other apps know.
  const headersTo = (service: string, caller: Caller) =>
    app.services.includes(service) || internal.key !== undefined ? key.headers(caller) : {};
  const app = appConfig(config, name);
  const isGateway = name === gatewayName(config);
  const label = appLabel(config, name);
  const log = logging.logger(label);
  const metrics = config.metrics
    ? createMetrics({ label, maxAgeMs: internalLimits.metrics, ...options.instance })
    : undefined;
  const { traffic } = metrics ?? {};
  const tracer = config.traces && (await openTraces(config.traces, { app: name, version, log }));
  const server = await createServer({
    ...{ log, limits, credential: key, proxies, origins: allowed, metrics: traffic, tracer },
    ...{ app, hosts: config.hosts, hsts: config.hsts },
    trustsAll: trustsAllCallers(config, name),
    rate: rateOf(config, name),
    // At the gateway alone, so that nothing is done twice; on loopback it costs more than it saves.
    compress: isGateway && (config.compress ?? !isLoopback(app.host)),
  });
  const documents: (() => Part)[] = [];
  const readiness = new Map<string, () => Promise<Readiness>>();
  const looks: (() => Promise<void>)[] = [];
  const uses: PeerUse[] = [];

  for (const service of app.services) {
    const mountable = openService(services.get(service) as Service, {
      ...{ server, config, logging, version, contract, record, metrics, looks, uses },
      ...{ originOf, unusedTo, headersTo, known: [...services.keys()] },
      isTraced: tracer !== undefined,
      documentOf: (other) => (app.services.includes(other) ? () => documentOf(other) : undefined),
    });
    const document = await mountService(server, mountable);
    documents.push(() => ({ service, prefix: mountable.prefix, document: document() }));
    readiness.set(service, mountable.ready);
  }
  const remote = isGateway
    ? Object.keys(config.services).filter((service) => !app.services.includes(service))
    : [];
  const reachable: Record<string, () => Promise<Check>> = {};
  if (remote.length > 0)
    readiness.set(label, () => checkReadiness({ database: undefined, neighbours: reachable }));
  for (const service of remote) {
    const { check, close } = monitorPeer(service, () => originOf(service), headersTo(service, 'gateway'));
    server.addHook('onClose', close);
    reachable[service] = check;
    // Twice what a service may take for its own calls, so that its answer comes before ours.
    const timeout = 2 * config.calls.deadline;
    const proxy = {
      service,
      origin: originOf(service),
      timeout,
      connections: limits.forwards.connections,
      docs,
      headers: headersTo(service, 'gateway'),
    };
    await mountProxy(server, { name: label, log, proxy });
  }
  await mountService(server, own());
  await server.ready();

  function originOf(service: string): string {
    const home = appOf(config, service);
    return home === name ? ownOrigin(server) : addressOf(appConfig(config, home));
  }

  /** Only another process can close a connection just as a request is on its way. */
  function unusedTo(service: string): number | undefined {
    return app.instances === 1 && app.services.includes(service) ? undefined : internalLimits.unused;
  }

  /** The document of a service of this app, as it is served. */
  function documentOf(service: string): OpenApiDocument {
    return (documents.find((part) => part().service === service) as () => Part)().document;
  }

  /** What the app itself answers, beside its services. */
  function own(): MountOptions {
    const names = isGateway ? Object.keys(config.services) : app.services;
    const info = mergedInfo(version);
    const parts = () => documents.map((part) => part());
    return {
      name: label,
      prefix: '',
      log,
      info,
      home: describeApp(label, names),
      docs,
      otherDocuments: Object.fromEntries(names.map((service) => [service, `/${service}/openapi.json`])),
      // A service that runs elsewhere is documented from the committed contract, also while it is unreachable.
      document: () =>
        remote.length > 0 && contract !== undefined
          ? selectServices(contract, names)
          : mergeDocuments(parts(), info),
      ready: () => checkAll(readiness),
      register: async (scope) => metrics?.addTo(scope),
    };
  }

  let endWatch = () => {};
  return {
    server,
    documents: () => documents.map((part) => part()),
    uses,
    metrics: metrics?.render,
    async listen() {
      const listenTextResolver = (address: string) => `${name} listens at ${address}`;
      const { backlog } = internalLimits;
      await server.listen({ host: app.host, port: app.port, backlog, listenTextResolver });
      for (const look of looks) void look();
      endWatch = watchEventLoop(log);
      const warning = exposureWarning(config, name);
      if (warning !== undefined) log.warn({ host: app.host }, warning);
      return ownOrigin(server);
    },
    async stop(mode = 'refuse') {
      await server.drain(mode);
      await server.close();
      endWatch();
      await tracer?.close();
    },
  };
}
