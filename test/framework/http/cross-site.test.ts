import { describe, expect, type TestContext, test } from 'vitest';
import { createExampleApp, sendRequest, type TestResponse } from '../../support/app.ts';
import { createExampleAppAt, type Place, places } from '../../support/example-app-at.ts';
import { exchange } from '../../support/sockets.ts';

const host = 'localhost:8000';
const sameOrigin = `http://${host}`;
const allowedOrigin = 'https://app.example';

/** Sends a request with this method and these headers. */
async function send(t: TestContext, url: string, method: string, headers: Record<string, string>) {
  const path = method === 'POST' ? '/pet/pets/1/treat' : '/pet/pets/1';
  const lines = Object.entries({ host, connection: 'close', 'content-length': '0', ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const [response] = await exchange(t, url, `${method} ${path} HTTP/1.1\r\n${head}\r\n`);
  return response as TestResponse;
}

type Row = readonly [headers: Record<string, string>, status: number];
const passed = 404;

/** The headers that browsers and other clients send with an empty POST. A handled request is 404, because the pet is missing. */
const rows: Record<string, Row> = {
  'a program without either header': [{}, passed],
  'the page itself': [{ 'sec-fetch-site': 'same-origin', origin: sameOrigin }, passed],
  'a user who types the address': [{ 'sec-fetch-site': 'none' }, passed],
  'a page of another site': [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 403],
  'a page of another site that hides its origin': [{ 'sec-fetch-site': 'cross-site', origin: 'null' }, 403],
  'a page of another site without an origin': [{ 'sec-fetch-site': 'cross-site' }, 403],
  'a page of another port': [{ 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' }, 403],
  'a page of this origin whose browser reports another site': [
    { 'sec-fetch-site': 'cross-site', origin: sameOrigin },
    403,
  ],
  'an invalid sec-fetch-site': [{ 'sec-fetch-site': 'Same-Origin' }, 403],
  'an old browser on the page itself': [{ origin: sameOrigin }, passed],
  'an old browser on the page itself, over HTTPS': [{ origin: `https://${host}` }, passed],
  'an old browser that writes the host in capitals': [{ origin: 'http://LOCALHOST:8000' }, passed],
  'an old browser on another site': [{ origin: 'https://evil.example' }, 403],
  'an old browser on another port': [{ origin: 'http://localhost:3000' }, 403],
  'an old browser that hides the origin': [{ origin: 'null' }, 403],
  'an origin that ends with the host': [{ origin: `http://evil.${host}` }, 403],
};

describe.for(places)('a POST, to a service %s, of', (place: Place) => {
  for (const [name, [headers, status]] of Object.entries(rows)) {
    test(`${name} is ${status === passed ? 'handled' : 'rejected'}`, async (t) => {
      const { url } = await createExampleAppAt(t, place);
      expect((await send(t, url, 'POST', headers)).status).toBe(status);
    });
  }
});

test('the rejection is a problem that names the config key', async (t) => {
  const { url } = await createExampleApp(t);
  const response = await send(t, url, 'POST', { 'sec-fetch-site': 'cross-site' });
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(response.body).toEqual({
    type: 'about:blank',
    title: 'Forbidden',
    status: 403,
    detail: 'A page of another origin may not change anything: origins in the config lists those that may',
    instance: '/pet/pets/1/treat',
  });
});

test('every method that may change state is rejected; a safe method is not', async (t) => {
  const { url } = await createExampleApp(t);
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
  const statuses: Record<string, number> = {};
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    const path = method === 'POST' ? '/pet/pets/1/treat' : '/pet/pets/1';
    statuses[method] = (await sendRequest(`${url}${path}`, method, undefined, headers)).status;
  }
  expect(statuses).toEqual({
    GET: 404,
    HEAD: 404,
    OPTIONS: 405,
    POST: 403,
    PUT: 403,
    PATCH: 403,
    DELETE: 403,
  });
});

test('a request is rejected before its body is read', async (t) => {
  const { url } = await createExampleApp(t);
  const response = await send(t, url, 'POST', { 'sec-fetch-site': 'cross-site', 'content-length': '90' });
  expect(response.status).toBe(403);
});

test.for(places)('pages of the origins in the config may change state, to a service %s', async (place, t) => {
  const { url } = await createExampleAppAt(t, place, { config: { origins: [allowedOrigin] } });
  for (const headers of [
    { origin: allowedOrigin },
    { origin: allowedOrigin, 'sec-fetch-site': 'cross-site' },
    { origin: allowedOrigin, 'sec-fetch-site': 'same-site' },
  ]) {
    const response = await send(t, url, 'POST', headers);
    expect(response.status).toBe(passed);
    expect(response.headers.get('access-control-allow-origin')).toBe(allowedOrigin);
  }
  const preflight = {
    origin: allowedOrigin,
    'sec-fetch-site': 'cross-site',
    'access-control-request-method': 'POST',
  };
  const response = await send(t, url, 'OPTIONS', preflight);
  expect(response.status).toBe(204);
  // Without this header a browser repeats the preflight after 5 s.
  expect(response.headers.get('access-control-max-age')).toBe('600');
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: `${allowedOrigin}.evil.example`, 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'cross-site' },
  ])
    expect((await send(t, url, 'POST', headers as Record<string, string>)).status).toBe(403);
});

test('with origins "*", any page may change state', async (t) => {
  const { url } = await createExampleApp(t, { config: { origins: ['*'] } });
  expect((await send(t, url, 'POST', { 'sec-fetch-site': 'cross-site', origin: 'null' })).status).toBe(
    passed,
  );
});

test('behind a proxy, the origin of an old browser must match x-forwarded-host', async (t) => {
  const { url } = await createExampleApp(t, { config: { proxies: ['127.0.0.1'] } });
  const forwarded = { 'x-forwarded-host': 'app.example', origin: allowedOrigin };
  expect((await send(t, url, 'POST', forwarded)).status).toBe(passed);
  expect((await send(t, url, 'POST', { ...forwarded, origin: sameOrigin })).status).toBe(403);
  const { url: direct } = await createExampleApp(t);
  expect((await send(t, direct, 'POST', forwarded)).status).toBe(403);
});

test('a call with the internal credential passes', async (t) => {
  const key = 'a-key-of-the-test-0123';
  const { url } = await createExampleApp(t, { config: { internal: { key } } });
  const headers = { 'sec-fetch-site': 'cross-site', 'x-internal': `service ${key}` };
  expect((await send(t, url, 'POST', headers)).status).toBe(passed);
});
