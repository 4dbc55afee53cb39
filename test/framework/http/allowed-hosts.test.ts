import { describe, expect, test } from 'vitest';
import { createHostCheck } from '../../../src/framework/http/allowed-hosts.ts';
import { createExampleApp, type TestResponse } from '../../support/app.ts';
import { createExampleAppAt, places } from '../../support/example-app-at.ts';
import { exchange } from '../../support/sockets.ts';

const get = (host: string | undefined, more = '', version = '1.1') =>
  `GET /pet/pets/ HTTP/${version}\r\n${host === undefined ? '' : `host: ${host}\r\n`}connection: close\r\n${more}\r\n`;

describe('a server on loopback serves', () => {
  test.for([
    'localhost',
    'LOCALHOST:8000',
    'localhost.:8000',
    '127.0.0.1',
    '127.0.0.1:65535',
    '127.9.8.7:80',
    '[::1]',
    '[::1]:8000',
    '',
  ])('%j', async (host, t) => {
    const { url } = await createExampleApp(t);
    const [response] = (await exchange(t, url, get(host))) as [TestResponse];
    expect(response.status).toBe(200);
  });

  test('any name that a proxy forwards, unless the config has hosts', async (t) => {
    const { url } = await createExampleApp(t, { config: { proxies: ['127.0.0.1'] } });
    const [response] = await exchange(t, url, get('localhost', 'x-forwarded-host: api.example\r\n'));
    expect(response?.status).toBe(200);
  });

  test('a request of HTTP/1.0 without a Host', async (t) => {
    const { url } = await createExampleApp(t);
    const [response] = (await exchange(t, url, get(undefined, '', '1.0'))) as [TestResponse];
    expect(response.status).toBe(200);
  });
});

describe('a server on loopback rejects', () => {
  test.for([
    'evil.example',
    'evil.example:8000',
    'localhost.evil.example',
    'localhost:8000.evil.example',
    '127.0.0.1.evil.example',
    'xlocalhost',
    '10.0.0.1',
    '0.0.0.0',
    '[::2]',
  ])('%j, the name of a page after DNS rebinding', async (host, t) => {
    const { url } = await createExampleApp(t);
    const [response] = (await exchange(t, url, get(host))) as [TestResponse];
    // This value is not a valid host.
    if (host.startsWith('localhost:')) return expect(response.status).toBe(400);
    expect(response.status).toBe(421);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.body).toEqual({
      type: 'about:blank',
      title: 'Misdirected Request',
      status: 421,
      detail: 'This server does not serve this Host: hosts in its config lists the names that it serves',
      instance: '/pet/pets/',
    });
  });

  test('a rebound page, whatever x-forwarded-host it sends', async (t) => {
    for (const config of [{}, { proxies: ['127.0.0.1'] }]) {
      const { url } = await createExampleApp(t, { config });
      const [response] = (await exchange(t, url, get('evil.example', 'x-forwarded-host: localhost\r\n'))) as [
        TestResponse,
      ];
      expect(response.status).toBe(421);
    }
  });
});

describe('with hosts in the config', () => {
  const config = { hosts: ['api.example', '[2001:db8::1]'] };

  test('a server on loopback serves those names too', async (t) => {
    const { url } = await createExampleApp(t, { config });
    for (const host of ['api.example', 'API.example.:443', '[2001:db8::1]:1', 'localhost:1'])
      expect([host, (await exchange(t, url, get(host)))[0]?.status]).toEqual([host, 200]);
    for (const host of ['www.api.example', 'example', '10.0.0.1'])
      expect([host, (await exchange(t, url, get(host)))[0]?.status]).toEqual([host, 421]);
  });

  test('the name that a proxy forwards must be listed', async (t) => {
    const { url } = await createExampleApp(t, { config: { ...config, proxies: ['127.0.0.1'] } });
    const statusFor = async (name: string) =>
      (await exchange(t, url, get('localhost', `x-forwarded-host: ${name}\r\n`)))[0]?.status;
    expect([
      await statusFor('api.example'),
      await statusFor('evil.example'),
      await statusFor('api.example'),
    ]).toEqual([200, 421, 200]);
  });

  test('"*" serves any name', async (t) => {
    const { url } = await createExampleApp(t, { config: { hosts: ['*'] } });
    expect((await exchange(t, url, get('any.example')))[0]?.status).toBe(200);
  });
});

describe('a server on a non-loopback address', () => {
  const app = { host: '0.0.0.0', url: 'http://pets.example:8001' };

  test('serves any name if the config has no hosts', () => {
    const isAllowed = createHostCheck({ app, names: undefined });
    for (const host of ['evil.example', '10.0.0.1:80', ''])
      expect([host, isAllowed(host)]).toEqual([host, true]);
  });

  test('serves listed hosts, its url, loopback, and addresses, because health checks use addresses', () => {
    const isAllowed = createHostCheck({ app, names: ['api.example'] });
    for (const host of [
      'api.example',
      'pets.example:8001',
      'localhost',
      '10.1.2.3:8000',
      '[fe80::1]:8000',
      '',
    ])
      expect([host, isAllowed(host)]).toEqual([host, true]);
    for (const host of ['evil.example', '10.1.2.3.evil.example', 'example'])
      expect([host, isAllowed(host)]).toEqual([host, false]);
  });

  test('serves the host that it is bound to', () => {
    const isAllowed = createHostCheck({ app: { host: 'box.example' }, names: [] });
    expect([isAllowed('box.example:80'), isAllowed('fox.example')]).toEqual([true, false]);
  });
});

test('a call with the internal credential passes under any name', async (t) => {
  const key = 'a-key-of-the-test-0123';
  const { url } = await createExampleApp(t, { config: { internal: { key } } });
  const statusWith = async (more: string) =>
    (await exchange(t, url, get('pets.internal:8001', more)))[0]?.status;
  expect(await statusWith(`x-internal: service ${key}\r\n`)).toBe(200);
  expect(await statusWith(`x-internal: gateway ${key}\r\n`)).toBe(200);
  expect(await statusWith('x-internal: service no-key-of-the-test\r\n')).toBe(421);
});

test.for(places)(
  'the gateway checks the host of requests that it forwards: a service %s',
  async (place, t) => {
    const { url } = await createExampleAppAt(t, place, { config: { hosts: ['api.example'] } });
    const statusFor = async (host: string) => (await exchange(t, url, get(host)))[0]?.status;
    expect([
      await statusFor('api.example'),
      await statusFor('localhost'),
      await statusFor('evil.example'),
    ]).toEqual([200, 200, 421]);
  },
);
