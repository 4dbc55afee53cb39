import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { contract } from '../../support/app.ts';
import { sendRaw } from '../../support/sockets.ts';
import { createSecuredApp, everything, type SecuredApp } from './helper.ts';

const user = { sub: '1', scopes: everything };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const secondsAgo = (seconds: number) => Math.floor(Date.now() / 1_000) - seconds;

/** Returns the values of the `authorization` header that are not valid, by what is wrong with them. */
async function listBadCredentials({ issuer }: SecuredApp): Promise<Record<string, string>> {
  const valid = await issuer.sign(user);
  const [header, payload, signature] = valid.split('.') as [string, string, string];
  const { keys } = (await (await fetch(`${issuer.url}/keys`)).json()) as { keys: Record<string, string>[] };
  const publicKey = JSON.stringify(keys[0]);
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as JWTPayload;
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ownRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

  const signed = (changed: JWTPayload, parameters = {}) => issuer.sign(user, changed, parameters);
  const without = async (claim: string) => issuer.sign(user, { [claim]: undefined });
  const unsigned = (alg: string) => `${encode({ alg, typ: 'at+jwt', kid: 'key-1' })}.${payload}.`;
  const hmac = (secret: string) => {
    const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: 'key-1' })}.${payload}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
  const forge = (alg: string, key: typeof own.privateKey, more = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg, typ: 'at+jwt', kid: 'key-1', ...more }).sign(key);
  const otherBytes = `${header}.${payload}.${signBytes('sha256', Buffer.from('x'), own.privateKey).toString('base64url')}`;

  const tokens: Record<string, string> = {
    'alg none': unsigned('none'),
    'alg None': unsigned('None'),
    'alg none with a signature': `${unsigned('none')}${signature}`,
    'no alg': `${encode({ typ: 'at+jwt', kid: 'key-1' })}.${payload}.${signature}`,
    'HS256 with the public key': hmac(publicKey),
    'HS256 with an empty secret': hmac(''),
    'HS256 with the coordinate of the key': hmac(keys[0]?.x ?? ''),
    'the key of another issuer': await forge('ES256', own.privateKey),
    'RS256 with the key of another issuer': await forge('RS256', ownRsa.privateKey),
    'its own key in the header': await forge('ES256', own.privateKey, {
      jwk: own.publicKey.export({ format: 'jwk' }),
    }),
    'the address of its key in the header': await forge('ES256', own.privateKey, {
      jku: 'http://localhost/keys',
    }),
    'an unknown kid': await forge('ES256', own.privateKey, { kid: 'key-9' }),
    'a kid that is a path': await forge('ES256', own.privateKey, { kid: '../../etc/passwd' }),
    'a kid that is SQL': await forge('ES256', own.privateKey, { kid: "' OR 1=1 --" }),
    'typ JWT': await signed({}, { typ: 'JWT' }),
    'no typ': await signed({}, { typ: undefined }),
    'typ of another token': await signed({}, { typ: 'dpop+jwt' }),
    'an unknown critical header': `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1', crit: ['x'], x: 1 })}.${payload}.${signature}`,
    'an unencoded payload': `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1', crit: ['b64'], b64: false })}.${payload}.${signature}`,
    'another issuer': await signed({ iss: 'https://issuer.example' }),
    'the issuer with a slash': await signed({ iss: `${issuer.url}/` }),
    'no issuer': await without('iss'),
    'another audience': await signed({ aud: 'another-system' }),
    'an empty audience': await signed({ aud: [] }),
    'no audience': await without('aud'),
    'no subject': await without('sub'),
    'no expiry': await without('exp'),
    expired: await signed({ exp: secondsAgo(60) }),
    'an expiry that is a text': await signed({ exp: String(secondsAgo(-300)) as never }),
    'not valid yet': await signed({ nbf: secondsAgo(-120) }),
    'a changed payload': `${header}.${encode({ ...claims, sub: '2' })}.${signature}`,
    'a changed signature': otherBytes,
    'no signature': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'four parts': `${valid}.${signature}`,
    'five parts, as an encrypted token': `${header}..${payload}.${signature}.${signature}`,
    'no JSON': `${Buffer.from('x').toString('base64url')}.${payload}.${signature}`,
    'a JSON list': `${encode([])}.${payload}.${signature}`,
    'a text': 'x',
  };
  const credentials = Object.fromEntries(
    Object.entries(tokens).map(([name, token]) => [name, `Bearer ${token}`]),
  );
  return {
    ...credentials,
    'another scheme': `Basic ${Buffer.from('a:b').toString('base64')}`,
    'no scheme': valid,
    'no token': 'Bearer',
    'two tokens': `Bearer ${valid} ${valid}`,
    'a token and a parameter': `Bearer ${valid}, realm="x"`,
  };
}

