import { Agent, type Dispatcher } from 'undici';

/** Of a Fetch API `Request` what openapi-fetch and `send` need. */
export class Call {
  readonly url: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Headers | Record<string, string>;
  readonly body: string | null;
  /** ms for the whole answer. */
  readonly timeout: number;

  constructor(url: string, { method, headers, body, timeout }: CallInit) {
    this.url = url;
    this.method = method;
    this.headers = headers;
    this.body = body ?? null;
    this.timeout = timeout;
  }
}

interface CallInit extends Pick<Call, 'method' | 'headers' | 'timeout'> {
  readonly body?: string;
}

type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Of a Fetch API `Response` what openapi-fetch and its callers need; it is all there. */
export class Answer {
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  readonly status: number;
  readonly content: string;

  constructor(status: number, headers: AnswerHeaders, content: string) {
    this.ok = status >= 200 && status < 300;
    this.headers = { get: (name) => headers[name.toLowerCase()]?.toString() ?? null };
    this.status = status;
    this.content = content;
  }

  async text(): Promise<string> {
    return this.content;
  }
}

/** There was no whole answer within the call's timeout. */
export class NoAnswerInTime extends Error {}

export interface TransportLimits {
  /** How many at once; 32. */
  readonly connections?: number;
  /** Bytes of the body of an answer; any. */
  readonly answer?: number;
  /** ms until a connection that is not used is closed; as its server allows. */
  readonly unused?: number | undefined;
}

/**
 * A `fetch` on a bounded pool of connections, past which calls wait for their turn. It follows no redirect, and
 * resolves with the whole answer. It takes undici at its lowest: its `fetch` and `request` make streams for each
 * call, which cost up to three times as much, and outlive the young generation of the heap.
 */
export function openTransport({ connections, answer, unused }: TransportLimits = {}) {
  const maxResponseSize = answer ?? -1;
  const agent = new Agent({
    connections: connections ?? 32,
    pipelining: 1,
    maxResponseSize,
    ...(unused !== undefined && { keepAliveMaxTimeout: unused }),
    // Each call has a timeout of its own, for the whole of it.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send({ url, method, headers, body, timeout }: Call): Promise<Answer> {
      const path = url.indexOf('/', 'https://'.length);
      const options = { origin: url.slice(0, path), path: url.slice(path), method, headers, body };
      return new Promise((resolve, reject) => {
        agent.dispatch(options, new Collector(timeout, resolve, reject));
      });
    },
    close: () => agent.destroy(),
  };
}

/** Collects one answer. */
class Collector implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: AnswerHeaders = {};
  #controller: Dispatcher.DispatchController | undefined;
  #late: Error | undefined;

  constructor(timeout: number, resolve: (answer: Answer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => {
      this.#late = new NoAnswerInTime();
      this.#controller?.abort(this.#late);
      reject(this.#late);
    }, timeout);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It may have waited for a connection until it was too late.
    if (this.#late !== undefined) controller.abort(this.#late);
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    const [first, ...more] = this.#chunks;
    const content =
      first === undefined ? '' : (more.length === 0 ? first : Buffer.concat(this.#chunks)).toString();
    this.#resolve(new Answer(this.#status, this.#headers, content));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#timer);
    this.#reject(error);
  }
}
