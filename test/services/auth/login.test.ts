import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { alice, bearer, begin, bob, createAuthApp, logIn, password, problemOf, register } from './helper.ts';

test('a user who registers can log in', async (t) => {
  const app = await createAuthApp(t, { scopes: ['pet:read', 'pet:write'] });
  const { status, body } = await app.post('/auth/users/', alice);
  expect({ status, body }).toEqual({ status: 200, body: { id: 1, email: alice.email } });
  for (const path of ['/auth/sessions/', '/auth/login']) {
    const response = await app.post(path, alice);
    expect(response).toMatchObject({
      status: 200,
      body: {
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 600,
        refresh_token: expect.stringMatching(/^v1\./),
        session_id: expect.any(String),
      },
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
  }
});

test('an access token is a JWT as in RFC 9068, which the published keys verify', async (t) => {
  const app = await createAuthApp(t, { scopes: ['pet:read', 'pet:write'] });
  await register(app);
  const tokens = await begin(app);
  const keys = await app.get('/auth/.well-known/jwks.json');
  expect(keys.headers.get('cache-control')).toBe('public, max-age=600');
  expect(keys.body.keys).toHaveLength(2);
  expect(Object.keys(keys.body.keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  const { payload, protectedHeader } = await jwtVerify(tokens.access_token, createLocalJWKSet(keys.body), {
    issuer: 'auth',
    audience: manifest.name,
    typ: 'at+jwt',
  });
  expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: keys.body.keys[0].kid });
  expect(payload).toEqual({
    iss: 'auth',
    aud: manifest.name,
    sub: '1',
    client_id: manifest.name,
    scope: 'pet:read pet:write',
    sid: tokens.session_id,
    jti: expect.any(String),
    iat: expect.any(Number),
    exp: (payload.iat as number) + 600,
  });
});

test('the apps of the product accept the tokens also if the options name another issuer and audience', async (t) => {
  const options = { register: 'open', issuer: 'https://login.example/auth', audience: 'shop' };
  const app = await createAuthApp(t, {}, { auth: { issuer: 'auth' }, services: { auth: { options } } });
  await register(app);
  expect((await app.get('/auth/me', bearer(await begin(app)))).status).toBe(200);
});

test('another audience than the tokens have is a mistake in the config', async (t) => {
  const services = { auth: { options: { audience: 'shop' } } };
  const start = (audience: string) => createAuthApp(t, {}, { auth: { issuer: 'auth', audience }, services });
  await expect(start('other')).rejects.toThrow(
    'auth.audience is not services.auth.options.audience, which the tokens have: leave it out',
  );
  await start('shop');
});

test('the discovery document names the issuer and its keys', async (t) => {
  const app = await createAuthApp(t);
  const { body } = await app.get('/auth/.well-known/openid-configuration');
  expect(body).toMatchObject({ issuer: 'auth', jwks_uri: '/auth/.well-known/jwks.json' });
  expect(body).not.toHaveProperty('token_endpoint');
  const url = 'https://api.example.com/auth';
  const other = await createAuthApp(t, { issuer: url });
  expect((await other.get('/auth/.well-known/openid-configuration')).body).toMatchObject({
    issuer: url,
    jwks_uri: `${url}/.well-known/jwks.json`,
  });
});

test('a wrong password and an unknown account have the same response', async (t) => {
  const app = await createAuthApp(t);
  await register(app);
  const wrong = await logIn(app, { ...alice, password: 'three brown kettle' });
  const unknown = await logIn(app, bob);
  expect(problemOf(wrong)).toEqual({
    type: 'urn:problem-type:login-failed',
    title: 'Unauthorized',
    status: 401,
    detail: 'The email or the password is wrong',
  });
  expect(problemOf(unknown)).toEqual(problemOf(wrong));
  expect(wrong.bytes.length).toBe(unknown.bytes.length);
});

test('an email has one account, in whatever case it is written', async (t) => {
  const app = await createAuthApp(t);
  await register(app);
  const taken = await app.post('/auth/users/', { ...alice, email: 'ALICE@Example.COM' });
  expect(taken).toMatchObject({ status: 409, body: { type: 'urn:problem-type:email-taken' } });
  expect((await logIn(app, { ...alice, email: 'Alice@EXAMPLE.com' })).status).toBe(200);
});

test('an email has one account, in whatever form its letters are written', async (t) => {
  const app = await createAuthApp(t);
  // Unicode has ǰ as one character, and its capital letter only as J with a combining caron.
  const email = 'ǰan@example.com';
  await register(app, { ...alice, email });
  for (const form of [email.toUpperCase(), email.normalize('NFD'), email.normalize('NFD').toUpperCase()])
    expect((await logIn(app, { ...alice, email: form })).status, form).toBe(200);
});

test('one of two concurrent registrations succeeds', async (t) => {
  const app = await createAuthApp(t);
  const responses = await Promise.all([alice, alice].map((user) => app.post('/auth/users/', user)));
  expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
});

test('a registration is rejected unless the config opens registration', async (t) => {
  const app = await createAuthApp(t, { register: 'closed' });
  expect(await app.post('/auth/users/', alice)).toMatchObject({
    status: 403,
    body: { type: 'urn:problem-type:registration-closed' },
  });
  expect((await logIn(app)).status).toBe(401);
});

test.for([
  ['a common password', 'Password-12345'],
  ['a common password in full-width letters', 'ｐａｓｓｗｏｒｄ１２３４'],
  ['one character again and again', 'aaaaaaaaaaaaaaaa'],
  ['the email', 'Alice@Example.com'],
  ['the name in the email with a short rest', 'alice-alice-1'],
] as const)('%s is rejected', async ([, chosen], t) => {
  const app = await createAuthApp(t);
  expect(await app.post('/auth/users/', { ...alice, password: chosen })).toMatchObject({
    status: 422,
    body: { type: 'urn:problem-type:password-common' },
  });
});

test.for([
  ['11 characters', { password: 'three brown' }],
  ['129 characters', { password: 'ab1 '.repeat(33) }],
  ['two addresses', { email: 'alice@example.com,bob@example.com' }],
  ['an address with a name', { email: 'Alice <alice@example.com>' }],
  ['an address without @', { email: 'alice' }],
  ['a line end in the address', { email: 'alice@example.com\nbcc:bob@example.com' }],
] as const)('%s are not accepted for a new account', async ([, change], t) => {
  const app = await createAuthApp(t);
  expect((await app.post('/auth/users/', { ...alice, ...change })).status).toBe(422);
});

test('a password of unusual characters works in each of their forms', async (t) => {
  const app = await createAuthApp(t);
  const composed = 'Åse går hjem 🐶';
  await register(app, { ...alice, password: composed });
  expect((await logIn(app, { ...alice, password: composed.normalize('NFD') })).status).toBe(200);
  expect((await logIn(app, { ...alice, password })).status).toBe(401);
});
