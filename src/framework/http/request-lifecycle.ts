import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { internalLimits } from '../config/limits.ts';
import { runInContext } from '../context/context.ts';
import { extract } from '../context/propagation.ts';
import type { Span, Tracer } from '../context/span.ts';
import { LoopDetected } from '../errors/problem.ts';
import type { Logger } from '../logging/logger.ts';
import type { RequestMetrics, RequestRoute } from '../metrics/request-metrics.ts';
import { endRequestSpan, openRequestSpan } from '../tracing/request-span.ts';
import { readClientAddress } from './client-address.ts';
import { type Caller, type InternalCredential, internalHeader } from './internal-caller.ts';
import type { ConcurrencyLimit } from './overload/concurrency-limit.ts';
import { recordRequestEnd } from './request-end.ts';
import type { SecurityHeaders } from './security-headers.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The name of the service that this scope belongs to, or `gateway`. */
    readonly serviceName: string;
    /** The logger of that service. */
    readonly serviceLog: Logger;
    /** Requests that have not ended, in no order. */
    readonly inFlight: readonly InFlightRequest[];
    /** Undefined if metrics are off. */
    readonly requestMetrics: RequestMetrics | undefined;
    /** Headers of each response to a request from outside. */
    readonly securityHeaders: SecurityHeaders;
    /** Resolves when no request is in flight. */
    readonly untilIdle: () => Promise<void>;
  }
  interface FastifyRequest {
    /** The kind of app that sent the request; undefined for a client from outside. */
    readonly caller: Caller | undefined;
    /** The address of the client, also if the gateway has forwarded the request. `ip` is then the gateway's. */
    readonly clientAddress: string;
  }
}

/** A request that has not ended. */
export interface InFlightRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly route: RequestRoute;
  /** Its index in the list of requests in flight. */
  index: number;
  /** Whether it counts towards the concurrency limit. */
  readonly isCounted: boolean;
  /** Undefined if the request is not recorded. */
  readonly span: Span | undefined;
  /**
   * The only part that the context of the request refers to. A connection or a timer keeps its last context in memory,
   * and must not keep the request and the reply.
   */
  readonly state: {
    /** Whether the client no longer waits. No further work is started for it. */
    isOver: boolean;
    nextPages: Map<object, string> | undefined;
  };
}

const inFlightOf = Symbol('inFlightOf');
type Response = ServerResponse & { [inFlightOf]?: InFlightRequest | undefined };

interface RequestLifecycleOptions {
  readonly credential: InternalCredential;
  /** Whether every caller is trusted, because the apps have no common credential: see `trustsAllCallers`. */
  readonly trustsAll: boolean;
  readonly concurrency: ConcurrencyLimit;
  readonly securityHeaders: SecurityHeaders;
  readonly metrics?: RequestMetrics | undefined;
  readonly tracer: Tracer | undefined;
}

/**
 * Sets up each request (caller, context, span, `x-request-id`, security headers) and records its end. It is the first
 * plugin, so that responses of all later hooks have these headers too.
 */
export const requestLifecycle = fp<RequestLifecycleOptions>(
  async (app, { credential, trustsAll, concurrency, securityHeaders, metrics, tracer }) => {
    const list = createInFlightList();
    const warnOfCredential = createCredentialWarning();
    app.decorate('inFlight', list.requests);
    app.decorate('untilIdle', list.untilEmpty);
    app.decorate('requestMetrics', metrics);
    app.decorate('securityHeaders', securityHeaders);
    app.decorateRequest('caller', undefined);
    app.decorateRequest('clientAddress', { getter: readClientAddress });

    app.addHook('onRequest', (request, reply, done) => {
      const caller = credential.read(request.headers);
      const isTrusted = caller !== undefined || trustsAll;
      let propagated = extract(request.headers, request.id, isTrusted);
      let span: Span | undefined;
      if (tracer !== undefined)
        ({ propagated, span } = openRequestSpan(tracer, request, reply, propagated, isTrusted));
      const log = request.log as Logger;
      if (caller !== undefined) (request as { caller: Caller }).caller = caller;
      else if (request.headers[internalHeader] !== undefined) warnOfCredential(log);

      const route = request.routeOptions;
      const { exempt, isLongPoll } = route.config;
      const isCounted = caller !== 'service' && exempt !== true && isLongPoll !== true;
      if (isCounted) concurrency.enter();
      const state = { isOver: false, nextPages: undefined };
      const raw = reply.raw as Response;
      raw[inFlightOf] = list.add({ request, reply, route, isCounted, span, state });
      // 'close' is always emitted once, but 'finish' only if the client has not disconnected.
      raw.on('close', end);

      reply.header('x-request-id', request.id);
      if (caller !== 'service') reply.headers(securityHeaders);
      // Not `enterWith`, which would leak the context into the next request on the same connection.
      const { serviceName: service, serviceLog } = request.server;
      runInContext({ service, serviceLog, log, propagated, span, request: state }, () =>
        propagated.hops > internalLimits.hops ? done(new LoopDetected()) : done(),
      );
    });

    /** A shared listener, because a closure for each request would cost time and memory. */
    function end(this: Response): void {
      const { [inFlightOf]: open } = this;
      if (open === undefined) return;
      this[inFlightOf] = undefined;
      open.state.isOver = true;
      recordRequestEnd(open.request, open.reply, open.route);
      if (open.span !== undefined) endRequestSpan(open.span, open.reply);
      if (open.isCounted) concurrency.leave();
      list.remove(open);
    }
  },
  { name: 'request-lifecycle' },
);

/**
 * Creates the list of requests in flight. It is an array, not a Set. V8 often rebuilds the table of a Set that changes
 * all the time. Each old table keeps the next table and its requests in memory until a full collection.
 */
function createInFlightList() {
  const requests: InFlightRequest[] = [];
  let empty: PromiseWithResolvers<void> | undefined;
  return {
    requests,
    add(request: Omit<InFlightRequest, 'index'>): InFlightRequest {
      const open = { ...request, index: requests.length };
      requests.push(open);
      return open;
    },
    remove(open: InFlightRequest): void {
      const last = requests.pop() as InFlightRequest;
      if (last !== open) {
        requests[open.index] = last;
        last.index = open.index;
      }
      if (requests.length > 0) return;
      empty?.resolve();
      empty = undefined;
    },
    async untilEmpty() {
      while (requests.length > 0) {
        empty ??= Promise.withResolvers();
        await empty.promise;
      }
    },
  };
}

/** Warns at most once a minute, because any client can send the header. */
function createCredentialWarning(): (log: Logger) => void {
  let warnedAt = Number.NEGATIVE_INFINITY;
  return (log) => {
    if (performance.now() - warnedAt < 60_000) return;
    warnedAt = performance.now();
    log.warn(
      'a caller shows an internal credential that does not match: give every app the same internal.key',
    );
  };
}
