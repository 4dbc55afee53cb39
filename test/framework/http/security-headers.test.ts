import { Type } from '@sinclair/typebox';
import { describe, expect, type TestContext, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createExampleApp, createTestApp, type TestResponse } from '../../support/app.ts';
import { createExampleAppAt, places } from '../../support/example-app-at.ts';
import { exchange } from '../../support/sockets.ts';

const key = 'a-key-of-the-test-0123';
const headersOfEach = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

function expectPolicy({ headers }: TestResponse): void {
  expect(Object.fromEntries(headers)).toMatchObject(headersOfEach);
  expect(headers.has('strict-transport-security')).toBe(false);
  expect(headers.get('x-request-id')).toMatch(/^[\w-]+$/);
}

/** Fails in ways in which the example services do not. */
const failing = defineService({
  name: 'failing',
  description: 'Fails.',
  routes(scope) {
    scope.get('/defect', { schema: { hide: true } }, async () => {
      throw new Error('a defect');
    });
    scope.get('/never', { schema: { hide: true } }, () => new Promise(() => {}));
    scope.post(
      '/strict',
      { schema: { hide: true, body: Type.Object({ name: Type.String({ maxLength: 200 }) }) } },
      async () => ({}),
    );
  },
});

const host = 'host: localhost\r\nconnection: close\r\n';
const json = `${host}content-type: application/json\r\n`;
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\n${host}${more}\r\n`;
const post = (path: string, more: string, body: string) =>
  `POST ${path} HTTP/1.1\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

/** Every way in which a server rejects a request: the bytes, and the status. */
const rejections: Record<string, readonly [bytes: string, status: number]> = {
  'no HTTP': ['NONSENSE\r\n\r\n', 400],
  'two hosts': [`GET / HTTP/1.1\r\nhost: a\r\n${host}\r\n`, 400],
  'a URL that cannot be decoded': [get('/failing/%zz'), 400],
  'a path with dots': [get('/failing/../x'), 400],
  'JSON that cannot be read': [post('/failing/strict', json, '{'), 400],
  'a page of another origin': [post('/failing/strict', `${json}sec-fetch-site: cross-site\r\n`, '{}'), 403],
  'an unknown route of a service': [get('/failing/nowhere'), 404],
  'an unknown route': [get('/nowhere'), 404],
  'another method': [post('/failing/never', json, '{}'), 405],
  'headers that never end': ['GET / HTTP/1.1\r\nhost: localhost\r\n', 408],
  'a large body': [post('/failing/strict', json, `{"name":"${'x'.repeat(70_000)}"}`), 413],
  'a long URL': [get(`/${'x'.repeat(9_000)}`), 414],
  'a body that is not JSON': [post('/failing/strict', `${host}content-type: text/plain\r\n`, 'x'), 415],
  'another host': ['GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n', 421],
  'a body that does not match the schema': [post('/failing/strict', json, '{}'), 422],
  'large headers': [get('/', `x: ${'x'.repeat(20_000)}\r\n`), 431],
  'a defect': [get('/failing/defect'), 500],
  'no response in time': [get('/failing/never'), 504],
  'too many hops': [get('/failing/defect', `x-internal: gateway ${key}\r\nx-hops: 9\r\n`), 508],
  'a tunnel': ['CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n', 400],
};

