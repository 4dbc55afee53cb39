import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { Logger } from '#common/logger.ts';
import { answerProblem } from '#common/problem-handler.ts';
import type { Tracer } from '#common/trace.ts';
import { readRequestId } from '#common/travel.ts';
import { type Always, createAlways } from './always.ts';
import { bodies } from './bodies.ts';
import { compression } from './compression.ts';
import type { AppConfig } from './config.ts';
import { answerUnrouted, createClientErrorHandler, refuseTunnels } from './connection.ts';
import { crossSite } from './cross-site.ts';
import { drain } from './drain.ts';
import { createGate } from './gate.ts';
import { hosts } from './hosts.ts';
import type { Key } from './key.ts';
import { lateness } from './lateness.ts';
import { fixed, type Limits } from './limits.ts';
import { origins } from './origins.ts';
import { createPolicy, type Hsts, type Policy } from './policy.ts';
import { protocol, readTarget } from './protocol.ts';
import { forwardedMethods } from './proxy.ts';
import { rates } from './rates.ts';
import { requests } from './requests.ts';
import { routerOptions, routing } from './routing.ts';
import { serialization } from './serialization.ts';
import type { Traffic } from './traffic.ts';
import { unread } from './unread.ts';
import { ajv, schemaController } from './validation.ts';

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
