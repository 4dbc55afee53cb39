import { request } from 'node:http';

/** A response that is complete. */
export interface TestResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The name, in lower case, and the value of each header line. A repeated header has several entries. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** The body as it came. */
  readonly bytes: Buffer;
  /** The parsed value of a JSON body; the text of any other. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read members of bodies of any shape.
  readonly body: any;
}

/**
 * Sends a request without a body, or with a JSON body. A string or bytes are sent unchanged. Adds no header but the content
 * type, which is that of JSON if `headers` has none.
 */
export function sendRequest(
  url: string,
  method: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestResponse> {
  const type = body === undefined ? undefined : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...type, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve(readResponse(response.statusCode as number, response.rawHeaders, Buffer.concat(chunks))),
      );
    });
    sent.on('error', reject);
    const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    sent.end(isRaw ? body : JSON.stringify(body));
  });
}

/** Creates a response. @param rawHeaders names and values in turn, as in Node. */
export function readResponse(status: number, rawHeaders: readonly string[], bytes: Buffer): TestResponse {
  const pairs = rawHeaders.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] as string]] : [],
  );
  const headers = new Headers(pairs);
  const text = bytes.toString();
  const isJson = /json/.test(headers.get('content-type') ?? '') && text !== '';
  return { status, headers, rawHeaders: pairs, bytes, body: isJson ? JSON.parse(text) : text };
}
