import type { PropagatedContext } from './propagation.ts';

/** Attributes with the names of OpenTelemetry's semantic conventions. Never a body, a query or the value of a header. */
export type Attributes = Readonly<Record<string, string | number>>;

export interface SpanOptions {
  /** Has few different values. Details of one piece of work are attributes. */
  readonly name: string;
  /** `server` responds to a request, `client` waits for another process; absent for internal work. */
  readonly kind?: 'server' | 'client';
  readonly attributes?: Attributes;
  /** Spans that wait for this one, in addition to its parent. */
  readonly links?: readonly Span[];
  /** The `traceparent` of a span of another process that it is linked to. */
  readonly linkTo?: string;
  /** Whether it begins a new trace. */
  readonly isRoot?: boolean;
}

/** A piece of work that is traced. No spans exist if tracing is off. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** The `traceparent` header of a call within the span (W3C Trace Context, section 3.2). */
  readonly traceparent: string;
  /** Opens a child span of the same service. */
  start(options: SpanOptions): Span;
  /** Adds a link to a span that this one waits for. */
  link(other: Span): void;
  set(attributes: Attributes): void;
  /** Ends the span. A second call does nothing. `error` is the reason for a failure. */
  end(error?: unknown): void;
}

/** The trace of an incoming request. */
interface StartedSpan {
  /** The `traceparent` header of the calls that the request causes. */
  readonly traceparent: string;
  /** Undefined if this trace is not recorded. */
  readonly span: Span | undefined;
}

/** The trace headers of a request. */
export interface TraceCaller extends Pick<PropagatedContext, 'traceparent' | 'tracestate'> {
  readonly isTrusted: boolean;
}

export interface Tracer {
  /**
   * Opens the span of a request for `service`: a child of the caller's span, or a new trace if the caller sent none. An
   * untrusted caller cannot force recording: the configured ratio decides.
   */
  start(service: string, caller: TraceCaller, options: SpanOptions): StartedSpan;
}

/** Returns the fields that link a log entry to its span. */
export function idsOf({ traceId, spanId }: Span): { readonly trace_id: string; readonly span_id: string } {
  return { trace_id: traceId, span_id: spanId };
}

/** Returns the name and attributes of the span of a call to another service. */
export function describeCall(method: string, path: string, origin: string): SpanOptions {
  const { protocol, hostname, port } = new URL(origin);
  return {
    name: `${method} ${path}`,
    kind: 'client',
    attributes: {
      'http.request.method': method,
      'url.template': path,
      'server.address': hostname,
      'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    },
  };
}

/**
 * Opens the span of work that several spans wait for, as a child of the first, or as a new trace with `isRoot`. Adds links
 * in both directions. Returns undefined if `spans` is empty.
 */
export function startBatchSpan(
  spans: readonly Span[],
  options: Pick<SpanOptions, 'name' | 'isRoot'>,
): Span | undefined {
  const shared = spans[0]?.start({ ...options, links: spans });
  if (shared !== undefined) for (const span of spans) span.link(shared);
  return shared;
}

/** Ends the span when `work` settles. Returns the result of `work`. */
export async function runInSpan<Result>(span: Span, work: Promise<Result>): Promise<Result> {
  try {
    const result = await work;
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
