import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { authentication } from '../auth/authentication.ts';
import type { VerifyCredential } from '../auth/token-verifier.ts';
import type { AppConfig, Config } from '../config/config.ts';
import { internalLimits, type Limits } from '../config/limits.ts';
import { acceptedMethods } from '../context/methods.ts';
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
import { type Callers, drain } from './drain.ts';
import { fairSerialization } from './fair-serialization.ts';
import type { InternalCredential } from './internal-caller.ts';
import { createExemptPaths, exemptRoutes } from './overload/exempt-paths.ts';
import { createLoadShedder } from './overload/load-shedding.ts';
import { rateLimit } from './overload/rate-limit.ts';
import { timeouts } from './overload/timeouts.ts';
import { unreadResponses } from './overload/unread-responses.ts';
import { createClientErrorHandler, rejectTunnels, respondUnrouted } from './protocol/client-errors.ts';
import { readTarget, strictHttp } from './protocol/strict-http.ts';
import { routerOptions, unmatchedRoutes } from './protocol/unmatched-routes.ts';
import { requestLifecycle } from './request-lifecycle.ts';
import { ajv, schemaController } from './schema-compilers.ts';
import { createSecurityHeaders } from './security-headers.ts';

export interface ServerOptions {
  readonly app: Pick<AppConfig, 'host' | 'url'>;
  /** `hosts` of the config: the names under which clients reach the server. */
  readonly hosts: readonly string[] | undefined;
  /** The logger of the app. */
  readonly log: Logger;
  readonly limits: Limits;
  readonly credential: InternalCredential;
  /** See `trustsAllCallers`. */
  readonly trustsAll: boolean;
  /** The requests that count as requests of other apps of the config. */
  readonly callers: Callers;
  /** Verifies the tokens of users. Undefined: `auth` is off. */
  readonly verify?: VerifyCredential | undefined;
  /** Requests of one client per minute; 0: no limit. */
  readonly rate: number;
  /** Proxies whose `x-forwarded-for` is trusted. */
  readonly proxies: readonly string[];
  /** Origins whose pages may read responses and change state. */
  readonly origins: readonly string[];
  /** Undefined: no `strict-transport-security`. */
  readonly hsts: Config['hsts'];
  readonly compress: boolean;
  /** Undefined if metrics are off. */
  readonly metrics?: RequestMetrics | undefined;
  /** Undefined if tracing is off. */
  readonly tracer: Tracer | undefined;
}

/** Creates a Fastify server with everything that applies to each request, whichever service handles it. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { log, limits, credential, origins, metrics, tracer, trustsAll } = options;
  const exemptPaths = createExemptPaths();
  const securityHeaders = createSecurityHeaders(options.hsts);
  const shedder = createLoadShedder({ limits, credential, exemptPaths, log, securityHeaders, metrics });
  const { concurrency, turns, serverFactory } = shedder;
  const handleClientError = createClientErrorHandler(log, securityHeaders, metrics);

  const server = Fastify({
    ...fastifyOptions(options),
    serverFactory,
    clientErrorHandler: handleClientError,
  }) as unknown as FastifyInstance;
  for (const method of acceptedMethods) {
    if (!server.supportedMethods.includes(method)) server.addHttpMethod(method, { hasBody: true });
  }
  server.setErrorHandler(sendProblem);

  // Each plugin names the plugins that must come before it, so a wrong order stops the start.
  await server.register(requestLifecycle, {
    ...{ credential, trustsAll, concurrency, securityHeaders, metrics, tracer },
  });
  rejectTunnels(server, handleClientError);
  await server.register(exemptRoutes, { exemptPaths });
  await server.register(strictHttp);
  await server.register(allowedHosts, { app: options.app, names: options.hosts });
  await server.register(crossSite, { origins });
  await server.register(cors, { origins });
  await server.register(compression, { isEnabled: options.compress });
  await server.register(rateLimit, { rate: options.rate });
  await server.register(drain, { callers: options.callers });
  await server.register(authentication, { verify: options.verify });
  await server.register(timeouts, { time: limits.time });
  await server.register(unreadResponses, { limits, concurrency });
  await server.register(fairSerialization, { turns });
  await server.register(unmatchedRoutes, { maxUrlLength: limits.url });
  await server.register(bodyParser);
  return server;
}

function fastifyOptions({ log, limits, proxies }: ServerOptions) {
  const { time } = limits;
  return {
    bodyLimit: limits.body,
    http: {
      requestTimeout: time.request,
      keepAliveTimeout: time.idle,
      maxHeaderSize: limits.headers,
      headersTimeout: time.headers,
      connectionsCheckingInterval: internalLimits.checkEveryMs,
      // `strictHttp` rejects requests without `Host` and with several, as problems.
      requireHostHeader: false,
      joinDuplicateHeaders: true,
      // Saves the stream events of absent bodies. Node before 24.12 ignores this option.
      optimizeEmptyRequests: true,
    },
    rewriteUrl: readTarget,
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }: IncomingMessage) => readRequestId(headers),
    routerOptions: { ...routerOptions, maxParamLength: limits.parameter },
    ajv,
    schemaController,
    return503OnClosing: false,
    frameworkErrors: respondUnrouted as never,
    trustProxy: proxies.length > 0 && [...proxies],
  };
}
