import { connect } from 'node:net';

/** An answer as it came over the wire, its body parsed where it is JSON. */
export interface Wire {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at any shape that comes
  readonly body: any;
}

/** A request byte by byte: nothing is normalized, encoded, added or refused, as a client library would. */
export interface RawBytes {
  readonly method?: string;
  /** As it stands in the first line, in Latin-1. */
  readonly path: string;
  /** Whole lines, in Latin-1. */
  readonly headers?: readonly string[];
  readonly body?: Buffer | string;
  readonly chunked?: boolean;
}

/** Sends it on a connection of its own, and reads the one answer to its end. */
export function sendRaw(url: string, { method = 'GET', path, headers = [], body, chunked }: RawBytes) {
  const bytes = Buffer.from(body ?? '');
  const length = chunked ? 'transfer-encoding: chunked' : `content-length: ${bytes.length}`;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: localhost',
    'connection: close',
    ...headers,
    ...(body === undefined ? [] : ['content-type: application/json', length]),
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  const content = chunked
    ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')])
    : bytes;
  return exchange(url, Buffer.concat([head, content]));
}

function exchange(url: string, bytes: Buffer): Promise<Wire> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (part) => parts.push(part));
    socket.on('error', (error) => (parts.length > 0 ? undefined : reject(error)));
    socket.on('close', () => resolve(read(Buffer.concat(parts).toString())));
  });
}

function read(text: string): Wire {
  const [head = '', body = ''] = text.split(/\r\n\r\n([\s\S]*)/, 2);
  const [first = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.split(':', 1)[0]?.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const isJson = /json/.test(headers['content-type'] ?? '') && body !== '';
  return { status: Number(first.split(' ')[1]), headers, body: isJson ? JSON.parse(body) : body };
}
