import type { Dispatcher } from 'undici';
import { RequestEnded } from '../errors/problem.ts';
import { type Connections, openConnections } from './balancer.ts';
import { type ExchangeHandler, type ResponseHeaders, ResponseLost, ResponseTimeout } from './exchange.ts';

export interface HttpRequest {
  readonly url: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** ms for the complete response. */
  readonly timeout: number;
  /** The request that causes the call. If it is over, the call is not sent. */
  readonly request?: { readonly isOver: boolean } | undefined;
}

/** A response with its complete body. */
export interface HttpResponse {
  /** Whether the status is a success. */
  readonly ok: boolean;
  readonly status: number;
  /** By name, in lower case. */
  readonly headers: ResponseHeaders;
  readonly content: string;
}

export interface TransportLimits {
  /** The maximum number of connections to each address. Default: 32. */
  readonly connections?: number;
  /** The maximum number of calls in flight or waiting for a connection. Further calls fail. Default: 4,096. */
  readonly open?: number;
  /** ms to open a connection. Default: 1,000. */
  readonly connect?: number;
  /** The maximum bytes of a response body. Default: no maximum. */
  readonly answer?: number;
  /** ms until an unused connection is closed. Default: the server closes it. */
  readonly unused?: number | undefined;
  /** Whether the calls wait long for their responses. An address that failed is then used only if all have failed. */
  readonly isForPolls?: boolean;
}

/**
 * Opens a pool of connections for calls. Further calls wait for a connection. A call follows no redirect, and resolves
 * with the complete response. Uses `dispatch` of undici, because its `fetch` and `request` create streams. Streams cost
 * up to three times as much, and outlive the young generation of the heap.
 */
export function openTransport(limits: TransportLimits) {
  const {
    connections = 32,
    open: maxOpen = 4_096,
    connect = 1_000,
    answer = -1,
    unused,
    isForPolls = false,
  } = limits;
  let open = 0;
  const options = {
    connections,
    pipelining: 1,
    maxResponseSize: answer,
    connect,
    isForPolls,
    ...(unused !== undefined && { keepAliveMaxTimeout: unused }),
    // `Collector` has a timeout for the complete call.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const opened = new Map<string, Connections>();
  const connectionsTo = (origin: string): Connections => {
    let found = opened.get(origin);
    if (found === undefined) {
      found = openConnections(origin, options);
      opened.set(origin, found);
    }
    return found;
  };
  const closeCall = () => {
    open -= 1;
  };
  return {
    /** @throws {ResponseLost} if the request was sent and its response is not complete. */
    send({ url, method, headers, body, timeout, request }: HttpRequest): Promise<HttpResponse> {
      const path = url.indexOf('/', 'https://'.length);
      const to = connectionsTo(url.slice(0, path));
      const sent = { path: url.slice(path), method, headers, body: body ?? null };
      return new Promise((resolve, reject) => {
        // undici keeps a timed-out call until a connection is free, which takes long if the peer accepts none.
        if (open >= maxOpen) return reject(new Error('too many calls wait for a connection'));
        open += 1;
        to.dispatch(sent, new Collector(timeout, request, resolve, reject, closeCall));
      });
    },
    close: async () => void (await Promise.all([...opened.values()].map((one) => one.close()))),
  };
}

/** Collects one response. */
class Collector implements ExchangeHandler {
  readonly #resolve: (response: HttpResponse) => void;
  readonly #reject: (error: Error) => void;
  readonly #close: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #request: HttpRequest['request'];
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: ResponseHeaders = {};
  #controller: Dispatcher.DispatchController | undefined;
  #timeoutError: Error | undefined;
  #isSent = false;

  /** @param close runs when undici has ended the call. After a timeout this is later than the outcome. */
  constructor(
    timeout: number,
    request: HttpRequest['request'],
    resolve: (response: HttpResponse) => void,
    reject: (error: Error) => void,
    close: () => void,
  ) {
    this.#request = request;
    this.#close = close;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => {
      this.#timeoutError = new ResponseTimeout();
      this.#controller?.abort(this.#timeoutError);
      reject(this.#timeoutError);
    }, timeout);
  }

  isWanted(): boolean {
    return this.#timeoutError === undefined && this.#request?.isOver !== true;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The call may have timed out, or its request may be over, while it waited for a connection.
    if (this.#timeoutError !== undefined) controller.abort(this.#timeoutError);
    else if (this.#request?.isOver) controller.abort(new RequestEnded());
    else this.#isSent = true;
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: ResponseHeaders,
  ): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    this.#close();
    const [first, ...more] = this.#chunks;
    const content =
      first === undefined ? '' : (more.length === 0 ? first : Buffer.concat(this.#chunks)).toString();
    const status = this.#status;
    this.#resolve({ ok: status >= 200 && status < 300, status, headers: this.#headers, content });
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    clearTimeout(this.#timer);
    this.#close();
    this.#reject(this.#isSent && error !== this.#timeoutError ? new ResponseLost(error) : error);
  }
}
