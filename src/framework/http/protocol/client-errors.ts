import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readRequestId } from '../../context/propagation.ts';
import { problemBody, sendProblem } from '../../errors/error-handler.ts';
import { Problem, problemMediaType } from '../../errors/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import { logEnd } from '../request-lifecycle.ts';
import type { SecurityHeaders } from '../security-headers.ts';
import { destroyAfterLinger } from './lingering-close.ts';
import { lastPending } from './pipelining.ts';

/** What Fastify refuses before it has a route for it, as a URL that cannot be decoded: no hook sees these. */
export function respondUnrouted(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(request.server.securityHeaders).header('x-request-id', request.id);
  reply.raw.once('close', () => {
    logEnd(request, reply);
    request.server.requestMetrics?.ended(request, reply, respondUnrouted);
  });
  sendProblem(error, request, reply);
}

type ClientErrorHandler = (this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket) => void;

/** What Node refuses before it is a request: malformed HTTP, headers that are too large, a client too slow. */
export function createClientErrorHandler(log: Logger, policy: SecurityHeaders): ClientErrorHandler {
  const refused = new WeakSet<Socket>();

  return function answerClientError(error, socket) {
    // What comes after one that was refused is nothing either, and waits for the end.
    if (refused.has(socket)) return;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    refused.add(socket);
    const [status, detail] = refusals[error.code ?? ''] ?? [400, 'This is not HTTP'];
    const reqId = readRequestId({});
    log.info({ reqId, status, code: error.code }, 'malformed request refused');
    // Complete requests may have come before it: their responses go first, and this one must not pass for one of them.
    const last = lastPending(socket);
    const refuseNow = () => refuse(socket, new Problem(status, detail), reqId, policy);
    if (last === undefined) refuseNow();
    else last.once('close', refuseNow);
  };
}

function refuse(socket: Socket, problem: Problem, reqId: string, policy: SecurityHeaders): void {
  // An answer that is on its way on this connection must not be cut in two.
  const current = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage;
  if (current?.headersSent || !socket.writable) {
    if (current?.writableEnded) socket.destroySoon();
    else socket.destroy();
    return;
  }
  const { status } = problem;
  const body = problemBody(problem, '/');
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `content-type: ${problemMediaType}`,
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${reqId}`,
      ...Object.entries(policy).map(([name, value]) => `${name}: ${value}`),
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  // An end that comes behind a body which nobody reads any more is not waited for either.
  destroyAfterLinger(socket);
}

const noTunnel = Object.assign(new Error('CONNECT'), { code: 'CONNECT' });

/**
 * Refuses CONNECT requests of a server. Node gives up a socket that it hands to a 'connect' listener: it removes its own
 * listeners for 'error', 'drain' and 'close' (`onParserExecuteCommon` in Node's lib/_http_server.js). Responses to
 * requests that were pipelined before the CONNECT would stall, so their connection is closed.
 */
export function rejectTunnels(app: FastifyInstance, answerClientError: ClientErrorHandler): void {
  // Without a 'connect' listener Node closes the connection without a response.
  app.server.on('connect', (_request, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    if (lastPending(socket) === undefined) {
      // Unread input would make the kernel send a reset, and the client would lose the response.
      socket.resume();
      answerClientError.call(app, noTunnel, socket);
      return;
    }
    for (const { request, reply } of [...app.inFlight]) {
      if (request.raw.socket !== socket) continue;
      request.raw.destroy();
      reply.raw.destroy();
    }
    socket.destroy();
  });
}

const refusals: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time'],
  CONNECT: [400, 'This is no proxy'],
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large'],
};
