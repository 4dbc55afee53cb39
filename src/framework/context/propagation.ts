import { randomBytes, randomUUID } from 'node:crypto';

/** What a request hands on to every call that it causes, and what it got so from its own caller. */
export interface PropagatedContext {
  /** One id for a request across every service and process that it passes: 1 to 64 of `A-Za-z0-9_-`. */
  readonly requestId: string;
  /** How many calls from service to service lie behind this request; 0 for one from outside. */
  readonly hops: number;
  /** When its caller gives up, in ms on the clock of `performance.now()`; Infinity where it never said. */
  readonly deadline: number;
  /** Where it stands in a trace, by W3C Trace Context; absent where its caller said nothing that can be read. */
  readonly traceparent?: string | undefined;
  /** What others who trace want handed on with that. */
  readonly tracestate?: string | undefined;
}

interface Traveller<Value> {
  readonly header: string;
  /** Anything that does not read well counts as not sent. */
  read(sent: string | undefined): Value;
  /** Undefined where there is nothing to say. */
  write(value: Value): string | undefined;
  /** What a call carries that several requests share. Where this is not said, those with the same value may. */
  share?(values: readonly Value[], travels: readonly PropagatedContext[]): Value;
}

/** The one list of what travels with a call: to add something, add a line to `Travel` and one here. */
const travellers: { readonly [Key in keyof PropagatedContext]-?: Traveller<PropagatedContext[Key]> } = {
  requestId: {
    header: 'x-request-id',
    read: (sent) => (sent !== undefined && /^[\w-]{1,64}$/.test(sent) ? sent : randomUUID()),
    write: (id) => id,
    share: ([id = randomUUID(), ...others]) => (others.every((other) => other === id) ? id : randomUUID()),
  },
  hops: {
    header: 'x-hops',
    read: (sent) => (sent !== undefined && /^\d{1,3}$/.test(sent) ? Number(sent) : 0),
    write: (hops) => String(hops + 1),
  },
  deadline: {
    header: 'x-deadline-ms',
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
    // Of a call of several, which is recorded, its own span says it.
    share: (parents) => (isOne(parents) ? parents[0] : parents.some(isSampled) ? undefined : unsampled()),
  },
  tracestate: {
    header: 'tracestate',
    read: (sent) => (sent !== undefined && sent.length <= 512 ? sent : undefined),
    write: (state) => state,
    // It says something of its traceparent alone.
    share: ([state], travels) => (isOne(travels.map(({ traceparent }) => traceparent)) ? state : undefined),
  },
};
const keys = Object.keys(travellers) as (keyof PropagatedContext)[];
const personal = keys.filter((key) => travellers[key].share === undefined);

/** Version, id of the trace, id of the caller's span, flags; versions to come may have more: section 3.2.2. */
function isTraceparent(sent: string): boolean {
  const isRead = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/.test(sent);
  return isRead && (sent.length === 55 || (sent.length <= 512 && !sent.startsWith('00')));
}

function isOne([first, ...others]: readonly unknown[]): boolean {
  return others.every((other) => other === first);
}

/** Whether it may be recorded: its caller does that, or leaves it to us. */
function isSampled(traceparent: string | undefined): boolean {
  return traceparent === undefined || (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

/** The place in a trace of what nobody records. */
function unsampled(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
}

/** Whether these stand in one trace. */
export function isOneTrace(travels: readonly PropagatedContext[]): boolean {
  return isOne(travels.map(({ traceparent }) => traceparent?.slice(3, 35)));
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function sent(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The id that a request came with, or a new one. */
export function readRequestId(headers: Headers): string {
  return travellers.requestId.read(sent(headers, travellers.requestId.header));
}

/**
 * The context that a request propagates, read from its headers; `requestId` is the id that it has here. Hops and deadline
 * count only from a caller that is trusted: a client could send those that make its requests fail, and the alerts fire.
 */
export function extract(headers: Headers, requestId: string, isTrusted: boolean): PropagatedContext {
  const traceparent = travellers.traceparent.read(sent(headers, travellers.traceparent.header));
  return {
    requestId,
    hops: travellers.hops.read(isTrusted ? sent(headers, travellers.hops.header) : undefined),
    deadline: travellers.deadline.read(isTrusted ? sent(headers, travellers.deadline.header) : undefined),
    traceparent,
    tracestate:
      traceparent === undefined
        ? undefined
        : travellers.tracestate.read(sent(headers, travellers.tracestate.header)),
  };
}

/** The headers of a call that `travel` causes. */
export function inject(travel: PropagatedContext): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const key of keys) {
    const { header, write } = travellers[key] as Traveller<unknown>;
    const value = write(travel[key]);
    if (value !== undefined) headers[header] = value;
  }
  return headers;
}

/** Requests may share a call where this is the same: what belongs to one of them is not lent to another. */
export function batchKey(travel: PropagatedContext): string {
  return JSON.stringify(personal.map((key) => travel[key]));
}

/** What travels with a call that several requests share; all have the same `sharingKey`. */
export function mergeForBatch(travels: readonly PropagatedContext[]): PropagatedContext {
  const shared: Record<string, unknown> = { ...travels[0] };
  for (const key of keys) {
    const { share } = travellers[key] as Traveller<unknown>;
    if (share !== undefined)
      shared[key] = share(
        travels.map((travel) => travel[key]),
        travels,
      );
  }
  return shared as unknown as PropagatedContext;
}
