import { Agent, type Dispatcher } from 'undici';

/** Of a Fetch API `Request` what openapi-fetch and `send` need. */
export class Call {
  readonly url: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Headers | Record<string, string>;
  readonly body: string | null;
  readonly signal: AbortSignal | null;

  constructor(url: string, { method, headers, body, signal }: CallInit) {
    this.url = url;
    this.method = method;
    this.headers = headers;
    this.body = body ?? null;
    this.signal = signal ?? null;
  }
}

interface CallInit {
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Headers | Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** Of a Fetch API `Response` what openapi-fetch and its callers need. */
export class Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  readonly body: Dispatcher.ResponseData['body'];

  constructor({ statusCode, headers, body }: Dispatcher.ResponseData) {
    this.status = statusCode;
    this.ok = statusCode >= 200 && statusCode < 300;
    this.headers = { get: (name) => headers[name.toLowerCase()]?.toString() ?? null };
    this.body = body;
  }

  get bodyUsed(): boolean {
    return this.body.bodyUsed;
  }

  text(): Promise<string> {
    return this.body.text();
  }

  json(): Promise<unknown> {
    return this.body.json();
  }
}

/**
 * A `fetch` on a bounded pool of connections, in a third of the time of undici's own, which builds the streams and
 * the checks of the Fetch API for each call. It follows no redirect. Past the pool's size calls wait for their turn.
 */
export function openTransport(connections: number) {
  const agent = new Agent({ connections, pipelining: 1 });
  return {
    async send(call: Call): Promise<Answer> {
      const { url, method, headers, body, signal } = call;
      const path = url.indexOf('/', 'https://'.length);
      const request = { origin: url.slice(0, path), path: url.slice(path), method, headers, body, signal };
      return new Answer(await agent.request(request));
    },
    close: () => agent.destroy(),
  };
}
