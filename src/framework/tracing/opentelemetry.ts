import { randomUUID } from 'node:crypto';
import type * as OpenTelemetry from '@opentelemetry/api';
import type {
  Link,
  Context as OtelContext,
  Span as OtelSpan,
  Tracer as OtelTracer,
} from '@opentelemetry/api';
import type { Sampler } from '@opentelemetry/sdk-trace';
import type { Config } from '../config/config.ts';
import { internalLimits } from '../config/limits.ts';
import { spanTime } from '../context/clock.ts';
import type { Attributes, Span, SpanOptions, StartedSpan, TraceCaller, Tracer } from '../context/span.ts';
import type { Logger } from '../logging/logger.ts';
import { queueSpans } from './span-queue.ts';

export interface TracesOptions {
  /** The app whose requests these are. */
  readonly app: string;
  readonly version: string;
  readonly log: Logger;
}

export interface Traces extends Tracer {
  /** Sends the pending spans. Resolves when the collector has them, or after a timeout. */
  close(): Promise<void>;
}

type Api = typeof OpenTelemetry;

/** Records requests by OpenTelemetry, and sends what is recorded to a collector in the background. */
export async function openTraces(
  { url, ratio }: NonNullable<Config['traces']>,
  { app, version, log }: TracesOptions,
): Promise<Traces> {
  // Only where there is a collector anybody pays for these imports.
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
    // It is the queue that holds the bound, and says what is lost.
    maxQueueSize: waiting + batch,
    scheduledDelayMillis: every,
    exportTimeoutMillis: 2 * timeout,
  };
  const processor = queueSpans(
    { most: waiting, url, log, exporter },
    (watched) => new sdk.BatchSpanProcessor({ ...batches, exporter: watched }),
  );

  const byRatio = new sdk.TraceIdRatioBasedSampler(ratio);
  const root: Sampler = {
    // A span with links belongs to the linked spans that are recorded.
    shouldSample: (context, traceId, _name, _kind, _attributes, links) =>
      links.length > 0
        ? { decision: sdk.SamplingDecision.RECORD_AND_SAMPLED }
        : byRatio.shouldSample(context, traceId),
    toString: () => `LinkedOr${byRatio}`,
  };
  const sampler = new sdk.ParentBasedSampler({ root });
  const instance = randomUUID();
  const tracers = new Map<string, OtelTracer>();

  /** A service has the same name in every app, so a trace looks the same in every grouping. */
  function tracerOf(service: string): OtelTracer {
    let tracer = tracers.get(service);
    if (tracer === undefined) {
      const own = resourceFromAttributes({
        'service.name': service,
        'service.namespace': 'modular-monolith',
        'service.version': version,
        'service.instance.id': instance,
        'modular_monolith.app': app,
      });
      const provider = new sdk.TracerProvider({
        resource: defaultResource().merge(own),
        sampler,
        spanProcessors: [processor],
        spanLimits: { attributeCountLimit: 32, attributeValueLengthLimit: 2_048, linkCountLimit: 1_024 },
      });
      tracer = provider.getTracer('modular-monolith', version);
      tracers.set(service, tracer);
    }
    return tracer;
  }

  /** By the id of the trace, so that apps which do not trust each other decide alike. */
  function isRecorded(traceId: string): boolean {
    return byRatio.shouldSample(api.ROOT_CONTEXT, traceId).decision !== sdk.SamplingDecision.NOT_RECORD;
  }

  function contextOf({ traceparent, tracestate, isTrusted }: TraceCaller): OtelContext {
    if (traceparent === undefined) return api.ROOT_CONTEXT;
    const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
    const wants = (Number.parseInt(flags, 16) & api.TraceFlags.SAMPLED) !== 0;
    const isSampled = wants && (isTrusted || isRecorded(traceId));
    return api.trace.setSpanContext(api.ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: isSampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE,
      isRemote: true,
      ...(tracestate !== undefined && { traceState: api.createTraceState(tracestate) }),
    });
  }

  return {
    start(service, caller, options): StartedSpan {
      const tracer = tracerOf(service);
      const span = open(api, tracer, contextOf(caller), options);
      return span.isRecorded ? { traceparent: span.traceparent, span } : { traceparent: span.traceparent };
    },
    // The log already says which spans were not sent.
    close: () => processor.shutdown().catch(() => {}),
  };
}

function open(api: Api, tracer: OtelTracer, parent: OtelContext, options: SpanOptions): OpenSpan {
  const { name, kind, attributes = {}, links = [], isRoot = false } = options;
  const otel = tracer.startSpan(
    name,
    {
      kind: kind === undefined ? api.SpanKind.INTERNAL : kinds(api)[kind],
      attributes,
      links: links.map((span) => linkTo(span as OpenSpan)),
      root: isRoot,
      startTime: spanTime(),
    },
    parent,
  );
  return new OpenSpan(api, tracer, otel);
}

function kinds({ SpanKind }: Api) {
  return { server: SpanKind.SERVER, client: SpanKind.CLIENT };
}

function linkTo(span: OpenSpan): Link {
  return { context: span.otel.spanContext() };
}

class OpenSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly otel: OtelSpan;
  readonly #api: Api;
  readonly #tracer: OtelTracer;

  constructor(api: Api, tracer: OtelTracer, otel: OtelSpan) {
    const { traceId, spanId } = otel.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.otel = otel;
    this.#api = api;
    this.#tracer = tracer;
  }

  get isRecorded(): boolean {
    return this.otel.isRecording();
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.otel.spanContext();
    return `00-${traceId}-${spanId}-0${traceFlags & this.#api.TraceFlags.SAMPLED}`;
  }

  start(options: SpanOptions): Span {
    const parent = this.#api.trace.setSpan(this.#api.ROOT_CONTEXT, this.otel);
    return open(this.#api, this.#tracer, parent, options);
  }

  link(other: Span): void {
    this.otel.addLink(linkTo(other as OpenSpan));
  }

  set(attributes: Attributes): void {
    this.otel.setAttributes(attributes);
  }

  end(error?: unknown): void {
    if (!this.otel.isRecording()) return;
    if (error !== undefined) {
      // Not its message: that may quote what a client sent.
      const { code, name } = Object(error) as { code?: unknown; name?: unknown };
      this.otel.setAttribute('error.type', String(code ?? name));
      this.otel.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    }
    this.otel.end(spanTime());
  }
}
