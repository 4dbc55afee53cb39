import type { FastifyInstance } from 'fastify';
import { createDatabaseFamilies } from './database-families.ts';
import { createEventFamilies } from './event-families.ts';
import { type Family, type Sample, toSamples } from './family.ts';
import type { MetricSources } from './sources.ts';

export interface FamilyOptions extends MetricSources {
  /** The `service` label of the app's own series. */
  readonly label: string;
  server(): FastifyInstance;
}

/** Creates every metric of the framework, with names and units by https://prometheus.io/docs/practices/naming. */
export function createFamilies(options: FamilyOptions): Family[] {
  const { label, traffic, databases, calls, consumers, lag, server } = options;
  const operations = () =>
    calls.flatMap(({ service, peer, counts }) =>
      [...counts].map(([operation, count]) => ({ labels: { service, peer, operation }, count })),
    );

  return [
    {
      name: names.request,
      help: 'Requests that have ended, by route and status; "aborted" if the client disconnected before it had the response.',
      type: 'histogram',
      read: () => traffic.series.flatMap(({ labels, seconds }) => toSamples(names.request, labels, seconds)),
    },
    {
      name: 'http_requests_in_flight',
      help: 'Requests that have not ended, without those that wait for an event.',
      type: 'gauge',
      read: () => countInFlight(server()),
    },
    {
      name: 'http_requests_rejected_total',
      help: 'Requests that were rejected with 503 before they had a route, by reason: too many connections, too many requests in progress, or too many bytes that clients have not read.',
      type: 'counter',
      read: () =>
        Object.entries(traffic.rejected).map(([reason, value]) => ({
          labels: { service: label, reason },
          value,
        })),
    },
    {
      name: 'http_connections_closed_total',
      help: 'Connections that the server closed, by reason: idle when a new one needed its place, response not read, too many pipelined requests, or malformed input.',
      type: 'counter',
      read: () =>
        Object.entries(traffic.closed).map(([reason, value]) => ({
          labels: { service: label, reason },
          value,
        })),
    },
    {
      name: 'http_response_unread_bytes',
      help: 'Bytes of responses that clients have not read yet, without those in the buffers of the kernel.',
      type: 'gauge',
      read: () => [{ labels: { service: label }, value: traffic.unreadBytes }],
    },
    {
      name: names.lag,
      help: 'Delay of timers because the event loop was busy, measured ten times a second.',
      type: 'histogram',
      read: () => toSamples(names.lag, { service: label }, lag),
    },
    {
      name: names.call,
      help: 'Calls of a service to a peer that have ended, by operation and outcome.',
      type: 'histogram',
      read: () =>
        operations().flatMap(({ labels, count }) =>
          [...count.seconds].flatMap(([outcome, seconds]) =>
            toSamples(names.call, { ...labels, outcome }, seconds),
          ),
        ),
    },
    {
      name: names.batch,
      help: 'Ids in one call of a batched lookup.',
      type: 'histogram',
      read: () => operations().flatMap(({ labels, count }) => toSamples(names.batch, labels, count.ids)),
    },
    {
      name: 'service_contract_broken',
      help: '1 if the contract of a peer no longer has what the service uses, else 0.',
      type: 'gauge',
      read: () =>
        calls.map(({ service, peer, isBroken }) => ({
          labels: { service, peer },
          value: Number(isBroken()),
        })),
    },
    ...createEventFamilies(consumers),
    ...createDatabaseFamilies(databases),
  ];
}

const names = {
  request: 'http_request_duration_seconds',
  call: 'service_call_duration_seconds',
  batch: 'service_call_batch_size',
  lag: 'nodejs_eventloop_lag_seconds',
} as const;

/** Counts the requests in flight by service. A service without requests has no sample. */
function countInFlight({ inFlight }: FastifyInstance): Sample[] {
  const counts = new Map<string, number>();
  for (const { request, route } of inFlight) {
    if (route.config.isLongPoll === true) continue;
    const { serviceName } = request.server;
    counts.set(serviceName, (counts.get(serviceName) ?? 0) + 1);
  }
  return [...counts].map(([service, value]) => ({ labels: { service }, value }));
}
