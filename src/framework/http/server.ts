import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { AppConfig } from '../config/config.ts';
import { internalLimits, type Limits } from '../config/limits.ts';
import { readRequestId } from '../context/propagation.ts';
import type { Tracer } from '../context/span.ts';
import { sendProblem } from '../errors/error-handler.ts';
import type { Logger } from '../logging/logger.ts';
import type { RequestMetrics } from '../metrics/request-metrics.ts';
import { allowedHosts } from './allowed-hosts.ts';
import { bodyParser } from './body-parser.ts';
import { compression } from './compression.ts';
import { cors } from './cors.ts';
import { crossSite } from './cross-site.ts';
import { drain } from './drain.ts';
import { fairSerialization } from './fair-serialization.ts';
import type { InternalCredential } from './internal-caller.ts';
import { acceptedMethods } from './methods.ts';
import { createExemptPaths, type ExemptPaths } from './overload/exempt-paths.ts';
import { createLoadShedder } from './overload/load-shedding.ts';
import { rateLimit } from './overload/rate-limit.ts';
import { timeouts } from './overload/timeouts.ts';
import { unreadResponses } from './overload/unread-responses.ts';
import { createClientErrorHandler, rejectTunnels, respondUnrouted } from './protocol/client-errors.ts';
import { readTarget, strictHttp } from './protocol/strict-http.ts';
import { routerOptions, unmatchedRoutes } from './protocol/unmatched-routes.ts';
import { requestLifecycle } from './request-lifecycle.ts';
import { ajv, schemaController } from './schema-compilers.ts';
import { createSecurityHeaders, type Hsts, type SecurityHeaders } from './security-headers.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly exemptPaths: ExemptPaths;
    /** Headers of each response to a request from outside. */
    readonly securityHeaders: SecurityHeaders;
  }
}

export interface ServerOptions {
  readonly app: Pick<AppConfig, 'host' | 'url'>;
  /** Names under which clients reach it; undefined: see `hosts`. */
  readonly hosts: readonly string[] | undefined;
  /** That of the app's own lines. */
  readonly log: Logger;
  readonly limits: Limits;
  readonly credential: InternalCredential;
  /** See `hasNoCommonKey`. */
  readonly trustsAll: boolean;
  /** Requests of one client in a minute; 0: any. */
  readonly rate: number;
  /** Whose `x-forwarded-for` is believed. */
  readonly proxies: readonly string[];
  /** Whose pages may read the answers. */
  readonly origins: readonly string[];
  /** Absent: no `strict-transport-security`. */
  readonly hsts: Hsts | undefined;
  readonly compress: boolean;
  /** Where requests are counted. */
  readonly metrics?: RequestMetrics | undefined;
  /** Absent where nothing is traced. */
  readonly tracer: Tracer | undefined;
}

/** A Fastify with all that holds for every request, whoever answers it. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const {
    log,
    limits,
    credential: key,
    rate,
    proxies,
    origins: allowed,
    compress,
    metrics: traffic,
  } = options;
  const { time } = limits;
  const always = createExemptPaths();
  const policy = createSecurityHeaders(options.hsts);
  const {
    concurrency: pressure,
    turns,
    serverFactory,
  } = createLoadShedder({
    limits,
    credential: key,
    exemptPaths: always,
    log,
    securityHeaders: policy,
    metrics: traffic,
  });
  const answerClientError = createClientErrorHandler(log, policy);
  const server = Fastify({
    bodyLimit: limits.body,
    serverFactory,
    http: {
      requestTimeout: time.request,
      keepAliveTimeout: time.idle,
      maxHeaderSize: limits.headers,
      headersTimeout: time.headers,
      connectionsCheckingInterval: internalLimits.checkEvery,
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
    frameworkErrors: respondUnrouted as never,
    trustProxy: proxies.length > 0 && [...proxies],
    clientErrorHandler: answerClientError,
  }) as unknown as FastifyInstance;
  for (const method of acceptedMethods) {
    if (!server.supportedMethods.includes(method)) server.addHttpMethod(method, { hasBody: true });
  }
  rejectTunnels(server, answerClientError);
  server.decorate('exemptPaths', always);
  server.decorate('securityHeaders', policy);
  server.addHook('onRoute', ({ url, config }) => {
    if (config?.exempt) always.add(url);
  });
  server.setErrorHandler(sendProblem);
  const { tracer, trustsAll } = options;
  await server.register(requestLifecycle, {
    credential: key,
    trustsAll,
    concurrency: pressure,
    securityHeaders: policy,
    metrics: traffic,
    tracer,
  });
  await server.register(strictHttp);
  await server.register(allowedHosts, { app: options.app, names: options.hosts });
  await server.register(crossSite, { allowed });
  if (allowed.length > 0) await server.register(cors, { allowed });
  if (compress) await server.register(compression);
  if (rate > 0) await server.register(rateLimit, { rate, exemptPaths: always });
  await server.register(drain, { always });
  await server.register(timeouts, { time });
  await server.register(unreadResponses, { limits, concurrency: pressure });
  await server.register(fairSerialization, { turns });
  await server.register(unmatchedRoutes, { maxUrlLength: limits.url });
  await server.register(bodyParser);
  return server;
}
