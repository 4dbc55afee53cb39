/** A response whose body has been read. */
export interface TestResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed value of a JSON body; the text of any other. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any shape that arrives
  readonly body: any;
}

/** Sends a request, and reads the response. Does not follow redirects. A body that is a string is sent as it is, as JSON. */
export async function sendRequest(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<TestResponse> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}
