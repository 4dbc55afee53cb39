import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { bindContext } from '../../context/context.ts';
import { safeMethods } from '../../context/methods.ts';
import { Problem } from '../../errors/problem.ts';

/** One host with an optional port. Several hosts, as Node joins them, do not match. */
const hostForm = /^(\[[\da-f:.]+\]|[^\s,/?#@\\[\]:]*)(:\d*)?$/i;

/**
 * Rejects requests that Node accepts although RFC 9112 forbids them, because a request that two programs read differently
 * can smuggle another one past a proxy. Also handles pipelined requests one after the other, unless all of them are safe
 * (section 9.3.2).
 */
export const strictHttp = fp(
  async (app) => {
    // A server may ignore an unknown expectation (RFC 9110, section 10.1.1). Node's 417 would not be a problem document.
    app.server.on('checkExpectation', (...args) => app.server.emit('request', ...args));

    app.addHook('onRequest', (request, reply, done) => {
      queueBehindUnsafe(request.raw, reply.raw);
      // The request is not upgraded, but Node drops the bytes after it, so further requests would get no response.
      if (request.headers.upgrade !== undefined) reply.header('connection', 'close');
      const error = findProtocolError(request.raw);
      done(error === undefined ? undefined : new Problem(400, error, { headers: { connection: 'close' } }));
    });

    app.addHook('preHandler', ({ raw: { socket } }, reply, done) => {
      const { [previous]: awaited } = reply.raw as Response;
      if (awaited === undefined) return done();
      const begin = bindContext(() => {
        // After a response that closed the connection no request may be handled (RFC 9112, section 9.6).
        if (socket.writable) done();
        else reply.hijack();
      });
      if (awaited.closed) begin();
      else awaited.once('close', begin);
    });
  },
  { name: 'strict-http', dependencies: ['request-lifecycle'] },
);

const latestHandled = Symbol('latestHandled');
const areSafe = Symbol('areSafe');
const previous = Symbol('previous');
/**
 * `latestHandled`: its latest response that Fastify has; pipelined requests may wait after it. `areSafe`: whether all its
 * requests without a complete response are safe.
 */
type Connection = { [latestHandled]?: ServerResponse; [areSafe]?: boolean };
/** `previous`: the response that must be complete before the handler runs. */
type Response = ServerResponse & { [previous]?: ServerResponse | undefined };

/** Adds a response to the queue of its connection. Unless all of them are safe, its handler waits for the previous one. */
export function queueBehindUnsafe({ method = '', socket }: IncomingMessage, response: Response): void {
  const connection = socket as Connection;
  const { [latestHandled]: last, [areSafe]: wereSafe } = connection;
  const isSafe = safeMethods.has(method);
  const isFirst = last === undefined || last.writableFinished;
  connection[latestHandled] = response;
  connection[areSafe] = isSafe && (isFirst || wereSafe === true);
  if (isFirst || connection[areSafe]) return;
  response[previous] = last;
  // Otherwise the latest response of a connection that is never idle would keep all earlier responses.
  response.once('close', () => {
    response[previous] = undefined;
  });
}

/** Closes the connection of each reply after its last response. Several replies may belong to one connection. */
export function closeAfter(replies: Iterable<FastifyReply>): void {
  for (const reply of replies) {
    // Null if Node has detached the socket, because the response is complete or will never be sent.
    const connection = reply.request.raw.socket as Connection | null;
    if (connection?.[latestHandled] === reply.raw) reply.header('connection', 'close');
  }
}

function findProtocolError({ httpVersion, headers, method, url }: IncomingMessage): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'This is not HTTP/1.1';
  // Section 3.2: exactly one Host; HTTP/1.0 may have none.
  const { host, 'transfer-encoding': coding } = headers;
  if (host === undefined ? httpVersion === '1.1' : !hostForm.test(host)) return 'There must be one Host';
  // Section 6.1: HTTP/1.0 has no transfer codings, so a proxy of that version would read another length.
  if (coding !== undefined && httpVersion === '1.0') return 'HTTP/1.0 has no transfer coding';
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return 'The only transfer coding that this server accepts is chunked';
  if (url === '*' && method !== 'OPTIONS') return 'There must be a path';
  return undefined;
}

/**
 * Returns the request target as routes expect it, without scheme, authority and fragment. A client may send an absolute URL
 * (RFC 9112, section 3.2.2); its authority tells nothing new, and may hold a password.
 */
export function readTarget({ url = '/' }: { readonly url?: string | undefined }): string {
  const target = url[0] === '/' || url === '*' ? url : url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  const hash = target.indexOf('#');
  const path = hash < 0 ? target : target.slice(0, hash);
  return path[0] === '/' || path === '*' ? path : `/${path}`;
}
