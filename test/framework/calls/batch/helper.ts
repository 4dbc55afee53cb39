import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { lookupByIds } from '../../../../src/framework/calls/batch/lookup.ts';
import { openPeer } from '../../../../src/framework/calls/client.ts';
import type { CallInit } from '../../../../src/framework/calls/peers.ts';
import { type Context, currentContext, runInContext } from '../../../../src/framework/context/context.ts';
import type { PropagatedContext } from '../../../../src/framework/context/propagation.ts';
import { Problem } from '../../../../src/framework/errors/problem.ts';
import type { OpenApiDocument } from '../../../../src/framework/openapi/response-contract.ts';
import { captureLog } from '../../../support/app.ts';
import { startListening } from '../../../support/listening.ts';

export interface Toy {
  readonly id: number;
  /** The number of writes. */
  readonly version: number;
}

/** Whether a lookup needs several calls. Long and short lookups wait in separate queues. */
export type Length = 'short' | 'long';
/** The context of a lookup, with its length. The framework copies a context with unknown fields. */
type ToyContext = Context & { readonly length: Length };

/** The outcome of a lookup: the versions that it found, by id, or the status of its error, or another error. */
export type Outcome = ReadonlyMap<number, number> | number | Error;

export interface LookUpOptions {
  /** The hop count of the request. */
  readonly hops?: number;
  /** ms until the deadline of the request. */
  readonly deadline?: number;
  /** The state of the request. */
  readonly state?: { readonly isOver: boolean };
  /** Runs in the context of the request after the lookup. */
  onEnd?(): void;
}

/** A call to the toy service that has been sent. The service waits until the test calls `respond`. */
export interface Call {
  readonly ids: number[];
  /** The length of its lookups. Undefined without a request. */
  readonly length: Length | undefined;
  /** Undefined without a request. */
  readonly propagated: PropagatedContext | undefined;
  /** The time when its caller times out. */
  readonly deadline: number;
  /** Resolves with the headers when the service receives the call. */
  readonly arrival: Promise<IncomingHttpHeaders>;
  readonly isOver: boolean;
  /** Resolves when the call is over, after a success or an error. */
  readonly end: Promise<void>;
  /** Responds with the toys at the time when the call was sent. Resolves when further calls may have been sent. */
  respond(by?: Responder): Promise<void>;
}

/** Sends a response of the toy service with these toys. */
type Responder = (response: ServerResponse, toys: Toy[]) => unknown;

function respondJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const json = { 'content-type': 'application/json' };
export const respondWell: Responder = (response, toys) => respondJson(response, toys);
/** Responses that make a call fail, and the status of the error. Default: 503. */
export const faults: readonly [fault: string, respond: Responder, status?: number][] = [
  ['responds with 500', (response) => respondJson(response, { secret: 1 }, 500)],
  ['responds with 503', (response) => respondJson(response, { secret: 1 }, 503)],
  ['responds with 404', (response) => respondJson(response, [], 404)],
  ['breaks the connection', (response) => response.destroy()],
  [
    'cuts its response',
    (response) => response.writeHead(200, json).write('[{"id":', () => response.destroy()),
  ],
  ['responds with invalid JSON', (response) => response.writeHead(200, json).end('<h1>')],
  ['responds with an object', (response, toys) => respondJson(response, { toys })],
  ['leaves out a field', (response) => respondJson(response, [{ id: 1 }])],
  ['adds an item that was not requested', (response, toys) => respondJson(response, [...toys, toy(77)])],
  ['repeats an item', (response, toys) => respondJson(response, [...toys, toys[0] ?? toy(77)])],
  ['responds with 508', (response) => respondJson(response, {}, 508), 508],
];
const toy = (id: number): Toy => ({ id, version: 0 });

/** Waits for three event-loop turns: the response, and the two turns after it in which its call counts as in flight. */
export async function passTurns(): Promise<void> {
  for (let left = 3; left > 0; left -= 1) await turn();
}

const path = '/toy/toys/';

function describeToys(maxItems: number): OpenApiDocument {
  const type = 'integer';
  const Toy = {
    type: 'object',
    required: ['id', 'version'],
    properties: { id: { type }, version: { type } },
  };
  const content = { 'application/json': { schema: { type: 'array', items: Toy } } };
  const ids = { name: 'ids', in: 'query', schema: { type: 'array', items: { type }, maxItems } };
  const call = { name: 'call', in: 'query' };
  return {
    openapi: '3.1.0',
    paths: { [path]: { get: { parameters: [ids, call], responses: { 200: { content } } } } },
  };
}

