import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { internalLimits } from '../config/limits.ts';
import { runInContext } from '../context/context.ts';
import { extract } from '../context/propagation.ts';
import type { Span, Tracer } from '../context/span.ts';
import { pathOf } from '../context/url.ts';
import { LoopDetected } from '../errors/problem.ts';
import { writeAccessLine } from '../logging/access-log.ts';
import type { Logger } from '../logging/logger.ts';
import type { RequestMetrics } from '../metrics/request-metrics.ts';
import { endRequestSpan, openRequestSpan } from '../tracing/request-span.ts';
import { type Caller, type InternalCredential, internalHeader } from './internal-caller.ts';
import type { ConcurrencyLimit } from './overload/concurrency-limit.ts';
import type { SecurityHeaders } from './security-headers.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The name of the service that this scope is, or `gateway`. */
    readonly serviceName: string;
    /** Its logger. */
    readonly serviceLog: Logger;
    /** Those that have not ended, in no order. */
    readonly inFlight: readonly InFlightRequest[];
    /** Where requests are counted when they have ended. */
    readonly requestMetrics: RequestMetrics | undefined;
    /** Resolves when none is in flight. */
    readonly untilIdle: () => Promise<void>;
  }
  interface FastifyRequest {
    /** Which of our own sent it; undefined for anybody outside. */
    readonly caller: Caller | undefined;
  }
}

/** A request that has not ended. */
export interface InFlightRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The `config` of its route. */
  readonly route: object;
  /** Where it is among those in flight. */
  place: number;
  /** Whether it was for the gate to admit. */
  readonly isCounted: boolean;
  /** Absent where it is not recorded. */
  readonly span: Span | undefined;
  /** Apart from the request, because contexts outlive it: connections and timers keep those of their last call. */
  readonly state: {
    /** Whether its client no longer waits: no more work is started for it. */ isOver: boolean;
  };
}

const opened = Symbol('opened');
type Response = ServerResponse & { [opened]?: InFlightRequest | undefined };

export interface RequestLifecycleOptions {
  readonly credential: InternalCredential;
  /** Whether every caller counts as one of our own, because it has no key to show: see `hasNoCommonKey`. */
  readonly trustsAll: boolean;
  readonly concurrency: ConcurrencyLimit;
  /** Headers of each response to a request from outside. */
  readonly securityHeaders: SecurityHeaders;
  readonly metrics?: RequestMetrics | undefined;
  /** Absent where nothing is traced. */
  readonly tracer: Tracer | undefined;
}

/**
 * Opens each request: its id in the answer, its context for all that runs for it, and its line when it has ended.
 * Register it first, so that what other plugins refuse has all that too.
 */
export const requestLifecycle = fp<RequestLifecycleOptions>(async (app, options) => {
  const {
    credential: key,
    trustsAll,
    concurrency: pressure,
    securityHeaders: policy,
    metrics: traffic,
    tracer,
  } = options;
  // Not a Set: of one that changes all the time V8 makes a new table now and then, and each old one, with all that was
  // in it, keeps the next alive until a full collection.
  const inFlight: InFlightRequest[] = [];
  let idle: PromiseWithResolvers<void> | undefined;
  let warnedAt = Number.NEGATIVE_INFINITY;
  /** Once a minute: anybody can send the header. */
  function warnOfCredential(log: Logger): void {
    if (performance.now() - warnedAt < 60_000) return;
    warnedAt = performance.now();
    log.warn(
      'a caller shows an internal credential that does not match: give every app the same internal.key',
    );
  }
  app.decorate('inFlight', inFlight);
  app.decorate('requestMetrics', traffic);
  app.decorate('untilIdle', async () => {
    while (inFlight.length > 0) {
      idle ??= Promise.withResolvers();
      await idle.promise;
    }
  });

  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    const caller = key.read(request.headers);
    const isTrusted = caller !== undefined || trustsAll;
    let travel = extract(request.headers, request.id, isTrusted);
    let span: Span | undefined;
    if (tracer !== undefined) ({ travel, span } = openRequestSpan(tracer, request, reply, travel, isTrusted));
    const log = request.log as Logger;
    if (caller !== undefined) (request as { caller: Caller }).caller = caller;
    else if (request.headers[internalHeader] !== undefined) warnOfCredential(log);
    const { config: route } = request.routeOptions;
    const isCounted = caller !== 'service' && route.exempt !== true;
    if (isCounted) pressure.enter();
    const state = { isOver: false };
    const open: InFlightRequest = { request, reply, route, place: inFlight.length, isCounted, span, state };
    inFlight.push(open);
    // 'close' comes always and once, 'finish' not where the client has gone. One listener for all requests.
    (reply.raw as Response)[opened] = open;
    reply.raw.on('close', end);
    reply.header('x-request-id', request.id);
    // Here, so that responses of the hooks after this one have them too.
    if (caller !== 'service') reply.headers(policy);
    // Not enterWith: that would leak into the next request on the same connection.
    const { serviceName: service, serviceLog } = request.server;
    runInContext({ service, serviceLog, log, travel, span, request: state }, () =>
      travel.hops > internalLimits.hops ? done(new LoopDetected()) : done(),
    );
  });

  function end(this: Response): void {
    const open = this[opened];
    if (open === undefined) return;
    this[opened] = undefined;
    open.state.isOver = true;
    logEnd(open.request, open.reply);
    traffic?.ended(open.request, open.reply, open.route);
    if (open.span !== undefined) endRequestSpan(open.span, open.reply);
    if (open.isCounted) pressure.leave();
    const last = inFlight.pop() as InFlightRequest;
    if (last !== open) {
      inFlight[open.place] = last;
      last.place = open.place;
    }
    if (inFlight.length === 0) {
      idle?.resolve();
      idle = undefined;
    }
  }
});

/** The one line of a request, when it has ended. The query stays out: it may hold secrets. */
export function logEnd({ log, method, url, routeOptions }: FastifyRequest, reply: FastifyReply): void {
  writeAccessLine(log as Logger, {
    method,
    path: pathOf(url),
    route: routeOptions?.url,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime * 1000) / 1000,
    aborted: !reply.raw.writableFinished,
  });
}
