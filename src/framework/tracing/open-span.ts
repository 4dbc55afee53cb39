import type * as OpenTelemetry from '@opentelemetry/api';
import type {
  Link,
  Context as OtelContext,
  Span as OtelSpan,
  Tracer as OtelTracer,
} from '@opentelemetry/api';
import { nowMillis } from '../context/clock.ts';
import type { Attributes, Span, SpanOptions } from '../context/span.ts';

export type Api = typeof OpenTelemetry;

/** Opens a span of OpenTelemetry. */
export function openSpan(api: Api, tracer: OtelTracer, parent: OtelContext, options: SpanOptions): OpenSpan {
  const { name, kind, attributes = {}, links = [], linkTo: remote, isRoot = false } = options;
  const otel = tracer.startSpan(
    name,
    {
      kind: kind === undefined ? api.SpanKind.INTERNAL : kinds(api)[kind],
      attributes,
      links: [...links.map((span) => linkTo(span as OpenSpan)), ...linkToRemote(api, remote)],
      root: isRoot,
      // `Date.now()` is too coarse: a statement of 20 µs would seem to end after its request.
      startTime: nowMillis(),
    },
    parent,
  );
  return new OpenSpan(api, tracer, otel);
}

function kinds({ SpanKind }: Api) {
  return { server: SpanKind.SERVER, client: SpanKind.CLIENT };
}

function linkToRemote({ TraceFlags }: Api, traceparent: string | undefined): Link[] {
  const [, traceId, spanId, flags = ''] = traceparent?.split('-') ?? [];
  const isSampled = (Number.parseInt(flags, 16) & TraceFlags.SAMPLED) !== 0;
  if (traceId === undefined || spanId === undefined || !isSampled) return [];
  return [{ context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true } }];
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
    return openSpan(this.#api, this.#tracer, parent, options);
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
      // The message is not recorded, because it may quote input of a client.
      const { code, name } = Object(error) as { code?: unknown; name?: unknown };
      this.otel.setAttribute('error.type', String(code ?? name));
      this.otel.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    }
    this.otel.end(nowMillis());
  }
}
