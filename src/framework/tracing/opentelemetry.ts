import { createHmac, randomUUID } from 'node:crypto';
import type { Context as OtelContext, Tracer as OtelTracer } from '@opentelemetry/api';
import type { Sampler } from '@opentelemetry/sdk-trace';
import type { Config } from '../config/config.ts';
import { internalLimits } from '../config/limits.ts';
import type { TraceCaller, Tracer } from '../context/span.ts';
import type { Logger } from '../logging/logger.ts';
import { openSpan } from './open-span.ts';
import { queueSpans } from './span-queue.ts';

interface TracesOptions {
  /** The name of the app. */
  readonly app: string;
  readonly version: string;
  readonly log: Logger;
  /** A secret that all apps have in common, so that they decide alike which traces are recorded. */
  readonly secret: string;
}

export interface Traces extends Tracer {
  /** Sends the pending spans. Resolves when the collector has them, or after a timeout. */
  close(): Promise<void>;
}

/** Opens tracing by OpenTelemetry. Sends recorded spans to a collector in the background. */
export async function openTraces(
  { url, ratio }: NonNullable<Config['traces']>,
  { app, version, log, secret }: TracesOptions,
): Promise<Traces> {
  // Imported here, so that an app without a collector does not pay for these modules.
  const [api, sdk, { defaultResource, resourceFromAttributes }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  const { batch, waiting, everyMs: every, timeoutMs: timeout } = internalLimits.spans;
  const exporter = new OTLPTraceExporter({
    url: new URL('v1/traces', url.replace(/\/?$/, '/')).href,
    timeoutMillis: timeout,
  });
  const batches = {
    maxExportBatchSize: batch,
    // Larger than the bound of the span queue, so that only the span queue drops spans, and logs that.
    maxQueueSize: waiting + batch,
    scheduledDelayMillis: every,
    exportTimeoutMillis: 2 * timeout,
  };
  const processor = queueSpans(
    { maxWaiting: waiting, url, log, exporter },
    (observed) => new sdk.BatchSpanProcessor({ ...batches, exporter: observed }),
  );

  const byRatio = new sdk.TraceIdRatioBasedSampler(ratio);
  /** Decides by a keyed hash of the trace id, because a client could choose an id that is always recorded. */
  const sample = (traceId: string) =>
    byRatio.shouldSample(
      api.ROOT_CONTEXT,
      createHmac('sha256', secret).update(traceId).digest('hex').slice(0, 32),
    );
  const root: Sampler = {
    // A span with links is recorded, because it has links only to recorded spans.
    shouldSample: (_context, traceId, _name, _kind, _attributes, links) =>
      links.length > 0 ? { decision: sdk.SamplingDecision.RECORD_AND_SAMPLED } : sample(traceId),
    toString: () => `LinkedOr${byRatio}`,
  };
  const sampler = new sdk.ParentBasedSampler({ root });
  const instance = randomUUID();
  const tracers = new Map<string, OtelTracer>();

  /** Returns the tracer of a service. Its name does not depend on the app, so traces look the same in every grouping. */
  function tracerOf(service: string): OtelTracer {
    let tracer = tracers.get(service);
    if (tracer === undefined) {
      const attributes = resourceFromAttributes({
        'service.name': service,
        'service.namespace': 'modular-monolith',
        'service.version': version,
        'service.instance.id': instance,
        'modular_monolith.app': app,
      });
      const provider = new sdk.TracerProvider({
        resource: defaultResource().merge(attributes),
        sampler,
        spanProcessors: [processor],
        spanLimits: { attributeCountLimit: 32, attributeValueLengthLimit: 2_048, linkCountLimit: 1_024 },
      });
      tracer = provider.getTracer('modular-monolith', version);
      tracers.set(service, tracer);
    }
    return tracer;
  }

  function contextOf({ traceparent, tracestate, isTrusted }: TraceCaller): OtelContext {
    if (traceparent === undefined) return api.ROOT_CONTEXT;
    const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
    const wants = (Number.parseInt(flags, 16) & api.TraceFlags.SAMPLED) !== 0;
    const isSampled = wants && (isTrusted || sample(traceId).decision !== sdk.SamplingDecision.NOT_RECORD);
    return api.trace.setSpanContext(api.ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: isSampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE,
      isRemote: true,
      ...(tracestate !== undefined && { traceState: api.createTraceState(tracestate) }),
    });
  }

  return {
    start(service, caller, options) {
      const span = openSpan(api, tracerOf(service), contextOf(caller), options);
      return { traceparent: span.traceparent, span: span.isRecorded ? span : undefined };
    },
    // The span queue has already logged spans that were not sent.
    close: () => processor.shutdown().catch(() => {}),
  };
}
