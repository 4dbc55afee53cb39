import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { AppConfig } from '../config/config.ts';
import { fixed, type Limits } from '../config/limits.ts';
import { readRequestId } from '../context/propagation.ts';
import type { Tracer } from '../context/span.ts';
import { answerProblem } from '../errors/error-handler.ts';
import { forwardedMethods } from '../gateway/proxy.ts';
import type { Logger } from '../logging/logger.ts';
import type { Traffic } from '../metrics/request-metrics.ts';
import { hosts } from './allowed-hosts.ts';
import { bodies } from './body-parser.ts';
import { compression } from './compression.ts';
import { origins } from './cors.ts';
import { crossSite } from './cross-site.ts';
import { drain } from './drain.ts';
import { serialization } from './fair-serialization.ts';
import type { Key } from './internal-caller.ts';
import { type Always, createAlways } from './overload/exempt-paths.ts';
import { createGate } from './overload/load-shedding.ts';
import { rates } from './overload/rate-limit.ts';
import { lateness } from './overload/timeouts.ts';
import { unread } from './overload/unread-responses.ts';
import { answerUnrouted, createClientErrorHandler, refuseTunnels } from './protocol/client-errors.ts';
import { protocol, readTarget } from './protocol/strict-http.ts';
import { routerOptions, routing } from './protocol/unmatched-routes.ts';
import { requests } from './request-lifecycle.ts';
import { ajv, schemaController } from './schema-compilers.ts';
import { createPolicy, type Hsts, type Policy } from './security-headers.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly always: Always;
    /** Headers of each response to a request from outside. */
    readonly policy: Policy;
  }
}

export interface ServerOptions {
  readonly app: Pick<AppConfig, 'host' | 'url'>;
  /** Names under which clients reach it; undefined: see `hosts`. */
  readonly hosts: readonly string[] | undefined;
  /** That of the app's own lines. */
  readonly log: Logger;
  readonly limits: Limits;
  readonly key: Key;
  /** See `hasNoCommonKey`. */
  readonly trustsAll: boolean;
  /** Requests of one client in a minute; 0: any. */
  readonly rate: number;
  /** Whose `x-forwarded-for` is believed. */
  readonly proxies: readonly string[];
  /** Whose pages may read the answers. */
  readonly allowed: readonly string[];
  /** Absent: no `strict-transport-security`. */
  readonly hsts: Hsts | undefined;
  readonly compress: boolean;
  /** Where requests are counted. */
  readonly traffic?: Traffic | undefined;
  /** Absent where nothing is traced. */
  readonly tracer: Tracer | undefined;
}

/** A Fastify with all that holds for every request, whoever answers it. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { log, limits, key, rate, proxies, allowed, compress, traffic } = options;
  const { time } = limits;
  const always = createAlways();
  const policy = createPolicy(options.hsts);
  const { pressure, turns, serverFactory } = createGate({ limits, key, always, log, policy, traffic });
  const answerClientError = createClientErrorHandler(log, policy);
  const server = Fastify({
    bodyLimit: limits.body,
    serverFactory,
    http: {
      requestTimeout: time.request,
      keepAliveTimeout: time.idle,
      maxHeaderSize: limits.headers,
      headersTimeout: time.headers,
      connectionsCheckingInterval: fixed.checkEvery,
      // Without a Host, or with two, it is for `protocol` to refuse.
      requireHostHeader: false,
      joinDuplicateHeaders: true,
      // No events of a stream for a body that is not there.
      ...{ optimizeEmptyRequests: true },
    },
    rewriteUrl: readTarget,
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => readRequestId(request.headers),
    routerOptions: { ...routerOptions, maxParamLength: limits.parameter },
    ajv,
    schemaController,
    return503OnClosing: false,
    frameworkErrors: answerUnrouted as never,
    trustProxy: proxies.length > 0 && [...proxies],
    clientErrorHandler: answerClientError,
  }) as unknown as FastifyInstance;
  for (const method of forwardedMethods) {
    if (!server.supportedMethods.includes(method)) server.addHttpMethod(method, { hasBody: true });
  }
  refuseTunnels(server, answerClientError);
  server.decorate('always', always);
  server.decorate('policy', policy);
  server.addHook('onRoute', ({ url, config }) => {
    if (config?.always) always.add(url);
  });
  server.setErrorHandler(answerProblem);
  const { tracer, trustsAll } = options;
  await server.register(requests, { key, trustsAll, pressure, policy, traffic, tracer });
  await server.register(protocol);
  await server.register(hosts, { app: options.app, names: options.hosts });
  await server.register(crossSite, { allowed });
  if (allowed.length > 0) await server.register(origins, { allowed });
  if (compress) await server.register(compression);
  if (rate > 0) await server.register(rates, { rate, always });
  await server.register(drain, { always });
  await server.register(lateness, { time });
  await server.register(unread, { limits, pressure });
  await server.register(serialization, { turns });
  await server.register(routing, { maxUrlLength: limits.url });
  await server.register(bodies);
  return server;
}
