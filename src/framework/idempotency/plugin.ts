import type { FastifyReply, FastifyRequest, FastifySchema, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import { type Context, currentContext, runInContext } from '../context/context.ts';
import { writeProblem } from '../errors/error-handler.ts';
import { Problem, problems } from '../errors/problem.ts';
import { fingerprint } from './fingerprint.ts';
import { bounds, type IdempotencyKeys } from './key-store.ts';
import type { KeyedRequest, StoredResponse } from './keyed-request.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where it has no idempotency key. */
    keyed: KeyedRequest | null;
    /** Whether the handler of a keyed request has begun. */
    isHandled: boolean;
  }
}

export interface IdempotencyOptions {
  /** Those of the service's database; undefined where it has none. */
  readonly keys: IdempotencyKeys | undefined;
}

/** Of an answer that is given again; the rest is about the request that it is given to. */
const keptHeaders = ['content-type', 'location', 'etag'];

/**
 * Makes it safe to send a POST again that has an `Idempotency-Key`: draft-ietf-httpapi-idempotency-key-header. Register
 * it before the routes of a service. A POST without a key passes by.
 */
export const idempotency = fp<IdempotencyOptions>(async (scope, { keys }) => {
  scope.decorateRequest('keyed', null);
  scope.decorateRequest('isHandled', false);

  // After validation, because a default that is spelled out equals one that is left out. The hook is the scope's, so it
  // runs before those of the service.
  scope.addHook('preHandler', claim);

  scope.addHook('onRoute', (route) => {
    if (![route.method].flat().includes('POST')) return;
    // Before an answer is compressed: a retry may come from a client that does not read that.
    route.onSend = [conclude, ...[route.onSend ?? []].flat()];
    route.handler = answerAlways(route.handler);
  });

  function claim(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const sent = request.headers['idempotency-key'];
    if (sent === undefined || request.method !== 'POST') {
      done();
      return;
    }
    try {
      const key = readKey(String(sent));
      // Not passed over: whoever sends a key relies on it.
      if (keys === undefined)
        throw new Problem(400, 'This service has no database to keep idempotency keys in');
      const claimed = keys.claim(key, fingerprint(request));
      if ('answer' in claimed) {
        reply.send(repeat(reply, claimed.answer));
        return;
      }
      request.keyed = claimed;
      reply.raw.once('close', () => releaseUnhandled(request));
      runInContext({ ...(currentContext() as Context), keyed: claimed }, done);
    } catch (error) {
      done(error as Error);
    }
  }
});

/**
 * An sf-string, RFC 8941: visible ASCII and spaces in quotes. Or what most clients send, Stripe's among them: a UUID or
 * the like without the quotes; but not what could be read in another way: two headers that were joined, parameters, a
 * quotation that does not end.
 */
const keyForm = /^(?:"((?:[ !#-[\]-~]|\\["\\]){1,255})"|([!#-+\--:<-[\]-~]{1,255}))$/;

function readKey(sent: string): string {
  const [, quoted, bare] = keyForm.exec(sent) ?? [];
  const key = bare ?? quoted?.replace(/\\(.)/g, '$1');
  if (key !== undefined) return key;
  const detail = 'The Idempotency-Key must be 1 to 255 visible ASCII characters in double quotes';
  throw new Problem(400, detail, { type: 'urn:problem-type:idempotency-key-malformed' });
}

/** Holds an answer back until it is kept. */
function conclude(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: null, payload: unknown) => void,
): void {
  const { keyed } = request;
  if (keyed === null || keyed.isAnswered() || request.isTimedOut) {
    done(null, payload);
    return;
  }
  keyed.finish(answerOf(reply, payload)).then(
    (found) => done(null, found === undefined ? payload : repeat(reply, found)),
    (error) => done(null, writeProblem(error, request, reply)),
  );
}

/** Undefined for a stream, which is not there as a whole. */
function answerOf(reply: FastifyReply, payload: unknown): StoredResponse | undefined {
  const body = payload ?? null;
  if (body !== null && typeof body !== 'string' && !Buffer.isBuffer(body)) return undefined;
  const headers = keptHeaders.flatMap((name) => {
    const value = reply.getHeader(name);
    return value === undefined ? [] : [[name, String(value)]];
  });
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body };
}

/** Makes the answer one that was given before, and returns its body, which is to be sent. */
function repeat(reply: FastifyReply, { status, headers, body }: StoredResponse): string | Buffer | undefined {
  for (const name of keptHeaders) reply.removeHeader(name);
  reply.code(status).headers(headers).header('idempotent-replayed', 'true');
  // Sent, null would be written as JSON.
  return body ?? undefined;
}

/**
 * Fastify does not answer a client that has gone where its handler resolves with nothing, answers twice where that has
 * sent something that is held back, and answers no more where it was given up. A key must be let go in the first case,
 * be that of one answer in the second, and stay in use until the handler has ended in the third.
 */
function answerAlways(handler: RouteOptions['handler']): RouteOptions['handler'] {
  return function (request, reply) {
    const { keyed } = request;
    // The connection closed and the key was released: a retry may have it now.
    if (keyed?.isAnswered()) {
      reply.hijack();
      return undefined;
    }
    request.isHandled = true;
    const result = handler.call(this, request, reply) as unknown;
    if (keyed === null || !(result instanceof Promise)) return result;
    return result
      .finally(() => endGivenUp(request))
      .then((payload) => {
        if (payload !== undefined || request.isTimedOut) return payload;
        if (!keyed.isAnswered()) reply.send();
        return reply;
      });
  };
}

/** Its client has been told that the outcome is unknown: a retry is told. */
function endGivenUp({ keyed, isTimedOut: isGivenUp }: FastifyRequest): void {
  if (isGivenUp && keyed?.isAnswered() === false) keyed.finish(undefined).catch(() => {});
}

/**
 * Releases the key of a request whose connection closed, or that timed out, before its handler began: it changed
 * nothing. A request that waits for its turn on its connection ends so, and comes to no response that `conclude` sees.
 */
function releaseUnhandled({ keyed, isHandled }: FastifyRequest): void {
  if (!isHandled && keyed?.isAnswered() === false) keyed.finish(undefined).catch(() => {});
}

const { keys, responses, responseBytes } = bounds;
const description = `Makes it safe to send the request again: for 24 hours the same key and request have one effect and get \
the same response, with \`idempotent-replayed: true\`. A request that changed nothing is not kept: a retry runs again. A \
response over ${responseBytes} bytes, or older than the newest ${responses} of the service, is not kept: a retry computes it again \
from the current state, without a second effect. The service keeps the newest ${keys} keys. 1 to 255 visible ASCII characters in \
double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was \
used for a different request. 400: the key cannot be read`;
// Without an example: Swagger UI would send it with every request, as the key of the first.
const schema = {
  type: 'string',
  pattern: keyForm.source,
  minLength: 1,
  maxLength: 512,
  description,
};

/** What the document says of a POST beside what its route does. */
export function describeKey(route: FastifySchema, method: string | string[]): FastifySchema {
  if (![method].flat().includes('POST')) return route;
  const { headers, response } = route as { headers?: { properties?: object }; response?: object };
  return {
    ...route,
    headers: {
      type: 'object',
      ...headers,
      properties: { ...headers?.properties, 'Idempotency-Key': schema },
    },
    response: { ...problems(400, 409, 422), ...response },
  };
}
