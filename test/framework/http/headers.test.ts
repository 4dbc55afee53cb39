import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, type TestContext, test } from 'vitest';
import pet from '../../../src/services/pet/index.ts';
import { createExampleApp, createTestApp, findFreePort, sendRequest } from '../../support/app.ts';

interface Answer {
  readonly status: number;
  /** As they came: one that came twice is there twice. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  of(name: string): string[];
}

function get(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const raw = answer.rawHeaders;
        const pairs = raw.flatMap((name, index) =>
          index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] as string] as const] : [],
        );
        const of = (name: string) => pairs.filter(([key]) => key === name).map(([, value]) => value);
        resolve({ status: answer.statusCode ?? 0, headers: pairs, body: Buffer.concat(chunks), of });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** The product in one app, and with the pet service in an app behind the gateway, both with this config. */
async function startBoth(t: TestContext, config: object = {}) {
  const one = await createExampleApp(t, { config: { ...config } });
  const port = await findFreePort();
  const pets = { ...config, apps: { gateway: { port, services: ['pet'] } } };
  await createTestApp(t, { services: [pet], config: pets });
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port, services: ['pet'] },
  };
  const split = await createExampleApp(t, { config: { ...config, apps } });
  for (const { url } of [one, split]) {
    for (let index = 0; index < 30; index += 1)
      await fetch(`${url}/pet/pets/`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Rex', species: 'dog' }),
      });
  }
  return [one.url, split.url];
}

/** What helmet sends beside the policy for content: of data, and of pages. */
const ofData = [
  'cross-origin-resource-policy',
  'referrer-policy',
  'x-content-type-options',
  'x-frame-options',
];
const ofPages = [
  ...ofData,
  'cross-origin-opener-policy',
  'origin-agent-cluster',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
];
const strict = "default-src 'none';frame-ancestors 'none'";

function expectGuards({ of }: Answer, csp: string, guards = ofData): void {
  for (const name of guards) expect([name, of(name).length]).toEqual([name, 1]);
  expect(of('content-security-policy')).toEqual([csp]);
  expect(of('x-frame-options')).toEqual(['DENY']);
  expect(of('x-content-type-options')).toEqual(['nosniff']);
}

describe("helmet's headers", () => {
  test('are on every answer once, with the strict policy, whoever gives it and wherever it runs', async (t) => {
    for (const url of await startBoth(t)) {
      const asked = [
        { method: 'GET', path: '/' },
        { method: 'GET', path: '/health' },
        { method: 'GET', path: '/pet/pets/1' },
        { method: 'HEAD', path: '/pet/pets/1' },
        { method: 'GET', path: '/pet/openapi.json' },
        { method: 'GET', path: '/user/users/9' },
        { method: 'GET', path: '/pet/pets/x' },
        { method: 'DELETE', path: '/pet/pets' },
        { method: 'GET', path: '/nowhere' },
        { method: 'GET', path: '/pet/nowhere' },
        { method: 'GET', path: '/pet/%zz' },
        { method: 'GET', path: `/${'x'.repeat(9000)}` },
      ];
      for (const { method, path } of asked) expectGuards(await get(url, path, {}, method), strict);
    }
  });

  test('are on what is refused before it is a request, and on what is shed', async (t) => {
    const { url } = await createExampleApp(t, { config: { limits: { requests: 1, connections: 1 } } });
    const exchange = async (text: string) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      t.onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      socket.write(text);
      return String((await once(socket, 'data'))[0]);
    };
    const malformed = 'NONSENSE\r\n\r\n';
    const plain = 'GET /pet/ HTTP/1.1\r\nhost: localhost\r\n\r\n';
    await expect.poll(() => exchange(plain)).toMatch(/^HTTP\/1\.1 200 /);
    const answers = [await exchange(plain), await exchange(malformed)];
    expect(answers.map((answer) => answer.slice(9, 12))).toEqual(['503', '400']);
    for (const answer of answers)
      expect(answer.toLowerCase()).toContain(`content-security-policy: ${strict}\r\n`);
  });

  test('let the docs alone run their own scripts and styles, and upgrade nothing to HTTPS', async (t) => {
    for (const url of await startBoth(t)) {
      for (const path of ['/docs', '/pet/docs', '/user/docs/', '/pet/docs/static/swagger-ui.css']) {
        const answer = await get(url, path);
        expect([path, answer.status]).toEqual([path, 200]);
        const [csp] = answer.of('content-security-policy') as [string];
        expect(csp).toMatch(/script-src 'self';/);
        expect(csp).toMatch(/^default-src 'none';/);
        expect(csp).not.toMatch(/upgrade|unsafe-eval|script-src[^;]*unsafe|https?:|\*/);
        expectGuards(answer, csp, ofPages);
      }
      expect((await get(url, '/pet/pets/1')).of('content-security-policy')).toEqual([strict]);
    }
  });
});

