import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { lookupByIds } from '../../../../src/framework/calls/batch/lookup.ts';
import { openPeer } from '../../../../src/framework/calls/client.ts';
import type { Operation } from '../../../../src/framework/calls/operation.ts';
import { type Context, currentContext, runInContext } from '../../../../src/framework/context/context.ts';
import type { PropagatedContext } from '../../../../src/framework/context/propagation.ts';
import { Problem } from '../../../../src/framework/errors/problem.ts';
import type { OpenApiDocument } from '../../../../src/framework/openapi/response-contract.ts';
import { captureLog } from '../../../support/app.ts';

export interface Toy {
  readonly id: number;
  /** How often it has been written. */
  readonly version: number;
}

/** What lists toys, as its callers send it. */
interface ListToys {
  readonly query: { readonly ids: number[] } & Partial<Args>;
}
interface Args {
  readonly color: string;
}

/** Lookups of more ids than a call takes, and the others, are in queues of their own. */
export type Length = 'short' | 'long';
/** The length of the lookups of each context: the framework copies a context whole, with fields that it does not know. */
type ToyContext = Context & { readonly length: Length };

/** What has come of a lookup: the versions that it found, by id, or its error, as the status that it is for. */
export type Outcome = ReadonlyMap<number, number> | number | Error;

export interface AskOptions {
  readonly args?: Args | undefined;
  /** Of the request that asks. */
  readonly hops?: number;
  /** How many ms it waits. */
  readonly deadline?: number;
  /** Of the request: whether it is over. */
  readonly state?: { readonly isOver: boolean };
  /** Runs within the request when the outcome is there. */
  onEnd?(): void;
}

/** A call to the toy service, from when it leaves. It waits there until it is answered. */
export interface Call {
  readonly ids: number[];
  readonly color: string | undefined;
  /** Whether its lookups need more than one call; undefined outside of any request. */
  readonly length: Length | undefined;
  /** The propagated context of the call. Undefined outside of any request. */
  readonly propagated: PropagatedContext | undefined;
  /** When its caller hangs up. */
  readonly deadline: number;
  /** The headers that it came with, when it has come. */
  readonly arrival: Promise<IncomingHttpHeaders>;
  /** Whether its outcome is known; `end` resolves then, either way. */
  readonly isOver: boolean;
  readonly end: Promise<void>;
  /** Has it answered, with the toys as they were when it left, and waits until the next may have left. */
  answer(by?: Answer): Promise<void>;
}

/** How the toy service answers with these toys. */
type Answer = (response: ServerResponse, toys: Toy[]) => unknown;

function answerJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const json = { 'content-type': 'application/json' };
export const answerWell: Answer = (response, toys) => answerJson(response, toys);
/** What is an error of the call: 503 where no other status is said. */
export const faults: readonly [fault: string, answer: Answer, status?: number][] = [
  ['answers 500', (response) => answerJson(response, { secret: 1 }, 500)],
  ['answers 503', (response) => answerJson(response, { secret: 1 }, 503)],
  ['answers 404', (response) => answerJson(response, [], 404)],
  ['breaks the connection', (response) => response.destroy()],
  ['cuts its answer', (response) => response.writeHead(200, json).write('[{"id":', () => response.destroy())],
  ['answers invalid JSON', (response) => response.writeHead(200, json).end('<h1>')],
  ['answers an object', (response, toys) => answerJson(response, { toys })],
  ['leaves out a field', (response) => answerJson(response, [{ id: 1 }])],
  ['adds an item that was not requested', (response, toys) => answerJson(response, [...toys, toy(77)])],
  ['repeats an item', (response, toys) => answerJson(response, [...toys, toys[0] ?? toy(77)])],
  ['answers 508', (response) => answerJson(response, {}, 508), 508],
];
const toy = (id: number): Toy => ({ id, version: 0 });

