import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PropagatedContext } from '../context/propagation.ts';
import { idsOf, type Span, type Tracer } from '../context/span.ts';
import { pathOf } from '../context/url.ts';
import type { Logger } from '../logging/logger.ts';

/**
 * Opens the span of a request. Later log entries of the request have the ids of the span. The returned `span` is
 * undefined if the trace is not recorded.
 */
export function openRequestSpan(
  tracer: Tracer,
  request: FastifyRequest,
  reply: FastifyReply,
  propagated: PropagatedContext,
  isTrusted: boolean,
): { readonly propagated: PropagatedContext; readonly span: Span | undefined } {
  const { method, url, protocol, routeOptions, server } = request;
  const route = routeOptions.url;
  const { traceparent, span } = tracer.start(
    server.serviceName,
    { ...propagated, isTrusted },
    {
      name: route === undefined ? method : `${method} ${route}`,
      kind: 'server',
      attributes: {
        'http.request.method': method,
        'url.scheme': protocol,
        'url.path': pathOf(url),
        ...(route !== undefined && { 'http.route': route }),
      },
    },
  );
  if (span !== undefined) {
    const log = (request.log as Logger).child(idsOf(span));
    request.log = log;
    reply.log = log;
  }
  return { propagated: { ...propagated, traceparent }, span };
}

/** Ends the span of a request. A status below 500 and a disconnected client are not errors of the service. */
export function endRequestSpan(span: Span, { statusCode, raw }: FastifyReply): void {
  span.set({ 'http.response.status_code': statusCode });
  if (!raw.writableFinished) span.set({ 'error.type': 'aborted' });
  span.end(statusCode >= 500 ? { code: String(statusCode) } : undefined);
}
