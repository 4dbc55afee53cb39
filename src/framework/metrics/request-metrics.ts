import type { FastifyReply, FastifyRequest } from 'fastify';
import { Histogram, secondsBuckets } from './histogram.ts';

/** Requests of one kind that have ended. */
export interface RequestSeries {
  readonly labels: Readonly<Record<'service' | 'method' | 'route' | 'status', string>>;
  readonly seconds: Histogram;
}

/** Why a request was rejected before it had a route: too many connections, requests, or bytes that clients have not read. */
export type RejectionReason = 'connections' | 'requests' | 'unread';
/**
 * Why the server closed a connection: it was idle and another one needed its place; its client did not read; too many
 * pipelined requests waited; its input was not a valid request.
 */
export type CloseReason = 'idle' | 'unread' | 'pipeline' | 'malformed';

/** Counts requests and connections in plain numbers. */
export interface RequestMetrics {
  /** A request has ended; `route` is the `config` of its route, the same for each of its requests. */
  ended(request: FastifyRequest, reply: FastifyReply, route: object): void;
  readonly series: readonly RequestSeries[];
  readonly shed: Record<RejectionReason, number>;
  readonly closed: Record<CloseReason, number>;
  /** Bytes of responses that clients have not read, as of the last check. */
  unreadBytes: number;
}

/** Others that HTTP has are counted as one, so that no client makes a series. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The status of a request whose client disconnected before it had the response. */
const aborted = 0;

/** @param label the service of what no service got. */
export function createRequestMetrics(label: string): RequestMetrics {
  const series: RequestSeries[] = [];
  const byKey = new Map<string, Histogram>();
  const byRoute = new Map<object, Map<string, Map<number, Histogram>>>();

  /** Finds it the slow way, once for each route, method and status. */
  function open(request: FastifyRequest, route: object, status: number): Histogram {
    const { method, server, routeOptions } = request;
    const labels = {
      service: server.serviceName ?? label,
      method: methods.has(method) ? method : 'other',
      route: routeOptions?.url ?? 'unknown',
      status: status === aborted ? 'aborted' : String(status),
    };
    const key = Object.values(labels).join(' ');
    const seconds = byKey.get(key) ?? new Histogram(secondsBuckets);
    if (!byKey.has(key)) series.push({ labels, seconds });
    byKey.set(key, seconds);
    const byMethod = byRoute.get(route) ?? new Map<string, Map<number, Histogram>>();
    const byStatus = byMethod.get(method) ?? new Map<number, Histogram>();
    byRoute.set(route, byMethod.set(method, byStatus.set(status, seconds)));
    return seconds;
  }

  return {
    series,
    shed: { connections: 0, requests: 0, unread: 0 },
    closed: { idle: 0, unread: 0, pipeline: 0, malformed: 0 },
    unreadBytes: 0,
    ended(request, reply, route) {
      const status = reply.raw.writableFinished ? reply.statusCode : aborted;
      const seconds = byRoute.get(route)?.get(request.method)?.get(status) ?? open(request, route, status);
      seconds.add(reply.elapsedTime / 1000);
    },
  };
}
