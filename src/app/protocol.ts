import type { IncomingMessage } from 'node:http';
import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '#common/problem.ts';

/** A host, and a port where there is one; several, as Node joins them, do not fit. */
const hostForm = /^(\[[\da-f:.]+\]|[^\s,/?#@\\[\]:]*)(:\d*)?$/i;

/**
 * Refuses what Node takes for a request although RFC 9112 does not: the more ways there are to read one, the more
 * can be hidden in it from whoever stands before or behind us.
 */
export const protocol = fp(async (app) => {
  // An expectation that we do not know is ours to ignore (RFC 9110, section 10.1.1); Node's own 417 is no problem.
  app.server.on('checkExpectation', (...asked) => app.server.emit('request', ...asked));

  let count = 0;
  app.addHook('onRequest', (request, reply, done) => {
    (request.raw as Numbered)[ownNumber] = count++;
    // It is not upgraded, but Node drops what came together with it: who sent more must not wait for an answer.
    if (request.headers.upgrade !== undefined) noteLast(reply.header('connection', 'close'));
    const fault = findFault(request.raw);
    done(fault === undefined ? undefined : new Problem(400, fault, { headers: { connection: 'close' } }));
  });

  // When its body has come, the answers before it may have said that they are the last. Its own would not be sent,
  // so it must not be done (section 9.6).
  app.addHook('preHandler', ({ raw }, reply, done) => {
    const { [lastNumber]: last } = raw.socket as Numbered;
    if (last !== undefined && ((raw as Numbered)[ownNumber] as number) > last) reply.hijack();
    else done();
  });
});

const ownNumber = Symbol('ownNumber');
const lastNumber = Symbol('lastNumber');
/** A request that knows its place among all, or a connection that knows which of them is its last. */
type Numbered = { [ownNumber]?: number; [lastNumber]?: number | undefined };

/** For each answer that may close its connection: what comes on that one after it is no longer served. */
export function noteLast(reply: FastifyReply): void {
  if (reply.getHeader('connection') !== 'close') return;
  const socket = reply.request.raw.socket as Numbered | null;
  // Its client has gone: nothing comes after it.
  if (socket !== null)
    socket[lastNumber] = Math.min(socket[lastNumber] ?? Number.POSITIVE_INFINITY, numberOf(reply));
}

/** Has each connection close after the last of these answers, which may have been asked for one behind the other. */
export function closeAfter(replies: Iterable<FastifyReply>): void {
  const lasts = new Map<object, FastifyReply>();
  for (const reply of replies) {
    const { socket } = reply.request.raw;
    const other = lasts.get(socket);
    if (other === undefined || numberOf(reply) > numberOf(other)) lasts.set(socket, reply);
  }
  for (const reply of lasts.values()) noteLast(reply.header('connection', 'close'));
}

/** What was refused before it had a number stands before nobody. */
function numberOf({ request: { raw } }: FastifyReply): number {
  return (raw as Numbered)[ownNumber] ?? Number.POSITIVE_INFINITY;
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
