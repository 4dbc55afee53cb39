import type { Registry } from '@prometheus-io/client';
import type { FastifyInstance } from 'fastify';
import { createFamilies, type Family } from './families.ts';
import { Histogram, secondsBuckets } from './histogram.ts';
import { createRequestMetrics } from './request-metrics.ts';
import type { CallsSource, DatabaseSource, MetricSources } from './sources.ts';

export interface MetricsOptions {
  /** The service of what is the app's own. */
  readonly label: string;
  /** How long the text of `/metrics` is reused, in ms. */
  readonly maxAgeMs: number;
  /** Which of several instances this is. */
  readonly number?: string | undefined;
  /** The metrics of all instances, this one's among them; absent where there is one. */
  gather?(): Promise<string>;
}

/** The metrics of an app: counted in plain numbers, and named when they are scraped. */
export interface Metrics extends MetricSources {
  readonly databases: Map<string, DatabaseSource>;
  readonly calls: CallsSource[];
  /** Serves `/metrics` in a scope. */
  addTo(scope: FastifyInstance): void;
  /** Renders the metrics of this process in the text format of Prometheus. */
  render(): Promise<string>;
}

export function createMetrics({ label, maxAgeMs, number, gather }: MetricsOptions): Metrics {
  const traffic = createRequestMetrics(label);
  const databases = new Map<string, DatabaseSource>();
  const calls: CallsSource[] = [];
  const { lag, close } = watchLag();
  let registry: Promise<Registry> | undefined;

  // A scrape costs ms, and each of several instances renders for all: clients that ask all the time share one.
  const render = atMostEvery(maxAgeMs, async () => {
    registry ??= open();
    return (await registry).metrics();
  });
  const serve = atMostEvery(maxAgeMs, async () => Buffer.from(await (gather ?? render)()));

  /** Each series says its service: what is the process's, that of the app. */
  async function open(): Promise<Registry> {
    const { Registry } = await import('@prometheus-io/client');
    const own = new Registry();
    const families = createFamilies({ label, traffic, databases, calls, lag, server: () => server });
    for (const family of families) own.registerMetric(toMetric(family));
    const all = Registry.merge([own, await openProcessMetrics()]);
    all.setDefaultLabels({ service: label, ...(number !== undefined && { worker: number }) });
    return all;
  }

  let server: FastifyInstance;
  return {
    traffic,
    databases,
    calls,
    lag,
    render,
    addTo(scope) {
      server = scope;
      scope.addHook('onClose', async () => close());
      // Exempt from load shedding and rates, because operators need it most while the server is busy. It costs no more
      // than a health check: the text is made once a second at most.
      scope.get('/metrics', { config: { exempt: true }, schema: { hide: true } }, async (_request, reply) => {
        reply.type('text/plain; version=0.0.4; charset=utf-8');
        return serve();
      });
    },
  };
}

/** Calls `make` once in `ms` at most: until then, and while it is pending, callers share its result. */
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

/** As the library takes one whose values it does not keep: as the aggregate of several processes. */
function toMetric({ name, help, type, read }: Family): never {
  return { name, help, type, get: async () => ({ name, help, type, values: [...read()] }) } as never;
}

let processMetrics: Promise<Registry> | undefined;

/** The process's own: memory, processor, garbage. Once for each process; only who asks pays for the library. */
function openProcessMetrics(): Promise<Registry> {
  processMetrics ??= (async () => {
    const { collectDefaultMetrics, Registry } = await import('@prometheus-io/client');
    const registry = new Registry();
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1_000 });
    // Its lag begins anew with each scrape, so that two who ask would take from each other; and the names of these
    // break the rules of Prometheus.
    for (const { name } of registry.getMetricsAsArray())
      if (/^nodejs_eventloop_|^nodejs_active_.*_total$/.test(name)) registry.removeSingleMetric(name);
    return registry;
  })();
  return processMetrics;
}

/** How often the event loop is looked at, in ms. */
const tick = 100;

/** How much later than it should the event loop comes to what is due, in seconds. */
function watchLag() {
  const lag = new Histogram(secondsBuckets);
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lag.add(Math.max(0, now - last - tick) / 1000);
    last = now;
  }, tick);
  timer.unref();
  return { lag, close: () => clearInterval(timer) };
}
