import type { Histogram } from './histogram.ts';
import type { RequestMetrics } from './request-metrics.ts';

/** The calls of a service to one peer. */
export interface CallsSource {
  readonly service: string;
  readonly peer: string;
  /** By operation: durations by outcome, and the number of ids of each batch. */
  readonly counts: ReadonlyMap<
    string,
    { readonly seconds: ReadonlyMap<string, Histogram>; readonly ids: Histogram }
  >;
  isBroken(): boolean;
}

/** The consumer of the events of one peer. */
export interface ConsumerSource {
  readonly service: string;
  readonly peer: string;
  readonly status: {
    readonly lagEvents: number;
    readonly lagSeconds: number;
    readonly parked: number;
    readonly outcomes: ReadonlyMap<string, number>;
  };
}

/** The database of a service. */
export interface DatabaseSource {
  readonly counts: { readonly commits: Histogram; readonly failures: Readonly<Record<string, number>> };
  /** Returns the bytes of the file and of the write-ahead log. Undefined for a database in memory. */
  sizes(): { readonly main: number; readonly wal: number } | undefined;
}

/** The counts of an app that its metrics are read from. */
export interface MetricSources {
  readonly traffic: RequestMetrics;
  /** By service. */
  readonly databases: ReadonlyMap<string, DatabaseSource>;
  readonly calls: readonly CallsSource[];
  readonly consumers: readonly ConsumerSource[];
  /** Event-loop lag in seconds. */
  readonly lag: Histogram;
}
