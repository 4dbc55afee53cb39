import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FastifyServerOptions } from 'fastify';
import { internalLimits, type Limits } from '../../config/limits.ts';
import { createServer } from '../../context/node-http.ts';
import { readRequestId } from '../../context/propagation.ts';
import { pathOf } from '../../context/url.ts';
import { prepareProblemBody } from '../../errors/error-handler.ts';
import { problemMediaType, ServiceUnavailable } from '../../errors/problem.ts';
import { createRequestLogger, writeRequest } from '../../logging/access-log.ts';
import type { Logger } from '../../logging/logger.ts';
import type { RejectionReason, RequestMetrics } from '../../metrics/request-metrics.ts';
import type { InternalCredential } from '../internal-caller.ts';
import { enableLingeringClose } from '../protocol/lingering-close.ts';
import { type Handle, limitPipelines } from '../protocol/pipelining.ts';
import { readTarget } from '../protocol/strict-http.ts';
import type { SecurityHeaders } from '../security-headers.ts';
import { type ConcurrencyLimit, openConcurrencyLimit } from './concurrency-limit.ts';
import { limitConnections } from './connection-limit.ts';
import { openTurns, type Turns } from './event-loop-turns.ts';
import type { ExemptPaths } from './exempt-paths.ts';

interface LoadShedderOptions {
  readonly limits: Limits;
  readonly credential: InternalCredential;
  readonly exemptPaths: ExemptPaths;
  readonly log: Logger;
  /** Headers of each response. */
  readonly securityHeaders: SecurityHeaders;
  /** Counts rejected requests and closed connections; undefined if metrics are off. */
  readonly metrics?: RequestMetrics | undefined;
}

/** Decides about each request before Fastify sees it. */
interface LoadShedder {
  readonly concurrency: ConcurrencyLimit;
  readonly turns: Turns;
  /** Creates the server with the options that Fastify passes. */
  readonly serverFactory: NonNullable<FastifyServerOptions['serverFactory']>;
}

/**
 * Load shedding: an overloaded server rejects requests immediately with 503 and `Retry-After`, before Fastify allocates
 * anything for them. It never rejects exempt paths. It never rejects calls of a service, because an admitted request of
 * this or another app waits for the call. Requests that a gateway forwards have not been admitted here, and can be
 * rejected. No request waits for admission, so admission cannot deadlock.
 */
export function createLoadShedder(options: LoadShedderOptions): LoadShedder {
  const { limits, credential, exemptPaths, metrics } = options;
  const concurrency = openConcurrencyLimit(limits);
  const turns = openTurns(internalLimits.turnMs);
  const connections = limitConnections(limits.connections, () => {
    if (metrics !== undefined) metrics.closed.idle += 1;
  });
  const reject = createRejection(options, concurrency);

  function admit(handle: RequestListener): Handle {
    return (request, response, isPipelined) => {
      const { headers, socket } = request;
      const isTooMany = connections.isTooMany(socket, () => credential.read(headers) !== undefined);
      if (isTooMany) response.shouldKeepAlive = false;
      const reason = isTooMany ? 'connections' : concurrency.findExcess(turns.count('requests'));
      if (reason !== undefined && !isExempt(request)) return reject(request, response, reason);
      // A pipelined request never overtakes an earlier one of its connection, because responses are sent in order.
      if (!turns.isOver() || (!isPipelined && isExempt(request))) return handle(request, response);
      turns.defer('requests', () => {
        // After a response that closed the connection no request may be handled (RFC 9112, 9.6).
        if (socket.writable) handle(request, response);
      });
    };
  }

  function isExempt(request: IncomingMessage): boolean {
    return credential.read(request.headers) === 'service' || exemptPaths.has(readTarget(request));
  }

  const pipelines = {
    perConnection: internalLimits.pipeline,
    waiting: limits.requests,
    onCut() {
      if (metrics !== undefined) metrics.closed.pipeline += 1;
    },
  };

  return {
    concurrency,
    turns,
    serverFactory(handle, { http }: { http?: object }) {
      const bounded = limitPipelines(pipelines, admit(handle as RequestListener)) as RequestListener;
      const server = createServer(http as object, enableLingeringClose(bounded));
      connections.watch(server);
      server.once('close', concurrency.close);
      return server;
    },
  };
}

/** Prepares everything that all rejections share, because the cost of rejections is lost for admitted requests. */
function createRejection(
  { log, metrics, securityHeaders }: LoadShedderOptions,
  concurrency: ConcurrencyLimit,
): (request: IncomingMessage, response: ServerResponse, reason: RejectionReason) => void {
  const busy = new ServiceUnavailable('The server is busy');
  const bodyFor = prepareProblemBody(busy);
  const contentType = `${problemMediaType}; charset=utf-8`;
  const headers = Object.entries({ ...securityHeaders, ...busy.headers, 'content-type': contentType }).flat();

  return (request, response, reason) => {
    const begun = performance.now();
    const { method = '' } = request;
    // The authority of an absolute URL may hold a password.
    const url = readTarget(request);
    const { status } = busy;
    const reqId = readRequestId(request.headers);
    const body = bodyFor(url);
    const length = String(Buffer.byteLength(body));
    response.writeHead(status, [...headers, 'x-request-id', reqId, 'content-length', length]);
    response.end(body);
    const ms = performance.now() - begun;
    concurrency.countRejection(ms);
    writeRequest(createRequestLogger(log, reqId), { method, path: pathOf(url), status, ms });
    if (metrics !== undefined) metrics.rejected[reason] += 1;
  };
}
