import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { bindContext } from '../../context/context.ts';
import { Problem } from '../../errors/problem.ts';
import { safeMethods } from '../methods.ts';

/** A host, and a port where there is one; several, as Node joins them, do not fit. */
const hostForm = /^(\[[\da-f:.]+\]|[^\s,/?#@\\[\]:]*)(:\d*)?$/i;

/**
 * Refuses what Node takes for a request although RFC 9112 does not: the more ways there are to read one, the more
 * can be hidden in it from whoever stands before or behind us. And does requests that come before the answers to those
 * before them one after the other, unless all are safe (section 9.3.2).
 */
export const strictHttp = fp(async (app) => {
  // An expectation that we do not know is ours to ignore (RFC 9110, section 10.1.1); Node's own 417 is no problem.
  app.server.on('checkExpectation', (...asked) => app.server.emit('request', ...asked));

  app.addHook('onRequest', (request, reply, done) => {
    takeTurn(request.raw, reply.raw);
    // It is not upgraded, but Node drops what came together with it: who sent more must not wait for an answer.
    if (request.headers.upgrade !== undefined) reply.header('connection', 'close');
    const fault = findFault(request.raw);
    done(fault === undefined ? undefined : new Problem(400, fault, { headers: { connection: 'close' } }));
  });

  app.addHook('preHandler', ({ raw: { socket } }, reply, done) => {
    const { [before]: other } = reply.raw as Response;
    if (other === undefined) return done();
    const begin = bindContext(() => {
      // Behind one whose answer was the last its own would not be sent, so it must not be done (section 9.6).
      if (socket.writable) done();
      else reply.hijack();
    });
    if (other.closed) begin();
    else other.once('close', begin);
  });
});

const latest = Symbol('latest');
const areSafe = Symbol('areSafe');
const before = Symbol('before');
/** The answer to its latest request; whether that one is safe, and those that came before their answers to it. */
type Connection = { [latest]?: ServerResponse; [areSafe]?: boolean };
/** The answer that comes before this one, where it has to be waited for. */
type Response = ServerResponse & { [before]?: ServerResponse };

function takeTurn({ method = '', socket }: IncomingMessage, response: Response): void {
  const connection = socket as Connection;
  const { [latest]: other, [areSafe]: wereSafe } = connection;
  const isSafe = safeMethods.has(method);
  const isFirst = other === undefined || other.writableFinished;
  connection[latest] = response;
  connection[areSafe] = isSafe && (isFirst || wereSafe === true);
  if (!isFirst && !connection[areSafe]) response[before] = other;
}

/** Has each connection close after the last of these answers, which may have been asked for one behind the other. */
export function closeAfter(replies: Iterable<FastifyReply>): void {
  for (const reply of replies) {
    // One that has let go of its connection has been answered, or never will be.
    const connection = reply.request.raw.socket as Connection | null;
    if (connection?.[latest] === reply.raw) reply.header('connection', 'close');
  }
}

function findFault({ httpVersion, headers, method, url }: IncomingMessage): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'This is not HTTP/1.1';
  // Section 3.2: one and no more; HTTP/1.0 had none.
  const { host, 'transfer-encoding': coding } = headers;
  if (host === undefined ? httpVersion === '1.1' : !hostForm.test(host)) return 'There must be one Host';
  // Section 6.1: what else there is, nobody here could decode.
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return 'A body is sent as it is, or chunked';
  if (url === '*' && method !== 'OPTIONS') return 'There must be a path';
  return undefined;
}

/**
 * What is asked for, as routes have it: a client may send a whole URL (RFC 9112, section 3.2.2), whose authority
 * says nothing that we did not know, and may hold a password; and a fragment is none of ours.
 */
export function readTarget({ url = '/' }: { readonly url?: string | undefined }): string {
  const target = url[0] === '/' || url === '*' ? url : url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  const hash = target.indexOf('#');
  const path = hash < 0 ? target : target.slice(0, hash);
  return path[0] === '/' || path === '*' ? path : `/${path}`;
}
