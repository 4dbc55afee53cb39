import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readRequestId } from '#common/context.ts';
import type { Logger } from '#common/logger.ts';
import { Problem, problemMediaType } from '#common/problem.ts';
import { answerProblem, problemBody } from '#common/problem-handler.ts';
import { logRequest } from './requests.ts';

/** What Fastify refuses before it has a route for it, as a URL that cannot be decoded: no hook sees these. */
export function answerUnrouted(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  reply.raw.once('close', () => logRequest(request.log as Logger, request, reply));
  answerProblem(error, request, reply);
}

/** What Node refuses before it is a request: malformed HTTP, headers that are too large, a client too slow. */
export function createClientErrorHandler(log: Logger) {
  return function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [status, detail] = refusals[error.code ?? ''] ?? [400, 'This is not HTTP'];
    const reqId = readRequestId({});
    log.info({ reqId, status, code: error.code }, 'malformed request refused');
    // An answer that is on its way on this connection must not be cut in two.
    const current = (socket as Socket & { _httpMessage?: { headersSent: boolean } })._httpMessage;
    if (current?.headersSent) {
      socket.destroy();
      return;
    }
    const body = problemBody(new Problem(status, detail), '/');
    socket.end(
      [
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
        `content-type: ${problemMediaType}`,
        `content-length: ${Buffer.byteLength(body)}`,
        `x-request-id: ${reqId}`,
        'connection: close',
        '',
        body,
      ].join('\r\n'),
    );
  };
}

const refusals: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time'],
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large'],
};
