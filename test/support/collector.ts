import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestContext } from 'vitest';
import { startListening } from './listening.ts';

/** A span, as received over OTLP. */
export interface Collected {
  readonly service: string;
  readonly app: string;
  readonly name: string;
  /** The kind in OTLP: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** '' if it has none. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
  /** In ns since 1970. */
  readonly start: bigint;
  readonly end: bigint;
}

export interface Collector {
  readonly url: string;
  /** All received spans, in order. */
  readonly spans: Collected[];
  /** The received requests as text, in which a test can search for secrets. */
  readonly raw: string[];
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
}
interface Attribute {
  readonly key: string;
  readonly value: Value;
}
interface OtlpSpan extends Omit<Collected, 'attributes' | 'links' | 'parentSpanId'> {
  readonly parentSpanId?: string;
  readonly attributes?: readonly Attribute[];
  readonly links?: Collected['links'];
  readonly status?: { readonly code?: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}
interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** Starts a collector for OTLP over HTTP: `ExportTraceServiceRequest` as JSON, on `/v1/traces`. */
export async function startCollector(t: TestContext, port = 0): Promise<Collector> {
  const spans: Collected[] = [];
  const raw: string[] = [];
  const server = createServer((request, response) => void receive(request, response));
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url, headers } = request;
    const isOtlp =
      method === 'POST' && url === '/v1/traces' && headers['content-type'] === 'application/json';
    let text = '';
    for await (const chunk of request) text += chunk;
    response.writeHead(isOtlp ? 200 : 400, { 'content-type': 'application/json' }).end('{}');
    if (!isOtlp) throw new Error(`${method} ${url} is not OTLP`);
    raw.push(text);
    spans.push(...readSpans(JSON.parse(text) as OtlpRequest));
  }
  const { url } = await startListening(t, server, port);
  return { url, spans, raw };
}

function readSpans({ resourceSpans }: OtlpRequest): Collected[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const of = readAttributes(resource.attributes);
    return scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        service: String(of['service.name']),
        app: String(of['modular_monolith.app']),
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        attributes: readAttributes(span.attributes),
        links: span.links ?? [],
        isError: span.status?.code === 2,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
      })),
    );
  });
}

function readAttributes(attributes: readonly Attribute[] = []): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue } }) => [
      key,
      stringValue ?? Number(intValue ?? doubleValue),
    ]),
  );
}

/** Creates the ids of a trace and of a client's span, and the headers that propagate them. */
export function makeTrace(flags = '01', traceId = randomBytes(16).toString('hex')) {
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-${flags}` } };
}
