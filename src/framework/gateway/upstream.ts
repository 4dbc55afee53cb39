import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { openConnections } from '../calls/balancer.ts';
import { type ExchangeHandler, type ResponseHeaders, ResponseTimeout } from '../calls/exchange.ts';
import { internalLimits } from '../config/limits.ts';

/** Bytes of a response that are read ahead of the client; a longer response is read as fast as the client reads. */
const readAhead = 4 * 1024 * 1024;

/** The response of another app; the body is a stream if it is longer than `readAhead`. */
export interface UpstreamResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Buffer | Readable;
}

interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer | undefined;
  /** Whether the client still waits. Checked when a connection is free, and before a further attempt. */
  isWanted(): boolean;
  /** Called once, unless `onError` is. */
  onResponse(response: UpstreamResponse): void;
  /** Called once, unless `onResponse` is; not called after `cancel`. `isSent`: the outcome may be unknown. */
  onError(error: Error, isSent: boolean): void;
  /** Creates the error that ends the stream of a long response. */
  describe(error: Error): Error;
}

/** The request was cancelled, because its client has disconnected or timed out. */
class Cancelled extends Error {}

/** Connections to one app, and the requests that wait for one. */
export interface Upstream {
  /** Sends a request when a connection is free. The returned function cancels it at any stage. */
  send(request: UpstreamRequest): () => void;
  close(): Promise<void>;
}

/**
 * Opens a bounded pool of connections to another app. Requests wait in a queue of this module, because the queue of
 * undici keeps a cancelled request until a connection is free.
 * @param timeout ms that the app has for a complete response. Time in which a slow client keeps it from sending does
 * not count.
 */
export function openUpstream(origin: string, connections: number, timeout: number): Upstream {
  const to = openConnections(origin, {
    connections,
    pipelining: 1,
    keepAliveMaxTimeout: internalLimits.unusedMs,
    // Each exchange has its own timeout, because undici's timeouts restart with each gap and each informational response.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: timeout,
  });
  const waiting = new Set<Exchange>();
  let sent = 0;

  function dispatch(exchange: Exchange): void {
    sent += 1;
    const { method, path, headers, body } = exchange.request;
    to.dispatch({ method: method as Dispatcher.HttpMethod, path, headers, body: body ?? null }, exchange);
  }

  function dispatchNext(): void {
    sent -= 1;
    for (const next of waiting) {
      if (sent >= connections * to.size) return;
      waiting.delete(next);
      dispatch(next);
    }
  }

  return {
    send(request) {
      const exchange = new Exchange(request, timeout, dispatchNext);
      if (sent < connections * to.size) dispatch(exchange);
      else waiting.add(exchange);
      return () => {
        if (!waiting.delete(exchange)) exchange.abort(new Cancelled());
      };
    },
    close: () => to.close(),
  };
}

/** One request and its response. */
class Exchange implements ExchangeHandler {
  readonly request: UpstreamRequest;
  readonly #onEnd: () => void;
  /** ms left for the response. */
  #left: number;
  #resumedAt = 0;
  /** The timer of all attempts together. Undefined until the request is sent for the first time. */
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #aborted: Error | undefined;
  #hasEnded = false;
  #status = 0;
  #headers: ResponseHeaders = {};
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #stream: Readable | undefined;

  constructor(request: UpstreamRequest, timeout: number, onEnd: () => void) {
    this.request = request;
    this.#left = timeout;
    this.#onEnd = onEnd;
  }

  abort(reason: Error): void {
    if (this.#hasEnded) return;
    this.#aborted ??= reason;
    this.#controller?.abort(reason);
  }

  isWanted(): boolean {
    return this.#aborted === undefined && this.request.isWanted();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (!this.isWanted()) this.abort(new Cancelled());
    else if (this.#timer === undefined) this.#startTimer();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    // Informational responses come before the response: RFC 9110, section 15.2.
    if (status < 200) return;
    // Fastify sends no other status.
    if (status > 599) controller.abort(new Error(`status ${status}`));
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#stream === undefined) {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      if (this.#size > readAhead) this.#openStream();
      return;
    }
    if (this.#stream.push(chunk) || controller.paused) return;
    controller.pause();
    this.#pauseTimer();
  }

  onResponseEnd(): void {
    this.#end();
    if (this.#stream === undefined) this.#respond(Buffer.concat(this.#chunks));
    else this.#stream.push(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#hasEnded) return;
    this.#end();
    if (this.#stream !== undefined) this.#stream.destroy(this.request.describe(error));
    else if (!(this.#aborted instanceof Cancelled))
      this.request.onError(this.#aborted ?? error, this.#timer !== undefined);
  }

  #openStream(): void {
    this.#stream = new Readable({ read: () => this.#resume() });
    // The stream can fail before its reader listens, or after the reader has stopped.
    this.#stream.on('error', () => {});
    for (const chunk of this.#chunks.splice(0)) this.#stream.push(chunk);
    this.#respond(this.#stream);
  }

  #respond(body: Buffer | Readable): void {
    this.request.onResponse({ status: this.#status, headers: this.#headers, body });
  }

  #resume(): void {
    if (this.#controller?.paused !== true || this.#hasEnded) return;
    this.#startTimer();
    this.#controller.resume();
  }

  #startTimer(): void {
    this.#resumedAt = performance.now();
    this.#timer = setTimeout(
      () => this.abort(new ResponseTimeout('no complete response in time')),
      this.#left,
    );
  }

  #pauseTimer(): void {
    clearTimeout(this.#timer);
    this.#left = Math.max(1, this.#left - (performance.now() - this.#resumedAt));
  }

  #end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#onEnd();
  }
}
