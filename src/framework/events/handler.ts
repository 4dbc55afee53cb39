import { hash, randomUUID } from 'node:crypto';
import { PeerOutcomeUnknown, PeerUnavailable } from '../calls/errors.ts';
import type { ConsumeOptions, EventEffect, EventHandler } from '../calls/peers.ts';
import { type Context, runInContext } from '../context/context.ts';
import { extract } from '../context/propagation.ts';
import type { Tracer } from '../context/span.ts';
import { Problem } from '../errors/problem.ts';
import type { Logger } from '../logging/logger.ts';
import type { CloudEvent } from './event-schemas.ts';

export interface HandlerOptions {
  /** The service that consumes. */
  readonly service: string;
  readonly producer: string;
  readonly handlers: Readonly<Record<string, EventHandler<CloudEvent>>>;
  /** Reads the state of the producer if events were deleted before they were handled. */
  readonly snapshot: ConsumeOptions['snapshot'];
  readonly log: Logger;
  readonly tracer: Tracer | undefined;
  /** @throws if an event does not match the contract of the producer. */
  assertMatching(event: CloudEvent): void;
}

/** The timeout of a handler, in ms. */
const handlerMs = 30_000;

/**
 * Whether an error is temporary and not caused by the event: a peer or the database does not respond. The event is then
 * retried without a limit.
 */
export function isTemporary(error: unknown): boolean {
  const isOfPeer = error instanceof PeerUnavailable || error instanceof PeerOutcomeUnknown;
  if (isOfPeer && error.peerStatus !== undefined && error.peerStatus < 500) return false;
  return error instanceof Problem && [503, 504, 507].includes(error.status);
}

export type HandlerRunner = ReturnType<typeof createHandlerRunner>;

/** Creates the runner of the handlers of a consumer. Each run has a context like a request: an id, a deadline, a log and a span. */
export function createHandlerRunner(options: HandlerOptions) {
  const { service, producer, handlers, snapshot, log: serviceLog, tracer, assertMatching } = options;

  async function run(
    fields: Readonly<Record<string, string>>,
    origin: { readonly name: string; readonly key: string; readonly traceparent?: string | undefined },
    fn: () => ReturnType<EventHandler<CloudEvent>>,
  ): Promise<EventEffect> {
    const requestId = randomUUID();
    const { name, traceparent, key } = origin;
    const started = tracer?.start(
      service,
      { traceparent: undefined, tracestate: undefined, isTrusted: true },
      {
        name,
        isRoot: true,
        ...(traceparent !== undefined && { linkTo: traceparent }),
      },
    );
    const span = started?.span;
    const context: Context = {
      service,
      serviceLog,
      log: serviceLog.child({ reqId: requestId, ...fields }),
      propagated: {
        ...extract({}, requestId, false),
        traceparent: started?.traceparent,
        deadline: performance.now() + handlerMs,
      },
      span,
      keyed: { joinWrite: () => undefined, nextKey: createKeys(`${producer} ${key}`) },
    };
    try {
      const write = await within(
        handlerMs,
        runInContext(context, async () => fn()),
      );
      return async () => {
        try {
          if (write !== undefined) await runInContext(context, write);
        } catch (error) {
          span?.end(error);
          throw error;
        }
        span?.end();
      };
    } catch (error) {
      span?.end(error);
      throw error;
    }
  }

  return {
    knows: (type: string) => Object.hasOwn(handlers, type),
    /** Runs the snapshot handler. Undefined if the service has none. */
    snapshot:
      snapshot &&
      (() => run({ job: 'snapshot' }, { name: `snapshot ${producer}`, key: randomUUID() }, snapshot)),
    /** Runs the handler of an event. Resolves with the function that writes its effect. */
    async prepare(event: CloudEvent): Promise<EventEffect> {
      assertMatching(event);
      const { type, id, traceparent } = event;
      const origin = { name: `handle ${type}`, key: id, traceparent };
      const handler = handlers[type] as EventHandler<CloudEvent>;
      return run({ event: id }, origin, () => handler(event));
    },
  };
}

/** Creates the idempotency keys of a handler's calls. Each run gets the same keys, so that a call has one effect. */
function createKeys(event: string): (target: string) => string {
  let calls = 0;
  return (target) => hash('sha256', `${calls++} ${target} ${event}`, 'base64url');
}

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the handler takes longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