describe('the pages of another origin', () => {
  const mine = 'https://app.example';
  const preflight = { origin: mine, 'access-control-request-method': 'PATCH' };

  test('may read nothing where none is configured', async (t) => {
    const { url } = await createExampleApp(t);
    const answer = await get(url, '/pet/pets/', { origin: mine });
    expect(answer.headers.filter(([name]) => name.startsWith('access-control') || name === 'vary')).toEqual(
      [],
    );
    expect((await get(url, '/pet/pets/', preflight, 'OPTIONS')).status).toBe(405);
  });

  test('may where theirs is configured, others may not; all else is as it was', async (t) => {
    for (const url of await startBoth(t, { origins: [mine] })) {
      for (const path of ['/pet/pets/1', '/user/users/9', '/nowhere']) {
        const answer = await get(url, path, { origin: mine });
        expect(answer.of('access-control-allow-origin')).toEqual([mine]);
        expect(answer.of('access-control-expose-headers')).toEqual([
          'idempotent-replayed, retry-after, x-request-id',
        ]);
        expect(answer.of('access-control-allow-credentials')).toEqual([]);
        expect(answer.of('vary')).toEqual(['Origin']);
      }
      const other = await get(url, '/pet/pets/1', { origin: 'https://app.example.evil' });
      expect(other.status).toBe(200);
      expect(other.of('access-control-allow-origin')).toEqual([]);

      const asked = await get(url, '/pet/pets/1', preflight, 'OPTIONS');
      expect(asked.status).toBe(204);
      expect(asked.of('access-control-allow-origin')).toEqual([mine]);
      expect(asked.of('access-control-allow-methods')).toEqual(['GET, HEAD, POST, PUT, PATCH, DELETE']);

      expect((await get(url, '/pet/pets', {}, 'OPTIONS')).status).toBe(405);
      expect((await get(url, '/nowhere', {}, 'OPTIONS')).status).toBe(404);
      expect((await get(url, '/nowhere')).status).toBe(404);
      const wrong = await get(url, '/pet/pets', {}, 'PUT');
      expect(wrong.status).toBe(405);
      expect(wrong.of('allow')).toEqual(['GET, HEAD, POST']);
    }
  });
});

