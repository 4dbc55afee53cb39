import type { FastifyInstance } from 'fastify';
import type { AppConfig, Config } from '../config/config.ts';
import { callersOf, isLoopback, rateOf, trustsAllCallers } from '../config/exposure.ts';
import { internalLimits } from '../config/limits.ts';
import { addressOf, appConfig, appLabel, appOf, gatewayName, ownOrigin } from '../config/topology.ts';
import { type Caller, createInternalCredential, generateSecret } from '../http/internal-caller.ts';
import { createServer } from '../http/server.ts';
import type { Logger, Logging } from '../logging/logger.ts';
import { createMetrics, type Metrics, type MetricsOptions } from '../metrics/registry.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { Service } from '../service/define-service.ts';
import { openTraces } from '../tracing/opentelemetry.ts';

export interface AppOptions {
  readonly config: Config;
  /** The name of the app in the config. */
  readonly name: string;
  /** All services by name, also those of other apps. */
  readonly services: ReadonlyMap<string, Service>;
  readonly logging: Logging;
  /** The version in the OpenAPI documents. */
  readonly version: string;
  /** The shared secret of the instances of this app. Default: a random secret. */
  readonly key?: string;
  /** The generated merged document. Absent while it is being generated. */
  readonly contract?: OpenApiDocument;
  /** The file that lists the known databases, see `knownDatabasesFile`. */
  readonly record?: string;
  /** The number of this instance, and a function for the metrics of all. Absent with one instance or without metrics. */
  readonly instance?: Pick<MetricsOptions, 'number' | 'gather'>;
}

/** The parts of an app that exist before its services are opened. */
export interface Runtime extends AppOptions {
  readonly app: AppConfig;
  readonly isGateway: boolean;
  /** The name of the app in logs, metrics and traces. */
  readonly label: string;
  readonly log: Logger;
  readonly server: FastifyInstance;
  readonly metrics: Metrics | undefined;
  readonly tracer: Awaited<ReturnType<typeof openTraces>> | undefined;
  /** Whether the last request for the keys of the issuer failed. */
  issuerIsAway(): boolean;
  /** The services that the gateway forwards to. */
  readonly remote: readonly string[];
  /** Returns the origin of a service, `http://host:port`. The app must listen before it has an origin. */
  originOf(service: string): string;
  /** Returns the headers by which a service recognizes calls of this app. */
  headersTo(service: string, caller: Caller, from?: string): Readonly<Record<string, string>>;
  /** Returns how long a connection to a service may be idle, in ms. Undefined: as long as its server allows. */
  unusedTo(service: string): number | undefined;
}

/** Creates the server of an app, its metrics and its traces. */
export async function createRuntime(options: AppOptions): Promise<Runtime> {
  const { config, name, logging, version } = options;
  const { limits, internal, proxies, origins: allowed } = config;
  const secret = internal.key ?? options.key ?? generateSecret();
  const key = createInternalCredential(secret, internal.keys);
  const app = appConfig(config, name);
  const isGateway = name === gatewayName(config);
  const label = appLabel(config, name);
  const log = logging.logger(label);
  const metrics = config.metrics
    ? createMetrics({ label, maxAgeMs: internalLimits.metricsMs, ...options.instance })
    : undefined;
  const { traffic } = metrics ?? {};
  // Several apps without `internal.key` have no common secret, and must decide alike too.
  const isAlone = Object.keys(config.apps).length === 1;
  const sampling = { secret: isAlone ? secret : (internal.key ?? '') };
  const tracer = config.traces && (await openTraces(config.traces, { app: name, version, log, ...sampling }));
  const originOf = (service: string) => {
    const runningApp = appOf(config, service);
    return runningApp === name ? ownOrigin(server) : addressOf(appConfig(config, runningApp));
  };
  // Without `internal.key` in the config, other apps do not know the secret of this app.
  const headersTo: Runtime['headersTo'] = (service, caller, from) =>
    app.services.includes(service) || internal.key !== undefined ? key.headers(caller, from) : {};
  // The app may have the name of a service, which proves its name only by its separate secret.
  const headersToIssuer = (service: string) => headersTo(service, 'service', name);
  const verifier = config.auth
    ? // Imported on demand, because its library takes 2 % of the time to start.
      (await import('./token-verifier.ts')).openTokenVerifier(
        { ...config.auth, services: config.services },
        name,
        originOf,
        headersToIssuer,
      )
    : undefined;
  const server: FastifyInstance = await createServer({
    // The gateway adds headers to requests of clients that may have all bytes of the limit.
    limits: isGateway ? limits : { ...limits, headers: limits.headers + internalLimits.addedHeaders },
    ...{ log, credential: key, proxies, origins: allowed, metrics: traffic, tracer },
    ...{ app, hosts: config.hosts, hsts: config.hsts },
    verify: verifier?.verify,
    trustsAll: trustsAllCallers(config, name),
    callers: callersOf(config, name),
    rate: rateOf(config, name),
    // Only the gateway compresses, so no response is compressed twice. On loopback it costs more than it saves.
    compress: isGateway && (config.compress ?? !isLoopback(app.host)),
  });
  if (verifier !== undefined) server.addHook('onClose', verifier.close);
  return {
    ...options,
    ...{ app, isGateway, label, log, server, metrics, tracer },
    remote: isGateway
      ? Object.keys(config.services).filter((service) => !app.services.includes(service))
      : [],
    ...{ originOf, headersTo },
    issuerIsAway: () => verifier?.isAway() ?? false,
    // Connections of a process to itself need no limit: only another process can close an idle connection while a
    // request is on its way.
    unusedTo: (service) =>
      app.instances === 1 && app.services.includes(service) ? undefined : internalLimits.unusedMs,
  };
}