describe('the security headers are on the response to', () => {
  for (const [name, [bytes, status]] of Object.entries(rejections)) {
    test(name, async (t) => {
      // Only 408 and 504 need short time limits. On a busy machine these limits would break the other tests.
      const limits = { time: { [status === 408 ? 'headers' : 'handler']: 300 } };
      const config = { internal: { key }, ...([408, 504].includes(status) && { limits }) };
      const { url } = await createTestApp(t, { services: [failing], config });
      const [response] = (await exchange(t, url, bytes)) as [TestResponse];
      expect(response.status).toBe(status);
      expectPolicy(response);
    });
  }

  test('a client that sends too many requests', async (t) => {
    const { url } = await createTestApp(t, { services: [failing], config: { limits: { rate: 1 } } });
    const responses = [await exchange(t, url, get('/')), await exchange(t, url, get('/'))].flat();
    expect(responses.map((response) => response.status)).toEqual([200, 429]);
    responses.forEach(expectPolicy);
  });

  test('a client of a server that has too many connections', async (t) => {
    // The server must not close the idle connection in favor of the next one, however slow the machine is.
    Object.assign(internalLimits, { idleMs: 60_000 });
    const { url } = await createTestApp(t, { services: [failing], config: { limits: { connections: 1 } } });
    const first = await openConnection(t, url);
    const [response] = (await exchange(t, url, get('/'))) as [TestResponse];
    expect(response.status).toBe(503);
    expectPolicy(response);
    first.destroy();
  });

  test.for(places)('requests that a service handles or rejects, %s', async (place, t) => {
    const { url } = await createExampleAppAt(t, place);
    const expected: Record<string, number> = { '/pet/pets/': 200, '/pet/pets/9': 404, '/pet/pets/x': 422 };
    for (const [path, status] of Object.entries(expected)) {
      const [response] = (await exchange(t, url, get(path))) as [TestResponse];
      expect([path, response.status]).toEqual([path, status]);
      expectPolicy(response);
    }
  });

  test('a request for a service that is not reachable', async (t) => {
    const apps = {
      gateway: { port: 0, url: 'http://127.0.0.1:1', services: [] },
      away: { port: 1, services: ['failing'] },
    };
    const { url } = await createTestApp(t, { services: [failing], config: { apps } });
    const [response] = (await exchange(t, url, get('/failing/never'))) as [TestResponse];
    expect(response.status).toBe(503);
    expectPolicy(response);
  });
});

async function openConnection(t: TestContext, url: string) {
  const { connect } = await import('node:net');
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.onTestFinished(() => void socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

test('a call of a service gets no security headers, because no browser reads them', async (t) => {
  const { url } = await createExampleApp(t, { config: { internal: { key } } });
  const [response] = (await exchange(t, url, get('/pet/pets/', `x-internal: service ${key}\r\n`))) as [
    TestResponse,
  ];
  expect(response.status).toBe(200);
  for (const name of Object.keys(headersOfEach))
    expect([name, response.headers.has(name)]).toEqual([name, false]);
});

describe('strict-transport-security', () => {
  test('is on every response once if the config has hsts', async (t) => {
    Object.assign(internalLimits, { idleMs: 60_000 });
    const config = { hsts: { maxAge: 3_600 }, limits: { connections: 2 } };
    const { url } = await createExampleApp(t, { config });
    const texts = [get('/pet/pets/'), get('/pet/docs'), get('/nowhere'), 'NONSENSE\r\n\r\n', get('/pet/%zz')];
    for (const text of texts) {
      const [response] = (await exchange(t, url, text)) as [TestResponse];
      expect([text, response.headers.get('strict-transport-security')]).toEqual([text, 'max-age=3600']);
    }
    for (let count = 0; count < 2; count += 1) await openConnection(t, url);
    const [response] = (await exchange(t, url, get('/'))) as [TestResponse];
    expect([response.status, response.headers.get('strict-transport-security')]).toEqual([
      503,
      'max-age=3600',
    ]);
  });

  test('includes subdomains only if the config has includeSubDomains', async (t) => {
    const { url } = await createExampleApp(t, { config: { hsts: { maxAge: 1, includeSubDomains: true } } });
    const [response] = (await exchange(t, url, get('/'))) as [TestResponse];
    expect(response.headers.get('strict-transport-security')).toBe('max-age=1; includeSubDomains');
  });
});

test('the policy of the docs page allows forms only to the same origin', async (t) => {
  const { url } = await createExampleApp(t);
  const [response] = (await exchange(t, url, get('/pet/docs'))) as [TestResponse];
  const policies = (response.headers.get('content-security-policy') as string).split(';');
  expect(policies).toContain("form-action 'self'");
});
