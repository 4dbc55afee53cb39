import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import type { InFlightRequest } from '../../src/framework/http/request-lifecycle.ts';
import { readResponse, type TestResponse } from '../../src/framework/testing/send-request.ts';
import type { TestApp } from './app.ts';

/** A connection that sends bytes unchanged. Each character of a string is one byte (Latin-1). */
export interface RawConnection {
  readonly socket: Socket;
  write(bytes: string | Buffer): void;
  /** Returns all bytes that came so far. */
  text(): string;
  /** Resolves with all bytes when the server has closed the connection. Rejects after `timeoutMs`. */
  closed(timeoutMs?: number): Promise<string>;
}

/** Opens a connection, which is closed when the test ends. */
export function openSocket(t: TestContext, url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  t.onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (part) => {
    text += part;
  });
  // A reset also ends the connection. The bytes before it count.
  socket.on('error', () => {});
  const end = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    socket,
    write: (bytes) => void (socket.writable && socket.write(bytes, 'latin1')),
    text: () => text,
    async closed(timeoutMs = 5_000) {
      const timeout = once(AbortSignal.timeout(timeoutMs), 'abort').then(() => {
        throw new Error(`still open after ${timeoutMs} ms, with ${JSON.stringify(text.slice(0, 500))}`);
      });
      await Promise.race([end, timeout]);
      return text;
    },
  };
}

/** Opens a connection, and waits until it is connected. */
export async function openConnectedSocket(t: TestContext, url: string): Promise<RawConnection> {
  const connection = openSocket(t, url);
  await once(connection.socket, 'connect');
  return connection;
}

/** The connections of the gateway, without those of services that wait for events. */
export function countConnections({ app }: TestApp): Promise<number> {
  const { server } = app;
  const polls = server.inFlight.length - listInFlight(server).length;
  return new Promise((resolve) => server.server.getConnections((_error, count) => resolve(count - polls)));
}

/** The requests in flight, without those of services that wait for events. */
export function listInFlight({ inFlight }: TestApp['app']['server']): InFlightRequest[] {
  return inFlight.filter(({ request }) => request.routeOptions.config.isLongPoll !== true);
}

/** Sends bytes, each part in a separate packet. Resolves with all responses when the server closes the connection. */
export async function exchange(
  t: TestContext,
  url: string,
  ...parts: (string | Buffer)[]
): Promise<TestResponse[]> {
  const connection = openSocket(t, url);
  for (const [index, part] of parts.entries()) {
    if (index > 0) await sleep(10);
    connection.write(part);
  }
  return readResponses(await connection.closed());
}

/** A request that no client library changes: nothing is normalized, encoded or added but the host. */
interface RawRequest {
  readonly method?: string;
  /** The path in the request line, in Latin-1. */
  readonly path: string;
  /** Header lines, in Latin-1. */
  readonly headers?: readonly string[];
  /** Sent as JSON. */
  readonly body?: Buffer | string;
  readonly chunked?: boolean;
}

/** Sends a request on a new connection, which the server closes after its response. */
export async function sendRaw(
  t: TestContext,
  url: string,
  { method = 'GET', path, headers = [], body, chunked = false }: RawRequest,
): Promise<TestResponse> {
  const bytes = Buffer.from(body ?? '').toString('latin1');
  const length = chunked ? 'transfer-encoding: chunked' : `content-length: ${bytes.length}`;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: localhost',
    'connection: close',
    ...headers,
    ...(body === undefined ? [] : ['content-type: application/json', length]),
  ];
  const content = chunked ? `${bytes.length.toString(16)}\r\n${bytes}\r\n0\r\n\r\n` : bytes;
  const responses = await exchange(t, url, `${lines.join('\r\n')}\r\n\r\n${content}`);
  if (responses.length !== 1) throw new Error(`Expected one response, got ${responses.length}`);
  return responses[0] as TestResponse;
}

/**
 * Reads the responses of one connection, without informational ones.
 * @throws {Error} if the bytes are not complete responses with a content length.
 */
export function readResponses(text: string): TestResponse[] {
  const responses: TestResponse[] = [];
  for (let rest = text; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    const [first = '', ...fields] = rest.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    if (end < 0 || Number.isNaN(status))
      throw new Error(`not a response: ${JSON.stringify(rest.slice(0, 300))}`);
    const rawHeaders = fields.flatMap((field) => field.split(/: ?(.*)/, 2));
    const length =
      status < 200 ? 0 : Number(/^content-length: *(\d+)$/im.exec(fields.join('\n'))?.[1] ?? Number.NaN);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length !== length) throw new Error(`${body.length} bytes of ${length}: ${rest.slice(0, 300)}`);
    if (status >= 200) responses.push(readResponse(status, rawHeaders, Buffer.from(body, 'latin1')));
    rest = rest.slice(end + 4 + length);
  }
  return responses;
}
