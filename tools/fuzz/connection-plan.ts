import fc from 'fast-check';

/** A POST with an idempotency key. It is sent again after the connection has ended. */
export interface KeyedPost {
  readonly path: string;
  readonly body: string;
  readonly key: string;
}

/** The behaviour of a client on one connection. */
export interface Plan {
  /** Bytes (one character each), and the pause after each part in ms. */
  readonly parts: readonly { readonly bytes: string; readonly pause: number }[];
  readonly keyed: readonly KeyedPost[];
  /** Whether the client reads responses. */
  readonly reads: boolean;
  readonly end: 'reset' | 'destroy' | 'half-close' | 'wait' | 'idle';
}

interface Sent {
  readonly bytes: string;
  readonly keyed?: KeyedPost;
}

const pet = '{"name":"Rex","species":"dog"}';
const paths = [
  '/health',
  '/pet/health',
  '/user/ready',
  '/metrics',
  '/pet/pets/',
  '/pet/pets/1',
  '/user/users/1',
  '/user/users/',
  '/pet/docs/static/swagger-ui.css',
  '/pet/openapi.json',
  '/pet/nowhere',
  '/pet/%zz',
];

const head = (line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, 'host: localhost', ...headers, '', ''].join('\r\n');
const send = (bytes: string): Sent => ({ bytes });

/** Formats a request with a body: in one piece if `size` is 0, otherwise in chunks of up to `size` bytes. */
function withBody(line: string, body: string, size: number, ...headers: string[]): string {
  const type = 'content-type: application/json';
  if (size === 0) return head(line, type, `content-length: ${body.length}`, ...headers) + body;
  const chunks = (body.match(new RegExp(`.{1,${size}}`, 'gs')) ?? []).map(
    (chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`,
  );
  return `${head(line, type, 'transfer-encoding: chunked', ...headers)}${chunks.join('')}0\r\n\r\n`;
}

const chunkSize = fc.constantFrom(0, 0, 1, 7, 30);

/** The key determines the request, so the same key in two plans is the same request. */
const keyedPost = fc
  .record({ number: fc.integer({ min: 1, max: 1_000_000 }), size: chunkSize })
  .map(({ number, size }): Sent => {
    const key = `fuzz-${number}`;
    const keyed = [
      { path: '/pet/pets/1/treat', body: '', key },
      { path: '/pet/pets/1/feed', body: '', key },
      { path: '/user/users/1/pets/1', body: '', key },
      { path: '/pet/pets/', body: pet, key },
    ][number % 4] as KeyedPost;
    const bytes = withBody(
      `POST ${keyed.path}`,
      keyed.body,
      keyed.body === '' ? 0 : size,
      `idempotency-key: ${key}`,
    );
    return { bytes, keyed };
  });

const get = fc
  .tuple(fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'QUERY', 'PUT'), fc.constantFrom(...paths))
  .map(([method, path]) => send(head(`${method} ${path}`)));

const post = fc
  .tuple(fc.constantFrom(pet, '{', 'x'.repeat(70_000)), chunkSize)
  .map(([body, size]) => send(withBody('POST /pet/pets/', body, body.length > 100 ? 0 : size)));

const odd = fc
  .constantFrom(
    head('CONNECT x:1'),
    `${head('CONNECT x:1', 'content-length: 9')}{`,
    head('GET /pet/pets/', 'connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'),
    `${head('POST /pet/pets/', 'connection: upgrade', 'upgrade: h2c', 'content-length: 30')}${pet}`,
    head('POST /pet/pets/', 'expect: 100-continue', 'content-length: 30'),
    head('POST /pet/pets/', 'content-type: application/json', 'content-length: 30'),
    `${head('POST /pet/pets/', 'transfer-encoding: chunked')}4\r\nab`,
    `${head('POST /pet/pets/', 'transfer-encoding: chunked')}zz\r\nab`,
    head('POST /pet/pets/', 'transfer-encoding: chunked', 'content-length: 3'),
    head('GET /pet/pets/', `x-large: ${'x'.repeat(20_000)}`),
    head(`GET /pet/${'x'.repeat(9_000)}`),
    head('GET /pet/pets/', 'connection: close'),
    'GET /pet/pets/ HTTP/1.1\r\nhost',
    'NONSENSE\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    '\r\n\r\n\r\n',
  )
  .map(send);

const request = fc.oneof(
  { weight: 5, arbitrary: get },
  { weight: 5, arbitrary: keyedPost },
  { weight: 1, arbitrary: post },
  { weight: 3, arbitrary: odd },
);

/** Many requests in one piece: more than a connection may have in progress. */
const pipeline = fc
  .tuple(fc.array(request, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 20 }))
  .map(([requests, times]) => Array.from({ length: times }, () => requests).flat());

const sent = fc.oneof(
  { weight: 4, arbitrary: fc.array(request, { minLength: 1, maxLength: 8 }) },
  { weight: 1, arbitrary: pipeline },
);

/** Generates plans of connections. The same seed gives the same plans. */
export const plan: fc.Arbitrary<Plan> = fc
  .record({
    sent,
    /** The positions of cuts between parts, and of the end, as fractions of all bytes. */
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
    last: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    pause: fc.constantFrom(0, 1, 5, 30),
    reads: fc.boolean(),
    end: fc.constantFrom('reset', 'reset', 'destroy', 'half-close', 'wait', 'idle'),
  })
  .map(({ sent, cuts, last, pause, reads, end }) => {
    const all = sent.map(({ bytes }) => bytes).join('');
    const bytes = all.slice(0, Math.ceil(last * all.length));
    const positions = [
      ...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b),
      bytes.length,
    ];
    const parts = positions.map((position, index) => ({
      bytes: bytes.slice(positions[index - 1] ?? 0, position),
      pause,
    }));
    const keyed = sent.flatMap((one) => one.keyed ?? []);
    return { parts: parts.filter(({ bytes }) => bytes !== ''), keyed, reads, end } as Plan;
  });