describe('an answer is compressed', () => {
  test('for those who ask, where it is large, once, and it is the same', async (t) => {
    for (const url of await startBoth(t, { compress: true })) {
      const plain = await get(url, '/pet/pets/');
      expect(plain.body.length).toBeGreaterThan(1_024);
      expect([plain.of('content-encoding'), plain.of('vary')]).toEqual([[], []]);
      const zipped = await get(url, '/pet/pets/', { 'accept-encoding': 'gzip' });
      expect(zipped.of('content-encoding')).toEqual(['gzip']);
      expect(zipped.of('vary')).toEqual(['accept-encoding']);
      expect(zipped.body.length).toBeLessThan(plain.body.length / 2);
      expect(gunzipSync(zipped.body)).toEqual(plain.body);
      const page = await get(url, '/docs/static/swagger-ui.css', { 'accept-encoding': 'gzip, br' });
      expect(page.of('content-encoding')).toEqual(['br']);
      expect(brotliDecompressSync(page.body).toString()).toContain('.swagger-ui');
      for (const path of ['/pet/pets/1', '/user/users/9', '/pet/nowhere', '/health']) {
        const small = await get(url, path, { 'accept-encoding': 'gzip' });
        expect([path, small.of('content-encoding')]).toEqual([path, []]);
        expect(JSON.parse(String(small.body))).toBeTypeOf('object');
      }
      const head = await get(url, '/pet/pets/', { 'accept-encoding': 'gzip' }, 'HEAD');
      expect([head.status, head.body.length]).toEqual([200, 0]);
    }
  });

  test('by the gateway alone: an app behind it sends it as it is', async (t) => {
    const config = {
      compress: true,
      apps: {
        gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
        pets: { port: 0, url: 'http://127.0.0.1:1', services: ['pet'] },
      },
    };
    for (const [name, path, encodings] of [
      ['gateway', '/docs/static/swagger-ui.css', ['gzip']],
      ['pets', '/pet/docs/static/swagger-ui.css', []],
    ] as const) {
      const { url } = await createExampleApp(t, { config, app: name });
      const answer = await get(url, path, { 'accept-encoding': 'gzip' });
      expect([name, answer.status, answer.of('content-encoding')]).toEqual([name, 200, encodings]);
    }
  });

  test('not again where it comes so from behind the gateway', async (t) => {
    const whole = Buffer.from(JSON.stringify({ text: 'x'.repeat(5_000) }));
    const server = createServer((_asked, reply) => {
      reply
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync(whole));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as { port: number };
    const apps = {
      gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
      pets: { port, services: ['pet'] },
    };
    const { url } = await createExampleApp(t, { config: { apps, compress: true } });
    const answer = await get(url, '/pet/pets/', { 'accept-encoding': 'gzip, br' });
    expect(answer.of('content-encoding')).toEqual(['gzip']);
    expect(gunzipSync(answer.body)).toEqual(whole);
  });

  test('for nobody on loopback, unless the config says so', async (t) => {
    const { url } = await createExampleApp(t);
    const answer = await get(url, '/docs/static/swagger-ui.css', { 'accept-encoding': 'gzip, br' });
    expect(answer.of('content-encoding')).toEqual([]);
  });
});

test('no document and no link says what a client calls this host', async (t) => {
  const claims = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'evil',
    'x-forwarded-prefix': '/evil',
    forwarded: 'host=evil.example',
  };
  for (const config of [{ hosts: ['*'] }, { hosts: ['*'], proxies: ['127.0.0.1'] }]) {
    for (const url of await startBoth(t, config)) {
      const paths = [
        '/',
        '/pet',
        '/pet/',
        '/docs',
        '/docs/',
        '/pet/docs',
        '/openapi.json',
        '/pet/openapi.json',
      ];
      for (const path of [
        ...paths,
        '/docs/static/swagger-initializer.js',
        '/nowhere',
        '/pet/nowhere',
        '/pet/%zz',
      ]) {
        const { status, headers, body } = await get(url, path, claims);
        expect(status).toBeLessThan(500);
        expect(`${path} ${JSON.stringify(headers)} ${body}`).not.toMatch(/evil/);
      }
    }
  }
});

test('docs can be switched off; the documents are there for the neighbours', async (t) => {
  for (const url of await startBoth(t, { docs: false })) {
    for (const path of ['/docs', '/docs/', '/pet/docs', '/user/docs', '/docs/static/swagger-ui.css']) {
      const answer = await get(url, path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.of('content-type')[0]).toContain('application/problem+json');
    }
    for (const path of ['/openapi.json', '/pet/openapi.json'])
      expect((await get(url, path)).status).toBe(200);
    for (const name of ['pet', 'user']) {
      const home = await sendRequest(`${url}/${name}/`, 'GET');
      expect(home.body).toEqual({ name, openapi: `/${name}/openapi.json` });
    }
  }
});

describe('an app that other machines reach', () => {
  const warnings = async (t: TestContext, host: string, config: object = {}) => {
    const apps = { gateway: { host, port: 0, services: ['pet', 'user'] } };
    const { logs, url } = await createExampleApp(t, { config: { apps, ...config } });
    return { url, warned: logs.filter(({ level }) => level === 'warn').map(({ msg }) => msg) };
  };

  test('says in one line that nothing is configured for that, and is careful all the same', {
    timeout: 180_000,
  }, async (t) => {
    const { url, warned } = await warnings(t, '0.0.0.0');
    expect(warned).toHaveLength(1);
    expect(warned[0]).toMatch(
      /^listening on a non-loopback address with default settings: review limits\.rate/,
    );
    const zipped = await get(url, '/docs/static/swagger-ui.css', { 'accept-encoding': 'gzip' });
    expect(zipped.of('content-encoding')).toEqual(['gzip']);
    const statuses = new Set<number>();
    for (let round = 0; round < 61; round += 1) {
      const answers = Array.from({ length: 100 }, () => fetch(`${url}/nowhere`));
      for (const answer of await Promise.all(answers)) {
        await answer.arrayBuffer();
        statuses.add(answer.status);
      }
    }
    expect([...statuses].sort()).toEqual([404, 429]);
  });

  test('says nothing where something is, or on loopback', async (t) => {
    for (const config of [{ limits: { rate: 0 } }, { docs: false }, { origins: ['*'] }, { hosts: [] }])
      expect((await warnings(t, '0.0.0.0', config)).warned).toEqual([]);
    for (const host of ['127.0.0.1', 'localhost', '127.1.2.3'])
      expect((await warnings(t, host)).warned).toEqual([]);
  });
});