const operations = Object.entries(contract.paths).flatMap(([path, item]) =>
  Object.entries(item as Record<string, { security?: unknown[] }>).map(([method, { security = [] }]) => ({
    method: method.toUpperCase(),
    path: path.replace(/\{\w+\}/g, '1'),
    isSecured: security.length > 0,
  })),
);

test('each bad credential is 401 at every operation, with one text, and no handler runs', async (t) => {
  const built = await createSecuredApp(t);
  const { issuer, send, sendAs, logs } = built;
  await sendAs(user, 'POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  await sendAs(user, 'POST', '/user/users/', { name: 'Alice' });
  const before = await Promise.all(['/pet/pets/', '/user/users/'].map((path) => sendAs(user, 'GET', path)));
  const bad = await listBadCredentials(built);
  expect(Object.keys(bad).length).toBeGreaterThanOrEqual(40);
  const details = new Set<string>();
  for (const [name, authorization] of Object.entries(bad)) {
    for (const { method, path } of operations) {
      const { status, headers, body } = await send(method, path, method === 'PATCH' ? {} : undefined, {
        authorization,
      });
      const challenge = headers.get('www-authenticate');
      expect({ name, method, path, status, challenge }).toEqual({
        ...{ name, method, path },
        status: 401,
        challenge: 'Bearer error="invalid_token"',
      });
      details.add(`${body.type} ${body.detail}`);
    }
  }
  expect(details.size).toBe(1);
  const after = await Promise.all(['/pet/pets/', '/user/users/'].map((path) => sendAs(user, 'GET', path)));
  expect(after.map(({ body }) => body)).toEqual(before.map(({ body }) => body));
  // The reason is in the log, and the credential is not.
  const reasons = logs.filter(({ msg }) => msg === 'a credential is not valid');
  expect(new Set(reasons.map(({ reason }) => reason)).size).toBeGreaterThan(10);
  const text = JSON.stringify(logs);
  for (const authorization of Object.values(bad))
    for (const part of authorization.split(/[ ,]/)) if (part.length > 40) expect(text).not.toContain(part);
  expect(issuer.countKeyRequests()).toBeLessThan(5);
});

test('two authorization headers are 401', async (t) => {
  const { url, issuer } = await createSecuredApp(t);
  const authorization = (await issuer.as(user)).authorization;
  const { status } = await sendRaw(t, url, {
    path: '/pet/pets/',
    headers: [`authorization: ${authorization}`, `authorization: ${authorization}`],
  } as never);
  expect(status).toBe(401);
});

test('a token is accepted with another order of its parts, a list of audiences and a list of scopes', async (t) => {
  const { issuer, send } = await createSecuredApp(t);
  const { aud } = JSON.parse(
    Buffer.from((await issuer.sign(user)).split('.')[1] as string, 'base64url').toString(),
  );
  for (const claims of [
    { aud: ['another', aud] },
    { scope: ['pet:read'] as never },
    { nbf: secondsAgo(1) },
  ]) {
    const authorization = `bearer ${await issuer.sign(user, claims)}`;
    expect((await send('GET', '/pet/pets/', undefined, { authorization })).status).toBe(200);
  }
  const typed = await issuer.sign(user, {}, { typ: 'application/at+jwt' });
  expect((await send('GET', '/pet/pets/', undefined, { authorization: `Bearer ${typed}` })).status).toBe(200);
});
