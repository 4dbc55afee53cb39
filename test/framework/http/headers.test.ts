import { describe, expect, type TestContext, test } from 'vitest';
import { createExampleApp, sendRequest } from '../../support/app.ts';
import { exchange, listInFlight, openConnectedSocket, openSocket } from '../../support/sockets.ts';
import { until } from '../../support/until.ts';
import { get, getCompressed, startBoth } from './headers-helper.ts';

/** The headers that helmet sends with data and with pages, besides the content security policy. */
const dataHeaders = [
  'cross-origin-resource-policy',
  'referrer-policy',
  'x-content-type-options',
  'x-frame-options',
];
const pageHeaders = [
  ...dataHeaders,
  'cross-origin-opener-policy',
  'origin-agent-cluster',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
];
const strict = "default-src 'none';frame-ancestors 'none'";

function expectSecurityHeaders(headers: Headers, csp: string, names = dataHeaders): void {
  // `Headers` joins a header that was sent twice with a comma.
  for (const name of names)
    expect([name, headers.get(name)]).toEqual([name, expect.stringMatching(/^[^,]+$/)]);
  expect(headers.get('content-security-policy')).toBe(csp);
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
}

describe('the security headers', () => {
  test('are on every response once, with the strict policy, in one app and in two', async (t) => {
    for (const url of await startBoth(t)) {
      for (const [method, path] of [
        ['GET', '/'],
        ['GET', '/health'],
        ['GET', '/pet/pets/1'],
        ['HEAD', '/pet/pets/1'],
        ['GET', '/pet/openapi.json'],
        ['GET', '/user/users/9'],
        ['GET', '/pet/pets/x'],
        ['DELETE', '/pet/pets'],
        ['GET', '/nowhere'],
        ['GET', '/pet/nowhere'],
        ['GET', '/pet/%zz'],
        ['GET', `/${'x'.repeat(9_000)}`],
      ] as const)
        expectSecurityHeaders((await sendRequest(`${url}${path}`, method)).headers, strict);
    }
  });

  test('are on the response to malformed input, and on a rejection by load shedding', async (t) => {
    const { app, url } = await createExampleApp(t, { config: { limits: { requests: 1 } } });
    // This request stays in flight, because its body is incomplete.
    const held = openSocket(t, url);
    held.write('POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n');
    held.write('content-length: 2\r\n\r\n{');
    await until(() => expect(listInFlight(app.server)).toHaveLength(1));
    const sendText = async (text: string) => {
      const { text: received, write } = await openConnectedSocket(t, url);
      write(text);
      return until(() => {
        expect(received()).toContain('\r\n\r\n');
        return received();
      });
    };
    const malformed = 'NONSENSE\r\n\r\n';
    const plain = 'GET /pet/pets/ HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const responses = [await sendText(plain), await sendText(malformed)];
    expect(responses.map((response) => response.slice(9, 12))).toEqual(['503', '400']);
    for (const response of responses)
      expect(response.toLowerCase()).toContain(`content-security-policy: ${strict}\r\n`);
  });

  test('let only the docs run scripts and styles of this origin, without an upgrade to HTTPS', async (t) => {
    for (const url of await startBoth(t)) {
      for (const path of ['/docs', '/pet/docs', '/user/docs/', '/pet/docs/static/swagger-ui.css']) {
        const { status, headers } = await get(`${url}${path}`);
        expect([path, status]).toEqual([path, 200]);
        const csp = headers.get('content-security-policy') as string;
        expect(csp).toMatch(/script-src 'self';/);
        expect(csp).toMatch(/^default-src 'none';/);
        expect(csp).not.toMatch(/upgrade|unsafe-eval|script-src[^;]*unsafe|https?:|\*/);
        expectSecurityHeaders(headers, csp, pageHeaders);
      }
      expect((await get(`${url}/pet/pets/1`)).headers.get('content-security-policy')).toBe(strict);
    }
  });
});

test('no document and no link contains a host that a client claims', async (t) => {
  // Raw bytes, because `fetch` sends no `Host` of its caller.
  const claims = [
    'host: evil.example',
    'x-forwarded-host: evil.example',
    'x-forwarded-proto: evil',
    'x-forwarded-prefix: /evil',
    'forwarded: host=evil.example',
    'connection: close',
  ].join('\r\n');
  for (const config of [{ hosts: ['*'] }, { hosts: ['*'], proxies: ['127.0.0.1'] }]) {
    for (const url of await startBoth(t, config)) {
      for (const path of [
        ...['/', '/pet', '/pet/', '/docs', '/docs/', '/pet/docs', '/openapi.json', '/pet/openapi.json'],
        ...['/docs/static/swagger-initializer.js', '/nowhere', '/pet/nowhere', '/pet/%zz'],
      ]) {
        const [response] = await exchange(t, url, `GET ${path} HTTP/1.1\r\n${claims}\r\n\r\n`);
        expect(response?.status).toBeLessThan(500);
        expect(JSON.stringify([path, [...(response?.headers ?? [])], response?.body])).not.toMatch(/evil/);
      }
    }
  }
});

test('without docs the OpenAPI documents are still served, because peers read them', async (t) => {
  for (const url of await startBoth(t, { docs: false })) {
    for (const path of ['/docs', '/docs/', '/pet/docs', '/user/docs', '/docs/static/swagger-ui.css']) {
      const { status, headers } = await get(`${url}${path}`);
      expect([path, status]).toEqual([path, 404]);
      expect(headers.get('content-type')).toContain('application/problem+json');
    }
    for (const path of ['/openapi.json', '/pet/openapi.json'])
      expect((await get(`${url}${path}`)).status).toBe(200);
    for (const name of ['pet', 'user']) {
      const { body } = await get(`${url}/${name}/`);
      expect(body).toEqual({ name, openapi: `/${name}/openapi.json` });
    }
  }
});

describe('an app on a non-loopback address', () => {
  const start = async (t: TestContext, host: string, config: object = {}) => {
    const apps = { gateway: { host, port: 0, services: ['pet', 'user'] } };
    const { logs, url } = await createExampleApp(t, { config: { apps, auth: false, ...config } });
    return { url, warnings: logs.filter(({ level }) => level === 'warn').map(({ msg }) => msg) };
  };

  test('warns once about default settings, and compresses and limits the rate nevertheless', {
    timeout: 180_000,
  }, async (t) => {
    const { url, warnings } = await start(t, '0.0.0.0');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^listening on a non-loopback address with default settings: review limits\.rate/,
    );
    const zipped = await getCompressed(`${url}/docs/static/swagger-ui.css`);
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    const statuses = new Set<number>();
    for (let round = 0; round < 61; round += 1) {
      const responses = Array.from({ length: 100 }, () => get(`${url}/nowhere`));
      for (const { status } of await Promise.all(responses)) statuses.add(status);
    }
    expect([...statuses].sort()).toEqual([404, 429]);
  });

  test('does not warn if the config has one of these settings, or on loopback', async (t) => {
    for (const config of [{ limits: { rate: 0 } }, { docs: false }, { origins: ['*'] }, { hosts: [] }])
      expect((await start(t, '0.0.0.0', config)).warnings).toEqual([]);
    for (const host of ['127.0.0.1', 'localhost', '127.1.2.3'])
      expect((await start(t, host)).warnings).toEqual([]);
  });
});
