import { describe, expect, test } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createExampleApp, createTestApp, findFreePort, sendRequest } from '../../support/app.ts';
import { createExampleAppAt, places } from '../../support/example-app-at.ts';
import { describeSplit, forwardTo, forwardToBytes } from '../../support/rogue.ts';
import { listInFlight, openSocket, sendRaw } from '../../support/sockets.ts';
import { until } from '../../support/until.ts';

const json = { 'content-type': 'application/json' };

describe('a broken response of a service', () => {
  const ok = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
  const broken = {
    'in a chunk': `${ok}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`,
    'after a chunk': `${ok}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n`,
    'in its headers': 'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
    'in its status line': 'HTTP/9.9 999999\r\n\r\n',
    'with two content lengths': `${ok}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
    'with a control character in a header': `${ok}x-odd: a\x01\r\ncontent-length: 2\r\n\r\n{}`,
    'with DEL in a header': `${ok}x-odd: a\x7f\r\ncontent-length: 2\r\n\r\n{}`,
    'with an upgrade': 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    'with a status that HTTP does not define': 'HTTP/1.1 799 Odd\r\ncontent-length: 2\r\n\r\n{}',
  };

  test.for(Object.entries(broken))('%s: 503 for a read, 504 for a write, never 500', async ([, bytes], t) => {
    const { send, logs } = await forwardToBytes(t, (socket) => socket.end(bytes, 'latin1'));
    for (const [method, status] of [
      ['GET', 503],
      ['POST', 504],
    ] as const) {
      const response = await send(method, '/pet/pets/1/feed');
      expect([response.status, response.headers.get('retry-after')]).toEqual([status, '1']);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
    expect(logs.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

test('endless informational responses end in a 504, and their connection is closed', async (t) => {
  const { send, connections } = await forwardToBytes(
    t,
    (socket) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'), 50);
      socket.once('close', () => clearInterval(timer));
    },
    { calls: { deadline: 200 } },
  );
  expect((await send('GET', '/pet/pets/1')).status).toBe(504);
  await until(() => expect(connections.size).toBe(0));
});

test('an informational response is dropped, and the response that follows is forwarded', async (t) => {
  const { send } = await forwardToBytes(t, (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n');
    socket.write('content-type: application/json\r\n\r\n{}');
  });
  const { status, body, headers } = await send('GET', '/pet/pets/1');
  expect([status, body, headers.get('link')]).toEqual([200, {}, null]);
});

test.for(places)('only the service rejects a method or a media type: pets %s', async (place, t) => {
  const { url } = await createExampleAppAt(t, place);
  const statusOf = async (method: string, path: string, headers: string[] = [], body?: string) =>
    (await sendRaw(t, url, { method, path, headers, ...(body !== undefined && { body }) })).status;
  expect(await statusOf('QUERY', '/pet/pets/')).toBe(405);
  expect(await statusOf('QUERY', '/pet/pets/', [], '{}')).toBe(405);
  expect(await statusOf('QUERY', '/pet/nowhere')).toBe(404);
  expect(await statusOf('PROPFIND', '/pet/pets/')).toBe(405);
  const post = (path: string, type: string) =>
    sendRequest(`${url}${path}`, 'POST', 'x', { 'content-type': type });
  expect((await post('/pet/nowhere', 'nonsense')).status).toBe(404);
  expect((await post('/pet/pets/1', 'nonsense')).status).toBe(405);
  expect((await post('/pet/pets/', 'nonsense')).status).toBe(415);
  expect((await post('/pet/pets/', 'text/plain')).status).toBe(415);
});

test.for([false, true])(
  'headers may have `limits.headers` bytes, and no more: split %s',
  async (split, t) => {
    const config = { internal: { key: 'k'.repeat(200) } };
    const { url } = await createExampleApp(t, { split, config });
    const statusOf = async (bytes: number) =>
      (await sendRaw(t, url, { path: '/pet/pets/', headers: [`x-large: ${'a'.repeat(bytes)}`] })).status;
    expect(await statusOf(16_300)).toBe(200);
    expect(await statusOf(16_700)).toBe(431);
  },
);

test('a request is forwarded with the same path and body, without hop-by-hop headers and those that a client may forge', async (t) => {
  const seen: { line: string; headers: Record<string, unknown>; body: string }[] = [];
  const { url } = await forwardTo(t, async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('latin1')) body += part;
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
    response.writeHead(200, json).end('{}');
  });
  const path = '/pet/%70ets/%C3%a9;x?a=%2F&a=%20!&b';
  const dropped = {
    'x-mine': '1',
    'keep-alive': '3',
    te: 'trailers',
    'proxy-connection': 'close',
    'proxy-authorization': 'Basic YTpi',
    'x-draining': '1',
    'x-real-ip': '1.2.3.4',
    'x-forwarded-for': '1.2.3.4',
    'x-forwarded-host': 'evil.example',
    forwarded: 'for=1.2.3.4',
    'x-service': 'user',
    'x-internal': 'service forged',
    'x-hops': '2',
    'x-deadline-ms': '1',
    origin: 'http://localhost',
    'sec-fetch-site': 'same-origin',
  };
  const headers = [
    ...['content-type: Text/X; a="b"', 'connection: x-mine', 'x-own: \xe9', 'x-client-address: 1.2.3.4'],
    ...Object.entries(dropped).map(([name, value]) => `${name}: ${value}`),
  ];
  const body = Buffer.from([0, 255, 13, 10, 128]);
  for (const chunked of [false, true]) {
    seen.length = 0;
    const { status } = await sendRaw(t, url, { method: 'PATCH', path, headers, body, chunked });
    expect(status).toBe(200);
    expect(seen).toMatchObject([{ line: `PATCH ${path}`, body: body.toString('latin1') }]);
    const got = seen[0]?.headers ?? {};
    expect(got).toMatchObject({ 'content-length': '5', 'x-own': '\xe9', 'x-client-address': '127.0.0.1' });
    // The gateway creates an id for a request that has none.
    expect(got['x-request-id']).toMatch(/^[\w-]{8,}$/);
    for (const name of [...Object.keys(dropped), 'transfer-encoding']) expect(got).not.toHaveProperty(name);
  }
});

test('a response has the headers that the service sets, in every grouping', async (t) => {
  const own = {
    'content-security-policy': "default-src 'self'",
    'cross-origin-resource-policy': 'cross-origin',
    'x-frame-options': 'SAMEORIGIN',
    'x-own': '1',
  };
  const pages = defineService({
    name: 'pages',
    description: 'Sets security headers and others.',
    routes(scope) {
      scope.get('/page', { schema: { hide: true } }, async (_request, reply) => {
        reply.headers(own);
        return {};
      });
    },
  });
  for (const split of [false, true]) {
    const { get } = await createTestApp(t, { services: [pages], split });
    const { headers } = await get('/pages/page');
    expect(Object.fromEntries(headers), `split ${split}`).toMatchObject({
      ...own,
      'x-content-type-options': 'nosniff',
    });
  }
});

test('the gateway sets the request id, CORS, HSTS and missing security headers of a response', async (t) => {
  const { url } = await forwardTo(
    t,
    (_request, response) => {
      response.writeHead(200, {
        ...json,
        'x-request-id': 'theirs',
        'content-security-policy': "default-src 'self'",
        'access-control-allow-origin': '*',
        'access-control-allow-credentials': 'true',
        'strict-transport-security': 'max-age=1',
        vary: 'accept, ORIGIN',
        connection: 'x-mine',
        'x-mine': '1',
        'keep-alive': 'timeout=7',
        'x-draining': '1',
        'x-kept': 'yes',
        'set-cookie': ['a=1', 'b=2'],
      });
      response.end('{}');
    },
    { origins: ['https://app.example'] },
  );
  const { headers } = await sendRequest(`${url}/pet/pets/1`, 'GET', undefined, {
    origin: 'https://app.example',
    'x-request-id': 'ours',
  });
  expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-request-id': 'ours',
    'content-security-policy': "default-src 'self'",
    'x-frame-options': 'DENY',
    'access-control-allow-origin': 'https://app.example',
    vary: 'Origin, accept',
    connection: 'keep-alive',
    'x-kept': 'yes',
  });
  for (const name of [
    'access-control-allow-credentials',
    'strict-transport-security',
    'x-mine',
    'x-draining',
  ])
    expect(headers.has(name), name).toBe(false);
  expect(headers.get('keep-alive')).not.toBe('timeout=7');
});

test('a response to HEAD has the headers of GET, and a 204 and a 304 are forwarded', async (t) => {
  const { url } = await forwardTo(t, (request, response) => {
    if (request.url === '/pet/gone') response.writeHead(204).end();
    else if (request.url === '/pet/same') response.writeHead(304, { etag: '"a"' }).end();
    else
      response
        .writeHead(200, { ...json, 'content-length': 7 })
        .end(request.method === 'GET' ? '{"a":1}' : '');
  });
  const head = await sendRequest(`${url}/pet/pets`, 'HEAD');
  expect([head.status, head.headers.get('content-length'), head.body]).toEqual([200, '7', '']);
  expect((await sendRequest(`${url}/pet/pets`, 'GET')).body).toEqual({ a: 1 });
  expect((await sendRequest(`${url}/pet/gone`, 'GET')).status).toBe(204);
  expect((await sendRequest(`${url}/pet/same`, 'GET')).headers.get('etag')).toBe('"a"');
});

test('the gateway survives the end of a connection during a pipelined chunked body', async (t) => {
  const { url, send, app } = await forwardTo(t, (_request, response) => {
    setTimeout(() => response.writeHead(200, json).end('{}'), 20);
  });
  const chunked = 'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n4\r\nab';
  const get = 'GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\n\r\n';
  for (const close of ['resetAndDestroy', 'destroy', 'end'] as const) {
    for (let round = 0; round < 5; round += 1) {
      const { socket, write } = openSocket(t, url);
      write(get + chunked);
      await new Promise((wake) => setTimeout(wake, 10 * round));
      socket[close]();
    }
  }
  await until(() => expect(listInFlight(app.server)).toEqual([]));
  expect((await send('GET', '/pet/pets/')).status).toBe(200);
});

test('the gateway waits for a response longer than the deadline of calls', async (t) => {
  const { send } = await forwardTo(
    t,
    (_request, response) => void setTimeout(() => response.writeHead(200, json).end('{}'), 2_600),
    { calls: { deadline: 2_000 } },
  );
  expect((await send('GET', '/pet/pets/1')).status).toBe(200);
});

test('a request for a service that accepts no connections is a 503', async (t) => {
  const apps = describeSplit(await findFreePort());
  const { send } = await createExampleApp(t, { config: { apps } });
  for (const path of ['/pet/pets/1', '/pet/health', '/pet/docs'])
    expect((await send('GET', path)).status).toBe(503);
});
