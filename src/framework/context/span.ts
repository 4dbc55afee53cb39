import type { PropagatedContext } from './propagation.ts';

/** Named as OpenTelemetry's semantic conventions have it. Never a body, a query, the value of a header. */
export type Attributes = Readonly<Record<string, string | number>>;

export interface SpanOptions {
  /** Of few kinds: what differs from one to the next of the same work stands in the attributes. */
  readonly name: string;
  /** `server` responds to a request, `client` waits for another process; absent for internal work. */
  readonly kind?: 'server' | 'client';
  readonly attributes?: Attributes;
  /** The spans that it belongs to beside its parent. */
  readonly links?: readonly Span[];
  /** Whether it begins a trace of its own. */
  readonly isRoot?: boolean;
}

/** A piece of work that is traced. Without tracing there are no spans. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** The header of a call within the span: W3C Trace Context, section 3.2. */
  readonly traceparent: string;
  /** Opens a span of the same service below this one. */
  start(options: SpanOptions): Span;
  /** Points from this one to another, that it waits for. */
  link(other: Span): void;
  set(attributes: Attributes): void;
  /** Ends the span. A second call does nothing. `error` is the reason of a failure. */
  end(error?: unknown): void;
}

/** The trace of an incoming request. */
export interface StartedSpan {
  /** For the calls that the request causes. */
  readonly traceparent: string;
  /** Absent where this trace is not recorded. */
  readonly span?: Span;
}

/** The trace headers of a request. */
export interface TraceCaller extends Pick<PropagatedContext, 'traceparent' | 'tracestate'> {
  readonly isTrusted: boolean;
}

export interface Tracer {
  /**
   * Opens the span of a request for `service`, below that of its caller, or a trace where that sent none. What a caller
   * that is not trusted wants recorded is recorded as the ratio has it.
   */
  start(service: string, caller: TraceCaller, options: SpanOptions): StartedSpan;
}

/** Returns the fields that link a log entry to its span. */
export function idsOf({ traceId, spanId }: Span): { readonly trace_id: string; readonly span_id: string } {
  return { trace_id: traceId, span_id: spanId };
}

/** A call to another service. */
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
 * Opens the span of what several wait for, with links to theirs and from theirs to it: below the first, or, where they
 * are of several traces, in one of its own.
 */
export function startBatchSpan(
  spans: readonly Span[],
  options: Pick<SpanOptions, 'name' | 'isRoot'>,
): Span | undefined {
  const shared = spans[0]?.start({ ...options, links: spans });
  if (shared !== undefined) for (const span of spans) span.link(shared);
  return shared;
}

/** Ends the span when `work` has ended. */
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
