import type { OpenedService } from '../service/open-service.ts';
import type { Runtime } from './runtime.ts';

/** Adds the databases, the peers and the consumers of the services to the metrics of the app. */
export function addServiceMetrics({ metrics }: Runtime, opened: readonly OpenedService[]): void {
  if (metrics === undefined) return;
  for (const { service, database, peers, consumers } of opened) {
    if (database !== undefined) metrics.databases.set(service.name, database);
    for (const peer of peers.values())
      metrics.calls.push({ ...peer, service: service.name, peer: peer.name });
    for (const { producer, status } of consumers)
      metrics.consumers.push({ service: service.name, peer: producer, status });
  }
}
