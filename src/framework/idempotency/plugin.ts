import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import { type Context, currentContext, getCaller, runInContext } from '../context/context.ts';
import { Problem } from '../errors/problem.ts';
import { reasonOf } from '../errors/reason.ts';
import { getLogger } from '../logging/logger.ts';
import { fingerprint } from './fingerprint.ts';
import { readKey } from './key-header.ts';
import type { IdempotencyKeys } from './key-store.ts';
import type { KeyedRequest, StoredResponse } from './keyed-request.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null if the request has no idempotency key, and before its handler starts. */
    keyed: KeyedRequest | null;
  }
}

/** The headers that are stored with a response. All others belong to a single request, such as `x-request-id`. */
const storedHeaders = ['content-type', 'location', 'etag'];

/**
 * Makes it safe to repeat a POST that has an `Idempotency-Key`: draft-ietf-httpapi-idempotency-key-header. Register it
 * before the routes of a service.
 * @param keys the keys in the database of the service; undefined if it has none.
 */
export const idempotency = fp<{ readonly keys: IdempotencyKeys | undefined }>(
  async (scope, { keys }) => {
    scope.decorateRequest('keyed', null);
    scope.addHook('onRoute', (route) => {
      if (![route.method].flat().includes('POST') || route.schema?.secret === true) return;
      route.handler = handleOnce(route.handler, keys);
      // Store the response before compression, because a retry may not accept the same encodings.
      if (keys !== undefined) route.onSend = [storeResponse, ...[route.onSend ?? []].flat()];
    });
  },
  { name: 'idempotency' },
);

/** Wraps the handler of a route. The key is claimed when the handler starts, so a request that ends earlier claims none. */
function handleOnce(handler: RouteOptions['handler'], keys: IdempotencyKeys | undefined): typeof handler {
  return function (request, reply) {
    const sent = request.headers['idempotency-key'];
    if (sent === undefined || request.method !== 'POST') return handler.call(this, request, reply);
    const key = ownKey(readKey(String(sent)));
    // The key is not ignored, because the client relies on it.
    if (keys === undefined)
      throw new Problem(400, 'This service has no database to keep idempotency keys in');
    // The client disconnected before the handler started, and may have sent a retry on a different connection.
    if (reply.raw.destroyed) return reply.hijack();
    return runOnce(request, reply, keys.claim(key, fingerprint(request)), () =>
      handler.call(this, request, reply),
    );
  };
}

/** Returns the name under which a key is stored. Two principals with the same key have different names. */
function ownKey(key: string): string {
  const { kind, sub } = getCaller();
  return kind === 'anonymous' ? key : hash('sha256', JSON.stringify([kind, sub, key]), 'base64url');
}

/** Runs the handler, unless the response of an earlier request with the key is stored. */
async function runOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  claim: ReturnType<IdempotencyKeys['claim']>,
  handle: () => unknown,
): Promise<unknown> {
  const claimed = await claim;
  if ('response' in claimed) return replay(reply, claimed.response);
  request.keyed = claimed;
  const context = { ...(currentContext() as Context), keyed: claimed };
  const result = runInContext(context, handle);
  if (result instanceof Promise) return respondAlways(result, request, reply);
  reply.raw.once('close', () => release(request, request.isTimedOut));
  // A handler that returns no promise responds by itself.
  return result ?? reply;
}

/**
 * Makes sure that a request responds, so that its key is freed. Fastify sends no response if the handler resolves with
 * nothing after the client disconnected. If the handler called `reply.send`, Fastify sends again while the response is
 * being stored.
 */
async function respondAlways(result: Promise<unknown>, request: FastifyRequest, reply: FastifyReply) {
  try {
    const payload = await result;
    if (payload !== undefined || request.isTimedOut) return payload;
    if (!request.keyed?.isResponding && !reply.sent) reply.send();
    return reply;
  } finally {
    // The client got a 504, or a response that the handler wrote by itself.
    release(request, request.isTimedOut || reply.sent);
  }
}

/** Frees the key of a request that is over without a stored response. */
function release({ keyed }: FastifyRequest, isOver: boolean): void {
  if (isOver && keyed?.isResponding === false) void keyed.respond(undefined);
}

/** Holds a response back until it is stored. */
function storeResponse(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: null, payload: unknown) => void,
): void {
  const { keyed } = request;
  if (keyed === null || keyed.isResponding || request.isTimedOut) {
    done(null, payload);
    return;
  }
  /** Sends nothing if the request timed out while the response was being stored. */
  const send = (body: unknown) => request.isTimedOut || done(null, body);
  keyed.respond(toStored(reply, payload)).then(
    (other) => send(other === undefined ? payload : replay(reply, other)),
    (err) => {
      // The effect is durable, and a retry computes the response again.
      const log = getLogger();
      log.warn({ reason: reasonOf(err) }, 'the response to a request with an idempotency key was not stored');
      log.debug({ err }, 'why the response was not stored');
      send(payload);
    },
  );
}

/** Returns undefined for a stream, because its body is not known yet. */
function toStored(reply: FastifyReply, payload: unknown): StoredResponse | undefined {
  const body = payload ?? null;
  if (body !== null && typeof body !== 'string' && !Buffer.isBuffer(body)) return undefined;
  const headers = storedHeaders.flatMap((name) => {
    const value = reply.getHeader(name);
    return value === undefined ? [] : [[name, String(value)]];
  });
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body };
}

/** Turns a reply into a stored response, and returns the body that is to be sent. */
function replay(reply: FastifyReply, { status, headers, body }: StoredResponse): string | Buffer | undefined {
  for (const name of storedHeaders) reply.removeHeader(name);
  reply.code(status).headers(headers).header('idempotent-replayed', 'true');
  // Null would be sent as JSON.
  return body ?? undefined;
}
