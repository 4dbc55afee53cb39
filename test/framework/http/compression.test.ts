import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createExampleApp, sendRequest } from '../../support/app.ts';
import { startPetServer } from '../../support/rogue.ts';
import { sendRaw } from '../../support/sockets.ts';
import { getCompressed, startBoth } from './headers-helper.ts';

describe('compression', () => {
  test('applies once, to large responses, for clients that accept it', async (t) => {
    for (const url of await startBoth(t, { compress: true })) {
      // `sendRaw` sends no `accept-encoding`.
      const plain = await sendRaw(t, url, { path: '/pet/pets/' });
      expect(JSON.stringify(plain.body).length).toBeGreaterThan(1_024);
      expect(plain.headers.has('content-encoding')).toBe(false);
      expect(plain.headers.has('vary')).toBe(false);
      const zipped = await getCompressed(`${url}/pet/pets/`);
      expect(zipped.headers.get('content-encoding')).toBe('gzip');
      expect(zipped.headers.get('vary')).toBe('accept-encoding');
      expect(zipped.body).toEqual(plain.body);
      const page = await getCompressed(`${url}/docs/static/swagger-ui.css`, 'gzip, br');
      expect(page.headers.get('content-encoding')).toBe('br');
      expect(page.body).toContain('.swagger-ui');
      for (const path of ['/pet/pets/1', '/user/users/9', '/pet/nowhere', '/health']) {
        const small = await getCompressed(`${url}${path}`);
        expect([path, small.headers.get('content-encoding')]).toEqual([path, null]);
        expect(small.body).toBeTypeOf('object');
      }
      const accepted = { 'accept-encoding': 'gzip' };
      const head = await sendRequest(`${url}/pet/pets/`, 'HEAD', undefined, accepted);
      expect([head.status, head.body]).toEqual([200, '']);
    }
  });

  test('is left to the gateway: an app behind it does not compress', async (t) => {
    const config = {
      compress: true,
      apps: {
        gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
        pets: { port: 0, url: 'http://127.0.0.1:1', services: ['pet'] },
      },
    };
    for (const [name, path, encoding] of [
      ['gateway', '/docs/static/swagger-ui.css', 'gzip'],
      ['pets', '/pet/docs/static/swagger-ui.css', null],
    ] as const) {
      const { url } = await createExampleApp(t, { config, app: name });
      const { status, headers } = await getCompressed(`${url}${path}`);
      expect([name, status, headers.get('content-encoding')]).toEqual([name, 200, encoding]);
    }
  });

  test('skips a response that an app behind the gateway has compressed', async (t) => {
    const large = { text: 'x'.repeat(5_000) };
    const apps = await startPetServer(t, (_request, response) => {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync(JSON.stringify(large)));
    });
    const { url } = await createExampleApp(t, { config: { apps, compress: true } });
    const { headers, body } = await getCompressed(`${url}/pet/pets/`, 'gzip, br');
    expect(headers.get('content-encoding')).toBe('gzip');
    expect(body).toEqual(large);
  });

  test('is off on loopback by default', async (t) => {
    const { url } = await createExampleApp(t);
    const { headers } = await getCompressed(`${url}/docs/static/swagger-ui.css`, 'gzip, br');
    expect(headers.get('content-encoding')).toBeNull();
  });
});
