import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Handles a request; `isPipelined`: an earlier request of its connection has no complete response yet. */
export type Handle = (request: IncomingMessage, response: ServerResponse, isPipelined: boolean) => void;

interface PipelineLimits {
  /** Requests of one connection that may be in progress. */
  readonly perConnection: number;
  /** Further requests that may wait, on all connections together. */
  readonly waiting: number;
  /** Called when a connection will be closed because too many requests wait. */
  onCut?(): void;
}

/** The latest response of a connection, also if its request waits. */
const latestResponse = Symbol('latestResponse');
const previousResponse = Symbol('previousResponse');
const pipeline = Symbol('pipeline');
type Connection = Socket & {
  [latestResponse]?: ServerResponse;
  [previousResponse]?: ServerResponse;
  [pipeline]?: Pipeline;
};

/** Whether every request of a connection has its complete response; false before its first request. */
export function isIdle(socket: Socket): boolean {
  return (socket as Connection)[latestResponse]?.writableFinished === true;
}

/** Returns the latest response of a connection unless it is complete. */
export function currentResponse(socket: Socket): ServerResponse | undefined {
  const { [latestResponse]: response } = socket as Connection;
  return response?.writableFinished ? undefined : response;
}

/** Returns the last incomplete response of a complete request. All other such responses of the connection precede it. */
export function lastPending(socket: Socket): ServerResponse | undefined {
  const { [latestResponse]: last, [previousResponse]: previous } = socket as Connection;
  const response = last?.req.complete ? last : previous;
  return response === undefined || response.writableFinished ? undefined : response;
}

/**
 * Bounds the requests of one connection that are in progress at the same time (HTTP pipelining, RFC 9112, 9.3.2). Later
 * requests wait in order before any work is done for them, and the server stops reading the socket. Node parses all
 * that it has read (up to 64 KiB), so over 1,000 requests can wait on one connection. If more than `waiting` requests
 * wait on all connections, the last response closes its connection, and the client sends the rest again elsewhere.
 * Browsers and most client libraries do not pipeline, so this concerns proxies, load generators and attackers.
 */
export function limitPipelines(limits: PipelineLimits, handle: Handle): Handle {
  const total = { waiting: 0 };
  return (request, response) => {
    const socket = request.socket as Connection;
    const { [latestResponse]: previous } = socket;
    if (previous === undefined || previous.writableFinished) {
      socket[latestResponse] = response;
      socket[pipeline]?.count(response);
      handle(request, response, false);
      return;
    }
    socket[pipeline] ??= new Pipeline(socket, previous, limits, total, handle);
    if (!socket[pipeline].add(request, response, previous)) return;
    socket[previousResponse] = previous;
    socket[latestResponse] = response;
  };
}

class Pipeline {
  readonly #socket: Socket;
  readonly #limits: PipelineLimits;
  readonly #total: { waiting: number };
  readonly #handle: Handle;
  readonly #waiting: [IncomingMessage, ServerResponse][] = [];
  #inProgress = 0;
  #isCut = false;

  constructor(
    socket: Socket,
    first: ServerResponse,
    limits: PipelineLimits,
    total: { waiting: number },
    handle: Handle,
  ) {
    this.#socket = socket;
    this.#limits = limits;
    this.#total = total;
    this.#handle = handle;
    this.count(first);
    // Node resumes the socket after each request that it has parsed.
    socket.on('resume', () => this.#waiting.length > 0 && socket.pause());
    socket.once('close', () => {
      total.waiting -= this.#waiting.length;
      this.#waiting.length = 0;
    });
  }

  /** Returns false for a request that gets no response, because `previous` closes the connection. */
  add(request: IncomingMessage, response: ServerResponse, previous: ServerResponse): boolean {
    const { perConnection, waiting, onCut } = this.#limits;
    if (this.#isCut) return false;
    if (this.#waiting.length === 0 && this.#inProgress < perConnection) {
      this.#begin(request, response);
      return true;
    }
    // `previous` is the response of a waiting request here, so its head has not been sent and can still close the
    // connection.
    if (this.#waiting.length > 0 && this.#total.waiting >= waiting) {
      this.#isCut = true;
      previous.shouldKeepAlive = false;
      onCut?.();
      return false;
    }
    this.#waiting.push([request, response]);
    this.#total.waiting += 1;
    this.#socket.pause();
    return true;
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    this.count(response);
    this.#handle(request, response, true);
  }

  /** Counts a request as in progress until its response is closed. */
  count(response: ServerResponse): void {
    this.#inProgress += 1;
    response.once('close', () => {
      this.#inProgress -= 1;
      this.#beginNext();
    });
  }

  #beginNext(): void {
    const { perConnection } = this.#limits;
    // After a response that closed the connection no request may be handled (RFC 9112, 9.6).
    while (this.#socket.writable && this.#waiting.length > 0 && this.#inProgress < perConnection) {
      const [request, response] = this.#waiting.shift() as [IncomingMessage, ServerResponse];
      this.#total.waiting -= 1;
      // The body of the last waiting request may not have arrived.
      if (this.#waiting.length === 0) this.#socket.resume();
      this.#begin(request, response);
    }
  }
}
