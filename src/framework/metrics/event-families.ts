import type { Family } from './family.ts';
import type { ConsumerSource } from './sources.ts';

/** Creates the metrics of the consumers of events. */
export function createEventFamilies(consumers: readonly ConsumerSource[]): Family[] {
  const ofConsumers = (read: (status: ConsumerSource['status']) => number) =>
    consumers.map(({ service, peer, status }) => ({ labels: { service, peer }, value: read(status) }));

  return [
    {
      name: 'event_feed_lag_events',
      help: 'Events of a peer that the service has not handled.',
      type: 'gauge',
      read: () => ofConsumers(({ lagEvents }) => lagEvents),
    },
    {
      name: 'event_feed_lag_seconds',
      help: 'Age of the oldest event of a peer that the service has not handled, or time since the feed could be read.',
      type: 'gauge',
      read: () => ofConsumers(({ lagSeconds }) => lagSeconds),
    },
    {
      name: 'events_handled_total',
      help: 'Events of a peer by outcome: ok, parked, or skipped because the service has no handler; and failed tries.',
      type: 'counter',
      read: () =>
        consumers.flatMap(({ service, peer, status }) =>
          [...status.outcomes].map(([outcome, value]) => ({ labels: { service, peer, outcome }, value })),
        ),
    },
    {
      name: 'events_parked',
      help: 'Events of a peer whose handlers failed five times, so that later events of their subjects wait.',
      type: 'gauge',
      read: () => ofConsumers(({ parked }) => parked),
    },
  ];
}
