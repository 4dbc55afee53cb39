import type { FastifyReply, FastifyRequest } from 'fastify';
import { Histogram, secondsBuckets } from './histogram.ts';

/** The completed requests with the same labels. */
interface RequestSeries {
  readonly labels: Readonly<Record<'service' | 'method' | 'route' | 'status', string>>;
  readonly seconds: Histogram;
}

/** The reason of a rejection before routing: too many connections, requests, or bytes that clients have not read. */
export type RejectionReason = 'connections' | 'requests' | 'unread';
/**
 * The reason why the server closed a connection. `idle`: a new connection needed its place. `unread`: the client did
 * not read. `pipeline`: too many pipelined requests waited. `malformed`: the input was not a valid request.
 */
type CloseReason = 'idle' | 'unread' | 'pipeline' | 'malformed';

/** The route of a request: its `routeOptions`, which Fastify builds at each access. */
export interface RequestRoute {
  /** The pattern of its path. Undefined if no route matches. */
  readonly url?: string | undefined;
  /** The same object for each request of the route. */
  readonly config: { readonly isLongPoll?: boolean };
}

/** Counts requests and connections in plain numbers. */
export interface RequestMetrics {
  /** Counts a request that has ended. */
  countRequest(request: FastifyRequest, reply: FastifyReply, route: RequestRoute): void;
  readonly series: readonly RequestSeries[];
  readonly rejected: Record<RejectionReason, number>;
  readonly closed: Record<CloseReason, number>;
  /** Bytes of responses that clients have not read, as of the last check. */
  unreadBytes: number;
}

/** Any other method is counted as `other`, so that no client can create a series. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Stands for the status of a request whose client disconnected before it had the response. */
const aborted = 0;

/** @param label the `service` label of requests that reached no service. */
export function createRequestMetrics(label: string): RequestMetrics {
  const series: RequestSeries[] = [];
  const byKey = new Map<string, Histogram>();
  const byRoute = new Map<object, Map<string, Map<number, Histogram>>>();

  /** Finds or creates a series, and caches it by route, method and status. */
  function findSeries({ method, server }: FastifyRequest, route: RequestRoute, status: number): Histogram {
    const labels = {
      service: server.serviceName ?? label,
      method: methods.has(method) ? method : 'other',
      route: route.url ?? 'unknown',
      status: status === aborted ? 'aborted' : String(status),
    };
    const key = Object.values(labels).join(' ');
    const seconds = byKey.get(key) ?? new Histogram(secondsBuckets);
    if (!byKey.has(key)) series.push({ labels, seconds });
    byKey.set(key, seconds);
    const byMethod = byRoute.get(route.config) ?? new Map<string, Map<number, Histogram>>();
    const byStatus = byMethod.get(method) ?? new Map<number, Histogram>();
    byRoute.set(route.config, byMethod.set(method, byStatus.set(status, seconds)));
    return seconds;
  }

  return {
    series,
    rejected: { connections: 0, requests: 0, unread: 0 },
    closed: { idle: 0, unread: 0, pipeline: 0, malformed: 0 },
    unreadBytes: 0,
    countRequest(request, reply, route) {
      const status = reply.raw.writableFinished ? reply.statusCode : aborted;
      const seconds =
        byRoute.get(route.config)?.get(request.method)?.get(status) ?? findSeries(request, route, status);
      seconds.add(reply.elapsedTime / 1000);
    },
  };
}