/** Those that a call's place is kept after its answer, and the one in which that comes. */
export async function turns(): Promise<void> {
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
  const others = ['color', 'call'].map((name) => ({ name, in: 'query' }));
  return {
    openapi: '3.1.0',
    paths: { [path]: { get: { parameters: [ids, ...others], responses: { 200: { content } } } } },
  };
}

export interface ToysOptions {
  /** How many ids a call takes. */
  readonly maxItems: number;
  /** ms for a call. */
  readonly deadline: number;
}

/** A toy service over loopback HTTP that does as it is told, and what calls it. */
export type Toys = Awaited<ReturnType<typeof openToys>>;

export async function openToys(t: Pick<TestContext, 'onTestFinished'>, { maxItems, deadline }: ToysOptions) {
  const versions = new Map<number, number>();
  const calls: Call[] = [];
  const arrivals: ((arrival: { headers: IncomingHttpHeaders; response: ServerResponse }) => void)[] = [];
  const { logs: lines, logging } = await captureLog('info');
  const log = logging.logger('user');

  // Longer than any timer of a test, so that none of the connections' own is taken for one.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url as string, 'http://toy');
    if (pathname === '/toy/health') return void response.end();
    const call = searchParams.get('call');
    arrivals[Number(call)]?.({ headers: request.headers, response });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const document = describeToys(maxItems);
  const { createOperation, isReachable, close } = openPeer('toy', {
    origin: () => origin,
    document,
    deadline,
  });
  t.onTestFinished(async () => {
    await close();
    server.closeAllConnections();
    server.close();
  });
  // With its first call undici starts a timer that all connections share: that is not one of a test.
  await isReachable(5_000);
  const operation = createOperation('get', path) as unknown as Operation<object, Toy[]>;

  /** The operation, and a note of each call as it leaves. */
  function send(init: ListToys): Promise<Toy[]> {
    const { ids, color } = init.query;
    const number = calls.length;
    const toys = ids.flatMap((id) => {
      const version = versions.get(id);
      return version === undefined ? [] : { id, version };
    });
    const arrived = new Promise<{ headers: IncomingHttpHeaders; response: ServerResponse }>((resolve) => {
      arrivals[number] = resolve;
    });
    let isOver = false;
    const note = () => {
      isOver = true;
    };
    const context = currentContext() as ToyContext | undefined;
    const propagated = context?.propagated;
    const outcome = operation({ query: { ...init.query, call: number } });
    const end = outcome.then(note, note);
    calls.push({
      ids,
      color,
      length: context?.length,
      propagated,
      deadline: Math.min(propagated?.deadline ?? Number.POSITIVE_INFINITY, performance.now() + deadline),
      arrival: arrived.then(({ headers }) => headers),
      get isOver() {
        return isOver;
      },
      end,
      async answer(by = answerWell) {
        by((await arrived).response, toys);
        await end;
        await turns();
      },
    });
    return outcome;
  }
  const list = Object.assign(send, operation as Pick<typeof operation, keyof typeof operation>);

  /** Makes a lookup of toys, which shares calls with no other. */
  function makeLookup() {
    const lookUp = lookupByIds<ListToys, Toy, Args | undefined>(list, {
      parameter: 'ids',
      ask: (ids, args) => ({ query: { ids, ...args } }),
      idOf: ({ id }) => id,
    });

    /** Looks up as the request with this id, or outside of any. */
    return function ask(
      request: string | undefined,
      ids: readonly number[],
      options: AskOptions = {},
    ): Promise<Outcome> {
      const { args, hops = 0, deadline = Number.POSITIVE_INFINITY, state } = options;
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
          const found = await lookUp(ids, args);
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
    /** The toys that there are, by id: what version each is. */
    versions,
    /** The calls so far, in the order in which they left. */
    calls,
    /** What has been logged so far. */
    lines,
    list,
    makeLookup,
    /** Waits until what follows at once has happened, also from that the time of calls is over. */
    async settle(now: number): Promise<void> {
      await turns();
      await Promise.all(calls.filter((call) => call.deadline <= now).map(({ end }) => end));
      await turns();
    },
    /** Hangs up. */
    close,
  };
}
