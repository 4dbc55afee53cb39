import type { Registry } from '@prometheus-io/client';
import type { FastifyInstance } from 'fastify';
import { createFamilies } from './families.ts';
import type { Family } from './family.ts';
import { Histogram, secondsBuckets } from './histogram.ts';
import { createRequestMetrics } from './request-metrics.ts';
import type { CallsSource, ConsumerSource, DatabaseSource, MetricSources } from './sources.ts';

export interface MetricsOptions {
  /** The `service` label of the app's own series. */
  readonly label: string;
  /** For how long the response of `/metrics` is reused, in ms. */
  readonly maxAgeMs: number;
  /** The number of this instance. Absent if the app has one instance. */
  readonly number?: string | undefined;
  /** Returns the metrics of all instances, including this one. Absent if the app has one instance. */
  gather?(): Promise<string>;
}

/** The metrics of an app. The code counts in plain numbers; a scrape gives them names and labels. */
export interface Metrics extends MetricSources {
  readonly databases: Map<string, DatabaseSource>;
  readonly calls: CallsSource[];
  readonly consumers: ConsumerSource[];
  /** Serves `/metrics` in a scope. */
  addTo(scope: FastifyInstance): void;
  /** Renders the metrics of this process in the text format of Prometheus. */
  render(): Promise<string>;
}

export function createMetrics({ label, maxAgeMs, number, gather }: MetricsOptions): Metrics {
  const { lag, close } = watchLag();
  const sources = {
    traffic: createRequestMetrics(label),
    databases: new Map<string, DatabaseSource>(),
    calls: [] as CallsSource[],
    consumers: [] as ConsumerSource[],
    lag,
  };
  let registry: Promise<Registry> | undefined;

  // A scrape takes milliseconds, in every instance. Clients that scrape often share a result.
  const render = atMostEvery(maxAgeMs, async () => {
    registry ??= openRegistry();
    return (await registry).metrics();
  });
  const serve = atMostEvery(maxAgeMs, async () => Buffer.from(await (gather ?? render)()));

  /** Creates the registry. Series without a `service`, such as those of the process, get the label of the app. */
  async function openRegistry(): Promise<Registry> {
    const { Registry } = await import('@prometheus-io/client');
    const own = new Registry();
    for (const family of createFamilies({ ...sources, label, server: () => server }))
      own.registerMetric(toMetric(family));
    const all = Registry.merge([own, await openProcessMetrics()]);
    all.setDefaultLabels({ service: label, ...(number !== undefined && { worker: number }) });
    return all;
  }

  let server: FastifyInstance;
  return {
    ...sources,
    render,
    addTo(scope) {
      server = scope;
      scope.addHook('onClose', async () => close());
      // Exempt from load shedding and rate limits, because operators need metrics most while the server is busy. The
      // text is rendered at most once in `maxAgeMs`.
      scope.get('/metrics', { config: { exempt: true }, schema: { hide: true } }, async (_request, reply) => {
        reply.type('text/plain; version=0.0.4; charset=utf-8');
        return serve();
      });
    },
  };
}

/** Calls `make` at most once in `ms`. Callers share its result until then, and while it is pending. */
function atMostEvery<Result>(ms: number, make: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  let isPending = false;
  let madeAt = 0;
  return () => {
    if (result !== undefined && (isPending || performance.now() - madeAt < ms)) return result;
    isPending = true;
    result = make().finally(() => {
      isPending = false;
      madeAt = performance.now();
    });
    return result;
  };
}

/** Converts a family to a metric of the library. The library reads the values at each scrape and keeps none. */
function toMetric({ name, help, type, read }: Family): never {
  return { name, help, type, get: async () => ({ name, help, type, values: [...read()] }) } as never;
}

let processMetrics: Promise<Registry> | undefined;

/** Creates the metrics of the process: memory, CPU, garbage collection. Imports the library at the first scrape. */
function openProcessMetrics(): Promise<Registry> {
  processMetrics ??= (async () => {
    const { collectDefaultMetrics, Registry } = await import('@prometheus-io/client');
    const registry = new Registry();
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1_000 });
    // Each scrape resets the library's event-loop lag, so two scrapers would each miss values. `nodejs_active_*_total`
    // are gauges, and Prometheus reserves `_total` for counters.
    for (const { name } of registry.getMetricsAsArray())
      if (/^nodejs_eventloop_|^nodejs_active_.*_total$/.test(name)) registry.removeSingleMetric(name);
    return registry;
  })();
  return processMetrics;
}

const lagIntervalMs = 100;

/** Measures event-loop lag: by how many seconds a timer is late. */
function watchLag() {
  const lag = new Histogram(secondsBuckets);
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lag.add(Math.max(0, now - last - lagIntervalMs) / 1000);
    last = now;
  }, lagIntervalMs);
  timer.unref();
  return { lag, close: () => clearInterval(timer) };
}
