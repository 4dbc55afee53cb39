import { randomBytes, randomUUID } from 'node:crypto';

/** The context that a request gets from its caller and propagates to each of its calls. */
export interface PropagatedContext {
  /** The id of the request in every service and process: 1 to 64 of `A-Za-z0-9_-`. */
  readonly requestId: string;
  /** The number of calls between services that led to this request; 0 for a request of a client. */
  readonly hops: number;
  /** When the caller times out, in ms on the clock of `performance.now()`; Infinity if it sent no deadline. */
  readonly deadline: number;
  /** The caller's span (W3C Trace Context, section 3.2); undefined if the caller sent none, or a malformed one. */
  readonly traceparent?: string | undefined;
  /** Vendor data of the trace (W3C Trace Context, section 3.3). Undefined without a `traceparent`. */
  readonly tracestate?: string | undefined;
  /** The `authorization` header of a user whose token was verified. Calls that a service makes for itself have none. */
  readonly authorization?: string | undefined;
}

/** A response header by which an app that stops asks its callers to use another address. */
export const drainingHeader = 'x-draining';
/** The value of that header if the app has not handled the request, so that any request may be sent elsewhere. */
export const notHandled = 'not-handled';

interface Field<Value> {
  readonly header: string;
  /** Whether the header is ignored unless the caller is trusted. */
  readonly needsTrust?: true;
  /** Reads the header. A malformed one counts as absent. */
  read(sent: string | undefined): Value;
  /** Returns the header of a call. Undefined: the call has none. */
  write(value: Value): string | undefined;
  /** Merges the values of requests that share one call. Absent: only requests with the same value share calls. */
  share?(values: readonly Value[], contexts: readonly PropagatedContext[]): Value;
}

/** The list of all fields. To add a field, add it to `PropagatedContext` and here. */
const fields: { readonly [Key in keyof PropagatedContext]-?: Field<PropagatedContext[Key]> } = {
  requestId: {
    header: 'x-request-id',
    read: (sent) => (sent !== undefined && /^[\w-]{1,64}$/.test(sent) ? sent : randomUUID()),
    write: (id) => id,
    share: ([id = randomUUID(), ...others]) => (others.every((other) => other === id) ? id : randomUUID()),
  },
  hops: {
    header: 'x-hops',
    needsTrust: true,
    read: (sent) => (sent !== undefined && /^\d{1,3}$/.test(sent) ? Number(sent) : 0),
    write: (hops) => String(hops + 1),
  },
  deadline: {
    header: 'x-deadline-ms',
    needsTrust: true,
    read: (sent) =>
      sent !== undefined && /^\d{1,6}$/.test(sent)
        ? performance.now() + Number(sent)
        : Number.POSITIVE_INFINITY,
    write: (deadline) =>
      Number.isFinite(deadline) ? String(Math.max(0, Math.floor(deadline - performance.now()))) : undefined,
    share: (deadlines) => Math.max(...deadlines),
  },
  traceparent: {
    header: 'traceparent',
    read: (sent) => (sent !== undefined && isTraceparent(sent) ? sent : undefined),
    write: (parent) => parent,
    // The span of a shared call writes its own value if it is recorded.
    share: (parents) => (areEqual(parents) ? parents[0] : parents.some(isSampled) ? undefined : unsampled()),
  },
  tracestate: {
    header: 'tracestate',
    read: (sent) => (sent !== undefined && sent.length <= 512 ? sent : undefined),
    write: (state) => state,
    // The data belongs to one traceparent.
    share: ([state], contexts) =>
      areEqual(contexts.map(({ traceparent }) => traceparent)) ? state : undefined,
  },
  authorization: {
    header: 'authorization',
    // Authentication adds it after it has verified the token.
    read: () => undefined,
    write: (header) => header,
    // No `share`, because a call with the token of one user must not serve the request of another user.
  },
};
const keys = Object.keys(fields) as (keyof PropagatedContext)[];
const unshared = keys.filter((key) => fields[key].share === undefined);

/** Matches version, trace id, span id and flags. Later versions may append more (section 3.2.2). */
function isTraceparent(sent: string): boolean {
  const isRead = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/.test(sent);
  return isRead && (sent.length === 55 || (sent.length <= 512 && !sent.startsWith('00')));
}

function areEqual([first, ...others]: readonly unknown[]): boolean {
  return others.every((other) => other === first);
}

/** Whether the caller records the trace, or leaves the decision to this server. */
function isSampled(traceparent: string | undefined): boolean {
  return traceparent === undefined || (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

/** Returns a new `traceparent` whose trace is not recorded. */
export function unsampled(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
}

/** Whether all contexts belong to one trace. */
export function isOneTrace(contexts: readonly PropagatedContext[]): boolean {
  return areEqual(contexts.map(({ traceparent }) => traceparent?.slice(3, 35)));
}

type HeaderFields = Readonly<Record<string, string | string[] | undefined>>;

function readHeader(headers: HeaderFields, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Returns the request id that the caller sent, or a new one. */
export function readRequestId(headers: HeaderFields): string {
  return fields.requestId.read(readHeader(headers, fields.requestId.header));
}

/**
 * Reads the context of a request from its headers. Hops and deadline count only from a trusted caller, because a client
 * could send values that make its requests fail and raise alerts.
 * @param requestId the id that the request has here.
 */
export function extract(headers: HeaderFields, requestId: string, isTrusted: boolean): PropagatedContext {
  const context: Record<string, unknown> = {};
  for (const key of keys) {
    const { header, needsTrust, read } = fields[key];
    if (key === 'requestId') context[key] = requestId;
    else context[key] = read(needsTrust && !isTrusted ? undefined : readHeader(headers, header));
  }
  if (context.traceparent === undefined) context.tracestate = undefined;
  return context as unknown as PropagatedContext;
}

/** Returns the headers of a call with this context. */
export function inject(context: PropagatedContext): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const key of keys) {
    const { header, write } = fields[key] as Field<unknown>;
    const value = write(context[key]);
    if (value !== undefined) headers[header] = value;
  }
  return headers;
}

/** Returns a key that is the same for requests that may share a call. A field without `share` is part of it. */
export function batchKey(context: PropagatedContext): string {
  return JSON.stringify(unshared.map((key) => context[key]));
}

/** Merges the contexts of requests that share a call. All have the same `batchKey`. */
export function mergeForBatch(contexts: readonly PropagatedContext[]): PropagatedContext {
  const shared: Record<string, unknown> = { ...contexts[0] };
  for (const key of keys) {
    const { share } = fields[key] as Field<unknown>;
    if (share !== undefined)
      shared[key] = share(
        contexts.map((context) => context[key]),
        contexts,
      );
  }
  return shared as unknown as PropagatedContext;
}
