import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from '../../context/node-http.ts';
import { readRequestId } from '../../context/propagation.ts';
import { problemBody, sendProblem } from '../../errors/error-handler.ts';
import { Problem, problemMediaType } from '../../errors/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { RequestMetrics, RequestRoute } from '../../metrics/request-metrics.ts';
import { recordRequestEnd } from '../request-end.ts';
import type { SecurityHeaders } from '../security-headers.ts';
import { destroyAfterLinger } from './lingering-close.ts';
import { currentResponse, lastPending } from './pipelining.ts';
import { queueBehindUnsafe } from './strict-http.ts';

const noRoute: RequestRoute = { config: {} };

/**
 * Responds to requests that Fastify rejects before routing, such as a URL that cannot be decoded. No hook runs for them,
 * so `strictHttp` has not checked them, and the connection is closed.
 */
export function respondUnrouted(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  queueBehindUnsafe(request.raw, reply.raw);
  reply.headers(request.server.securityHeaders).headers({ 'x-request-id': request.id, connection: 'close' });
  reply.raw.once('close', () => recordRequestEnd(request, reply, noRoute));
  sendProblem(error, request, reply);
}

type ClientErrorHandler = (this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket) => void;

/** Responds to input that Node rejects before it is a request: malformed HTTP, oversized headers, slow clients. */
export function createClientErrorHandler(
  log: Logger,
  securityHeaders: SecurityHeaders,
  metrics: RequestMetrics | undefined,
): ClientErrorHandler {
  const rejected = new WeakSet<Socket>();

  return function handleClientError(error, socket) {
    // Ignore further parse errors on a connection that was already rejected.
    if (rejected.has(socket)) return;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    rejected.add(socket);
    const [status, detail] = reasons[error.code ?? ''] ?? [400, 'This is not HTTP'];
    const reqId = readRequestId({});
    // The access log has no entry, because the input has no method and no path.
    log.info({ reqId, status, code: error.code }, 'malformed request rejected');
    if (metrics !== undefined) metrics.closed.malformed += 1;
    // Responses to earlier complete requests go first, because the client assigns responses by their order.
    const last = lastPending(socket);
    const reject = () => closeWithProblem(socket, new Problem(status, detail), reqId, securityHeaders);
    if (last === undefined) reject();
    else last.once('close', reject);
  };
}

function closeWithProblem(
  socket: Socket,
  problem: Problem,
  reqId: string,
  securityHeaders: SecurityHeaders,
): void {
  const current = currentResponse(socket);
  // A second response must not begin inside one that is being sent.
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
      ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  // Do not wait for the FIN of the client, because it may follow a body that no code reads any more.
  destroyAfterLinger(socket);
}

const tunnelError = Object.assign(new Error('CONNECT'), { code: 'CONNECT' });

/**
 * Rejects CONNECT requests. Node gives up a socket that it hands to a 'connect' listener: it removes its own listeners for
 * 'error', 'drain' and 'close' (`onParserExecuteCommon` in Node's lib/_http_server.js). Responses to requests that were
 * pipelined before the CONNECT would stall, so their connection is closed.
 */
export function rejectTunnels(app: FastifyInstance, handleClientError: ClientErrorHandler): void {
  // Without a 'connect' listener Node closes the connection without a response.
  app.server.on('connect', (_request, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    if (lastPending(socket) === undefined) {
      // Unread input would make the kernel send a reset, and the client would lose the response.
      socket.resume();
      handleClientError.call(app, tunnelError, socket);
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

/** Status and detail by the code of Node's error. */
const reasons: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time'],
  CONNECT: [400, 'This server is not a proxy'],
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large'],
};
