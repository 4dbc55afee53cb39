import type { FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from '../context/url.ts';
import { createRequestLogger, writeRequest } from '../logging/access-log.ts';
import type { Logger } from '../logging/logger.ts';
import type { RejectionReason, RequestMetrics, RequestRoute } from '../metrics/request-metrics.ts';

// This file writes the log entry and the metrics of every request, for every kind of response.

/** Records the end of a request that Fastify handled. */
export function recordRequestEnd(request: FastifyRequest, reply: FastifyReply, route: RequestRoute): void {
  const { log, method, url, server } = request;
  writeRequest(log as Logger, {
    method,
    path: pathOf(url),
    route: route.url,
    status: reply.statusCode,
    ms: roundMs(reply.elapsedTime),
    aborted: !reply.raw.writableFinished,
  });
  // A poll takes as long as it waits, which says nothing about the speed of the server.
  if (route.config.isLongPoll !== true) server.requestMetrics?.countRequest(request, reply, route);
}

/** A request that load shedding rejected. */
export interface RejectedRequest {
  readonly reqId: string;
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly ms: number;
  readonly reason: RejectionReason;
}

/** Records a request that load shedding rejected before Fastify saw it. */
export function recordRejection(
  log: Logger,
  metrics: RequestMetrics | undefined,
  { reqId, method, url, status, ms, reason }: RejectedRequest,
): void {
  const entry = { method, path: pathOf(url), status, ms: roundMs(ms) };
  writeRequest(createRequestLogger(log, reqId), entry);
  if (metrics !== undefined) metrics.rejected[reason] += 1;
}

/** Records input that never became a request. It has no entry in the access log, because it has no method and no path. */
export function recordMalformed(
  log: Logger,
  metrics: RequestMetrics | undefined,
  fields: { readonly reqId: string; readonly status: number; readonly code: string | undefined },
): void {
  log.info(fields, 'malformed request rejected');
  if (metrics !== undefined) metrics.closed.malformed += 1;
}

function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
