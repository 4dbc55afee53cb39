import { createServer, type ServerResponse } from 'node:http';
import Provider from 'oidc-provider';
import { expect, type TestContext, test, vi } from 'vitest';
import { createExternalIssuer } from '../../../src/framework/auth/issuer.ts';
import { KeysUnavailable } from '../../../src/framework/auth/keys-unavailable.ts';
import { product } from '../../../src/framework/openapi/product.ts';
import { createTestIssuer } from '../../../src/framework/testing/index.ts';
import { createExampleApp } from '../../support/app.ts';
import { startListening } from '../../support/listening.ts';

const scopes = 'pet:read pet:write user:read user:write';

/** Starts an OpenID Connect provider that gives a client tokens for this product. */
async function startProvider(
  t: TestContext,
): Promise<{ url: string; authorize(scope: string): Promise<string> }> {
  const server = createServer();
  const { url } = await startListening(t, server);
  const client = { client_id: 'shop', client_secret: 'a-secret-of-the-client' };
  const provider = new Provider(url, {
    clients: [{ ...client, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://product.example',
        getResourceServerInfo: () => ({
          scope: scopes,
          audience: product.title,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
        }),
      },
    },
  });
  server.on('request', provider.callback());
  return {
    url,
    async authorize(scope) {
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
      });
      const { access_token: token } = (await response.json()) as { access_token: string };
      return `Bearer ${token}`;
    },
  };
}

test.for([false, true])('tokens of an OpenID Connect provider are accepted: split %s', async (split, t) => {
  const provider = await startProvider(t);
  const config = { auth: { issuer: provider.url }, internal: { key: 'a-key-of-the-test-apps' } };
  const { send } = await createExampleApp(t, { config, split });
  const writer = { authorization: await provider.authorize(scopes) };
  expect((await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' }, writer)).status).toBe(200);
  expect((await send('POST', '/user/users/', { name: 'Alice' }, writer)).status).toBe(200);
  expect((await send('POST', '/user/users/1/pets/1', undefined, writer)).body.pets).toMatchObject([
    { id: 1 },
  ]);
  const reader = { authorization: await provider.authorize('pet:read') };
  expect((await send('GET', '/pet/pets/', undefined, reader)).status).toBe(200);
  expect((await send('DELETE', '/pet/pets/1', undefined, reader)).status).toBe(403);
  expect((await send('GET', '/pet/pets/')).status).toBe(401);
});

test('a provider with another name is not trusted', async (t) => {
  const provider = await startProvider(t);
  // The same server, by another name than its discovery document has.
  const issuer = provider.url.replace('127.0.0.1', 'localhost');
  const { send } = await createExampleApp(t, { config: { auth: { issuer } } });
  const headers = { authorization: await provider.authorize(scopes) };
  expect((await send('GET', '/pet/pets/', undefined, headers)).status).toBe(503);
});

/** Starts an issuer that only has a discovery document, and counts the requests. */
async function startDiscovery(
  t: TestContext,
  respond: (response: ServerResponse, path: string, url: string) => void,
) {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    respond(response, request.url ?? '', url);
  });
  const { url } = await startListening(t, server);
  return { url, count: () => requests };
}

test('a redirect of the discovery is not followed', async (t) => {
  const issuer = await createTestIssuer(t);
  const { url, count } = await startDiscovery(t, (response, path, own) => {
    const content = JSON.stringify({ issuer: own, jwks_uri: `${issuer.url}/keys` });
    if (path === '/moved') response.writeHead(200, { 'content-type': 'application/json' }).end(content);
    else response.writeHead(302, { location: '/moved' }).end();
  });
  const { send } = await createExampleApp(t, { config: { auth: { issuer: url } } });
  const authorization = `Bearer ${await issuer.sign({ sub: '1', scopes: ['pet:read'] }, { iss: url })}`;
  expect((await send('GET', '/pet/pets/', undefined, { authorization })).status).toBe(503);
  expect([count(), issuer.countKeyRequests()]).toEqual([1, 0]);
});

test('unavailable keys are requested at most once a second', async (t) => {
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now);
  t.onTestFinished(() => vi.mocked(performance.now).mockRestore());
  const { url, count } = await startDiscovery(t, (response, path, own) =>
    path === '/keys'
      ? response.writeHead(500).end()
      : response.end(JSON.stringify({ issuer: own, jwks_uri: `${own}/keys` })),
  );
  const { keys } = createExternalIssuer(url);
  const read = () => keys({ alg: 'ES256', kid: 'one' }, {} as never);
  for (let index = 0; index < 3; index += 1) await expect(read()).rejects.toBeInstanceOf(KeysUnavailable);
  expect(count(), 'the discovery and the keys').toBe(2);
  vi.mocked(performance.now).mockReturnValue(now + 1_001);
  await expect(read()).rejects.toBeInstanceOf(KeysUnavailable);
  expect(count()).toBe(3);
});

test('a response that is no key set counts as none: the keys are requested again after a second', async (t) => {
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now);
  t.onTestFinished(() => vi.mocked(performance.now).mockRestore());
  let content = '<h1>Back soon</h1>';
  const { url } = await startDiscovery(t, (response, path, own) =>
    response.end(path === '/keys' ? content : JSON.stringify({ issuer: own, jwks_uri: `${own}/keys` })),
  );
  const { keys, isAway } = createExternalIssuer(url);
  const read = () => keys({ alg: 'ES256', kid: 'one' }, {} as never);
  for (const [index, invalid] of [content, '{"keys":1}'].entries()) {
    content = invalid;
    vi.mocked(performance.now).mockReturnValue(now + index * 1_001);
    await expect(read()).rejects.toBeInstanceOf(KeysUnavailable);
    expect(isAway(), invalid).toBe(true);
  }
  content = '{"keys":[]}';
  vi.mocked(performance.now).mockReturnValue(now + 2_002);
  await expect(read()).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  expect(isAway()).toBe(false);
});
