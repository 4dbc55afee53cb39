import { expect, test } from 'vitest';
import { createExampleAppAt, listResponses, places } from '../../../support/example-app-at.ts';
import { exchange } from '../../../support/sockets.ts';

const body = '{"name":"smuggled","species":"dog"}';
const json = 'host: localhost\r\ncontent-type: application/json\r\n';
/** A request that follows each malformed request. The server must never handle it. */
const hidden = `POST /pet/pets/ HTTP/1.1\r\n${json}content-length: ${body.length}\r\n\r\n${body}`;
const get = (line: string, headers = 'host: localhost\r\n') => `${line}\r\n${headers}\r\n`;
const post = (headers: string, sent = body) => `POST /pet/pets/ HTTP/1.1\r\n${json}${headers}\r\n${sent}`;
const chunked = (sent: string) => post('transfer-encoding: chunked\r\n', sent);
const size = body.length.toString(16);
const inHttp10 = (path: string) =>
  `POST ${path} HTTP/1.0\r\n${json}connection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n${size}\r\n${body}\r\n0\r\n\r\n`;

/** Input that is not HTTP/1.1. The response is 400 unless another status is given. */
const malformed: Readonly<Record<string, string | Buffer | readonly [number, string]>> = {
  'an unknown method': get('FOO /pet/pets/ HTTP/1.1'),
  'a method in lower case': get('get /pet/pets/ HTTP/1.1'),
  'an endless method': get(`${'A'.repeat(20_000)} / HTTP/1.1`),
  'a version 1.2': get('GET /pet/pets/ HTTP/1.2'),
  'a version 2.0': get('GET /pet/pets/ HTTP/2.0'),
  'a version with a suffix': get('GET /pet/pets/ HTTP/1.1x'),
  'no version, as of HTTP/0.9': 'GET /pet/pets/\r\n\r\n',
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'the hello of TLS': Buffer.from('16030100f8010000f40303aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'hex'),
  'all byte values': Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  'a greeting of SSH': 'SSH-2.0-x\r\n',
  'tabs in the first line': get('GET\t/pet/pets/\tHTTP/1.1'),
  'no host': get('GET /pet/pets/ HTTP/1.1', ''),
  'two hosts': get('GET /pet/pets/ HTTP/1.1', 'host: a\r\nhost: b\r\n'),
  'two hosts that are the same': get('GET /pet/pets/ HTTP/1.1', 'host: a\r\nhost: a\r\n'),
  'a host that is a list': get('GET /pet/pets/ HTTP/1.1', 'host: a, b\r\n'),
  'a host with a path': get('GET /pet/pets/ HTTP/1.1', 'host: a/b\r\n'),
  'a host with a user': get('GET /pet/pets/ HTTP/1.1', 'host: a@b\r\n'),
  'a space before the colon': get('GET /pet/pets/ HTTP/1.1', 'host: localhost\r\nx-a : 1\r\n'),
  'a space before the colon of a length': post(`content-length : ${body.length}\r\n`),
  'a header without a colon': get('GET /pet/pets/ HTTP/1.1', 'host: localhost\r\nnonsense\r\n'),
  'a header without a name': get('GET /pet/pets/ HTTP/1.1', 'host: localhost\r\n: 1\r\n'),
  'bare line feeds': 'GET /pet/pets/ HTTP/1.1\nhost: x\n\n',
  'a bare line feed after a header': get('GET /pet/pets/ HTTP/1.1', 'host: localhost\r\nx-a: 1\nx-b: 2\r\n'),
  'a bare carriage return in a header': get(
    'GET /pet/pets/ HTTP/1.1',
    'host: localhost\r\nx-a: 1\rx-b: 2\r\n',
  ),
  'a NUL in a header': get('GET /pet/pets/ HTTP/1.1', 'host: localhost\r\nx-a: 1\0 2\r\n'),
  'a NUL in the name of a header': get('GET /pet/pets/ HTTP/1.1', 'host: localhost\r\nx-\0a: 1\r\n'),
  'a NUL in the URL': get('GET /pet/\0pets/ HTTP/1.1'),
  'a non-ASCII byte in the URL': get('GET /pet/p\xe9ts/ HTTP/1.1'),
  'a folded header': get('GET /pet/pets/ HTTP/1.1', 'host: localhost\r\nx-a: 1\r\n folded\r\n'),
  'a fold before the first header': get('GET /pet/pets/ HTTP/1.1', ' host: localhost\r\n'),
  'a negative length': post('content-length: -1\r\n'),
  'a length with a plus': post(`content-length: +${body.length}\r\n`),
  'a hexadecimal length': post(`content-length: 0x${size}\r\n`),
  'an empty length': post('content-length: \r\n'),
  'a length that is too large for a number': post('content-length: 99999999999999999999999\r\n'),
  'a length that is a list': post(`content-length: ${body.length}, ${body.length}\r\n`),
  'two lengths': post(`content-length: ${body.length}\r\ncontent-length: 5\r\n`),
  'two lengths that are the same': post(
    `content-length: ${body.length}\r\ncontent-length: ${body.length}\r\n`,
  ),
  'a length and chunks': post('content-length: 4\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'),
  'chunks and a length': post('transfer-encoding: chunked\r\ncontent-length: 4\r\n', '0\r\n\r\n'),
  'chunked, but not last': post('transfer-encoding: chunked, gzip\r\n', '0\r\n\r\n'),
  'chunked after gzip': post('transfer-encoding: gzip, chunked\r\n', '0\r\n\r\n'),
  'chunked twice': post('transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'),
  'chunked and identity': post('transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n', '0\r\n\r\n'),
  identity: post('transfer-encoding: identity\r\n'),
  'almost chunked': post('transfer-encoding: xchunked\r\n', '0\r\n\r\n'),
  'chunked in quotes': post('transfer-encoding: "chunked"\r\n', '0\r\n\r\n'),
  'chunked after a vertical tab': post('transfer-encoding:\x0bchunked\r\n', '0\r\n\r\n'),
  'chunks in HTTP/1.0': inHttp10('/pet/pets/'),
  'chunks in HTTP/1.0, to a URL that cannot be decoded': inHttp10('/pet/%zz'),
  'two hosts, and a URL that cannot be decoded': get('GET /pet/%zz HTTP/1.1', 'host: a\r\nhost: b\r\n'),
  'chunks of an invalid size': chunked(`zz\r\n${body}\r\n0\r\n\r\n`),
  'chunks of an empty size': chunked(`\r\n${body}\r\n0\r\n\r\n`),
  'chunks of a negative size': chunked(`-1\r\n${body}\r\n0\r\n\r\n`),
  'chunks of a size with 0x': chunked(`0x${size}\r\n${body}\r\n0\r\n\r\n`),
  'chunks of a size with a space': chunked(`${size} \r\n${body}\r\n0\r\n\r\n`),
  'chunks of a size that is too large for a number': chunked(
    `fffffffffffffffff${size}\r\n${body}\r\n0\r\n\r\n`,
  ),
  'a chunk extension that is too large': chunked(`${size};${'a'.repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`),
  'a chunk extension that ends with a bare line feed': chunked(`${size};a\n${body}\r\n0\r\n\r\n`),
  'chunks with bare line feeds': chunked(`${size}\n${body}\n0\n\n`),
  'a chunk without a final CRLF': chunked(`${size}\r\n${body}0\r\n\r\n`),
  'a chunk that is longer than its size': chunked(`5\r\n${body}\r\n0\r\n\r\n`),
  'an invalid trailer': chunked(`${size}\r\n${body}\r\n0\r\nnonsense\r\n\r\n`),
  'a length in a trailer': chunked(`${size}\r\n${body}\r\n0\r\ncontent-length: 5\r\n\r\n`),
  'a trailer that is too large': [
    431,
    chunked(`${size}\r\n${body}\r\n0\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`),
  ],
  'a URL that is an authority': get('GET evil.example:80 HTTP/1.1'),
  'a URL that is a star': get('GET * HTTP/1.1'),
  CONNECT: get('CONNECT evil.example:80 HTTP/1.1'),
  'CONNECT with a path': get('CONNECT /pet/pets/ HTTP/1.1'),
  'a URL that is too large': [431, get(`GET /${'a'.repeat(40_000)} HTTP/1.1`)],
  'a header that is too large': [
    431,
    get('GET /pet/pets/ HTTP/1.1', `host: localhost\r\nx: ${'1'.repeat(40_000)}\r\n`),
  ],
  'thousands of headers': [
    431,
    get('GET /pet/pets/ HTTP/1.1', `host: localhost\r\n${'x: 1\r\n'.repeat(5_000)}`),
  ],
};

test.for(places)(
  'malformed input is rejected, and a request after it is not handled: pets %s',
  async (place, t) => {
    const { url, everyLog, send } = await createExampleAppAt(t, place);
    expect(Object.keys(malformed).length).toBeGreaterThan(60);
    let rejected = 0;
    for (const [name, sent] of Object.entries(malformed)) {
      const [status, bytes] = Array.isArray(sent) ? (sent as [number, string]) : [400, sent as string];
      const responses = await exchange(
        t,
        url,
        Buffer.concat([Buffer.from(bytes as string, 'latin1'), Buffer.from(hidden)]),
      );
      expect(
        responses.map((response) => response.status),
        name,
      ).toEqual([status]);
      const [{ headers, body }] = responses as [(typeof responses)[0]];
      expect(headers.get('content-type'), name).toMatch(/^application\/problem\+json/);
      expect(headers.get('connection'), name).toBe('close');
      expect(headers.get('x-request-id'), name).toMatch(/^[\w-]{1,64}$/);
      expect(body, name).toMatchObject({
        status,
        type: 'about:blank',
        title: expect.any(String),
      });
      rejected += 1;
      // The hidden request has created no pet.
      expect((await send('GET', '/pet/pets/')).body, name).toEqual([]);
    }
    expect(rejected).toBe(Object.keys(malformed).length);
    expect(listResponses(everyLog()).filter((line) => !/^GET | 400$/.test(line))).toEqual([]);
  },
);
