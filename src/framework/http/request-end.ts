import type { FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from '../context/url.ts';
import { writeRequest } from '../logging/access-log.ts';
import type { Logger } from '../logging/logger.ts';
import type { RequestRoute } from '../metrics/request-metrics.ts';

/** Records the end of a request that Fastify handled, in the log and in the metrics. */
export function recordRequestEnd(request: FastifyRequest, reply: FastifyReply, route: RequestRoute): void {
  const { log, method, url, server } = request;
  writeRequest(log as Logger, {
    method,
    path: pathOf(url),
    route: route.url,
    status: reply.statusCode,
    ms: reply.elapsedTime,
    aborted: !reply.raw.writableFinished,
  });
  // A poll takes as long as it waits, which says nothing about the speed of the server.
  if (route.config.isLongPoll !== true) server.requestMetrics?.countRequest(request, reply, route);
}
