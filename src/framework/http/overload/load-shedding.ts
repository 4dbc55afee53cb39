import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { FastifyServerOptions } from 'fastify';
import { internalLimits, type Limits } from '../../config/limits.ts';
import { readRequestId } from '../../context/propagation.ts';
import { pathOf } from '../../context/url.ts';
import { prepareProblemBody } from '../../errors/error-handler.ts';
import { problemMediaType, ServiceUnavailable } from '../../errors/problem.ts';
import { createRequestLogger, writeAccessLine } from '../../logging/access-log.ts';
import type { Logger } from '../../logging/logger.ts';
import type { RequestMetrics } from '../../metrics/request-metrics.ts';
import type { InternalCredential } from '../internal-caller.ts';
import { enableLingeringClose } from '../protocol/lingering-close.ts';
import { type Handle, limitPipelines } from '../protocol/pipelining.ts';
import type { SecurityHeaders } from '../security-headers.ts';
import { type ConcurrencyLimit, openConcurrencyLimit } from './concurrency-limit.ts';
import { limitConnections } from './connection-limit.ts';
import { openTurns, type Turns } from './event-loop-turns.ts';
import type { ExemptPaths } from './exempt-paths.ts';

export interface LoadShedderOptions {
  readonly limits: Limits;
  readonly credential: InternalCredential;
  readonly exemptPaths: ExemptPaths;
  readonly log: Logger;
  /** Headers of each response. */
  readonly securityHeaders: SecurityHeaders;
  /** Where what is shed is counted. */
  readonly metrics?: RequestMetrics | undefined;
}

/** What stands before Fastify. */
export interface LoadShedder {
  readonly concurrency: ConcurrencyLimit;
  readonly turns: Turns;
  /** Makes the server, of the options that Fastify has for it. */
  readonly serverFactory: NonNullable<FastifyServerOptions['serverFactory']>;
}

/**
 * Sheds what is too much, before Fastify has made anything for it: a 503 at once, and its access line. Never shed is
 * what is always answered, and a call that a service of ours makes: what waits for it has been admitted, here or in
 * the app that sent it. What a gateway forwards has not been admitted here, and takes its chance like every other.
 * Nothing waits for admission, so nothing can wait in circles.
 */
export function createLoadShedder({
  limits,
  credential: key,
  exemptPaths: always,
  log,
  securityHeaders: policy,
  metrics: traffic,
}: LoadShedderOptions): LoadShedder {
  const pressure = openConcurrencyLimit(limits);
  const turns = openTurns(internalLimits.turn);
  const connections = limitConnections(limits.connections, () => {
    if (traffic !== undefined) traffic.closed.idle += 1;
  });
  const busy = new ServiceUnavailable('The server is busy');
  // What is the same for each is worked out once: the more a refusal costs, the less is left for what is admitted.
  const busyBody = prepareProblemBody(busy);
  const contentType = `${problemMediaType}; charset=utf-8`;
  const headers = Object.entries({ ...policy, ...busy.headers, 'content-type': contentType }).flat();

  function pass(handle: RequestListener): Handle {
    return (request, response, isPipelined) => {
      const isTooMany = connections.isTooMany(request.socket, () => key.read(request.headers) !== undefined);
      if (isTooMany) response.shouldKeepAlive = false;
      const reason = isTooMany ? 'connections' : pressure.excess(turns.count('requests'));
      if (reason !== undefined && !isExempt(request)) {
        if (traffic !== undefined) traffic.shed[reason] += 1;
        return refuse(request, response);
      }
      // A pipelined request never overtakes an earlier one of its connection, because responses are sent in order.
      if (!turns.isOver() || (!isPipelined && isExempt(request))) return handle(request, response);
      turns.defer('requests', () => {
        // Behind a response that closed the connection nothing is done (RFC 9112, 9.6).
        if (request.socket.writable) handle(request, response);
      });
    };
  }

  function isExempt({ headers, url }: IncomingMessage): boolean {
    return key.read(headers) === 'service' || always.has(url ?? '');
  }

  function refuse(request: IncomingMessage, response: ServerResponse): void {
    const begun = performance.now();
    const { method = '', url = '' } = request;
    const reqId = readRequestId(request.headers);
    const body = busyBody(url);
    const length = String(Buffer.byteLength(body));
    response.writeHead(busy.status, [...headers, 'x-request-id', reqId, 'content-length', length]);
    response.end(body);
    const took = performance.now() - begun;
    pressure.refused(took);
    const ms = Math.round(took * 1000) / 1000;
    writeAccessLine(createRequestLogger(log, reqId), { method, path: pathOf(url), status: busy.status, ms });
  }

  const pipelines = {
    perConnection: internalLimits.pipeline,
    waiting: limits.requests,
    onCut() {
      if (traffic !== undefined) traffic.closed.pipeline += 1;
    },
  };

  return {
    concurrency: pressure,
    turns,
    serverFactory(handle, options) {
      const { http } = options as { http: object };
      const bounded = limitPipelines(pipelines, pass(handle as RequestListener)) as RequestListener;
      const server = createServer(http, enableLingeringClose(bounded));
      connections.watch(server);
      server.once('close', pressure.close);
      return server;
    },
  };
}