export interface ToysOptions {
  /** The maximum number of ids in a call. */
  readonly maxItems: number;
  /** ms for a call. */
  readonly deadline: number;
}

export type Toys = Awaited<ReturnType<typeof openToys>>;

/** Opens a toy service over loopback HTTP that the test controls, and a client for it. */
export async function openToys(t: Pick<TestContext, 'onTestFinished'>, { maxItems, deadline }: ToysOptions) {
  const versions = new Map<number, number>();
  const calls: Call[] = [];
  const arrivals: ((arrival: { headers: IncomingHttpHeaders; response: ServerResponse }) => void)[] = [];
  const { logs: entries, logging } = await captureLog('info');
  const log = logging.logger('user');

  // Longer than any timer of a test, so that the clock of the test ignores timers of connections.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url as string, 'http://toy');
    if (pathname === '/toy/health') return void response.end();
    const call = searchParams.get('call');
    arrivals[Number(call)]?.({ headers: request.headers, response });
  });
  const { url: origin } = await startListening(t, server);
  const contract = describeToys(maxItems);
  const { createOperation, isReachable, close } = openPeer('toy', {
    origin: () => origin,
    contract,
    deadline,
  });
  t.onTestFinished(close);
  // The first call makes undici start a timer that all connections share. It must not be a timer of the test.
  await isReachable(5_000);
  const operation = createOperation('get', path);

  /** Calls the operation, and adds the call to `calls`. */
  function send({ query }: CallInit = {}): Promise<Toy[]> {
    const { ids } = query as { readonly ids: number[] };
    const number = calls.length;
    const toys = ids.flatMap((id) => {
      const version = versions.get(id);
      return version === undefined ? [] : { id, version };
    });
    const arrived = new Promise<{ headers: IncomingHttpHeaders; response: ServerResponse }>((resolve) => {
      arrivals[number] = resolve;
    });
    let isOver = false;
    const setOver = () => {
      isOver = true;
    };
    const context = currentContext() as ToyContext | undefined;
    const propagated = context?.propagated;
    const outcome = operation({ query: { ids, call: number } }) as Promise<Toy[]>;
    const end = outcome.then(setOver, setOver);
    calls.push({
      ids,
      length: context?.length,
      propagated,
      deadline: Math.min(propagated?.deadline ?? Number.POSITIVE_INFINITY, performance.now() + deadline),
      arrival: arrived.then(({ headers }) => headers),
      get isOver() {
        return isOver;
      },
      end,
      async respond(by = respondWell) {
        by((await arrived).response, toys);
        await end;
        await passTurns();
      },
    });
    return outcome;
  }
  const list = Object.assign(send, operation as Pick<typeof operation, keyof typeof operation>);

  /** Creates a lookup of toys that shares no calls with other lookups. */
  function createLookup() {
    const find = lookupByIds(list, { parameter: 'ids', key: 'id', as: 'service' });

    /** Looks up toys in the context of the request with this id, or without a request. */
    return function lookUp(
      request: string | undefined,
      ids: readonly number[],
      options: LookUpOptions = {},
    ): Promise<Outcome> {
      const { hops = 0, deadline = Number.POSITIVE_INFINITY, state } = options;
      const propagated = { requestId: request ?? '', hops, deadline: performance.now() + deadline };
      const context: ToyContext = {
        length: ids.length > maxItems ? 'long' : 'short',
        service: 'user',
        serviceLog: log,
        log: log.child({ reqId: request }),
        propagated,
        ...(state && { request: state }),
      };
      return runInContext(request === undefined ? undefined : context, async () => {
        try {
          const found = await find(ids);
          return new Map(
            ids.flatMap((id) => (found.has(id) ? [[id, found.get(id)?.version as number]] : [])),
          );
        } catch (error) {
          return error instanceof Problem ? error.status : (error as Error);
        } finally {
          options.onEnd?.();
        }
      });
    };
  }

  return {
    /** The versions of the existing toys, by id. */
    versions,
    /** The calls so far, in the order in which they were sent. */
    calls,
    /** The log entries so far. */
    entries,
    list,
    createLookup,
    /** Waits until calls past their deadline have ended, and their effects have happened. */
    async settle(now: number): Promise<void> {
      await passTurns();
      await Promise.all(calls.filter((call) => call.deadline <= now).map(({ end }) => end));
      await passTurns();
    },
    /** Closes the connections of the client. */
    close,
  };
}
