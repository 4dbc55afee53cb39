import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { createTokenVerifier } from '../../../src/framework/auth/token-verifier.ts';

/** Creates a verifier that knows one key, and tokens of that key. */
async function open(claim = 'scope') {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = vi.fn(createLocalJWKSet({ keys: [await exportJWK(publicKey)] }));
  const sign = (sub: unknown, claims: object = {}) =>
    new SignJWT({ iss: 'issuer', aud: 'shop', sub: sub as string, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setExpirationTime('1h')
      .sign(privateKey);
  const verify = createTokenVerifier({
    ...{ issuer: 'issuer', audience: 'shop', claim },
    keys: keys as never,
  });
  return { verify, keys, sign, token: await sign('1') };
}

test('a header that is no bearer token is rejected with the reason', async () => {
  const { verify, keys } = await open();
  for (const header of ['Basic YTpi', 'Bearer', 'Bearer a b'])
    await expect(verify(header)).rejects.toThrow('the header is not "Bearer" and one token');
  expect(keys).not.toHaveBeenCalled();
});

test('a token is verified once, also for concurrent requests', async () => {
  const { verify, keys, token } = await open();
  await Promise.all(Array.from({ length: 5 }, () => verify(`Bearer ${token}`)));
  expect(verify(`Bearer ${token}`)).toMatchObject({ kind: 'user', sub: '1' });
  expect(keys).toHaveBeenCalledTimes(1);
});

test.for([5, null, true, ['1'], {}, ''])('a token whose `sub` is %j is not valid', async (sub) => {
  const { verify, sign } = await open();
  await expect(verify(`Bearer ${await sign(sub)}`)).rejects.toThrow('sub');
});

test('a token belongs to the session of its `sid` if that is a text', async () => {
  const { verify, sign } = await open();
  const read = async (sid: unknown) => (await verify(`Bearer ${await sign('1', { sid })}`)).session;
  expect(await read('session-1')).toBe('session-1');
  for (const sid of [5, null, ['session-1'], undefined]) expect(await read(sid)).toBe(undefined);
});

test.for([
  ['scope', { scope: 'a:read  b:read' }, ['a:read', 'b:read']],
  ['scope', { scope: ['a:read', 5, 'b:read'] }, ['a:read', 'b:read']],
  ['scope', { scope: { a: 'a:read' } }, []],
  ['scope', {}, []],
  ['realm.roles', { realm: { roles: ['a:read'] } }, ['a:read']],
  ['realm.roles', { realm: null }, []],
  ['realm.roles', { roles: ['a:read'] }, []],
  ['https://shop.example/roles', { 'https://shop.example/roles': ['a:read'] }, ['a:read']],
] as const)('the claim %s of %j has the scopes %j', async ([claim, claims, scopes]) => {
  const { verify, sign } = await open(claim);
  expect((await verify(`Bearer ${await sign('1', claims)}`)).scopes).toEqual(scopes);
});

test('a token behind more than one space is valid and not kept, because a client could fill the memory', async () => {
  const { verify, keys, token } = await open();
  const padded = `Bearer${' '.repeat(15_000)}${token}`;
  for (const _ of [1, 2]) expect(await verify(padded)).toMatchObject({ kind: 'user', sub: '1' });
  expect(keys).toHaveBeenCalledTimes(2);
});

// 10,000 signatures take long on a busy machine.
test('at most 10,000 verified tokens are kept, and the oldest is forgotten', {
  timeout: 300_000,
}, async () => {
  const { verify, keys, sign } = await open();
  const headers: string[] = [];
  for (let index = 0; index <= 10_000; index += 1) headers.push(`Bearer ${await sign(String(index))}`);
  const [first, second] = headers as [string, string];
  const last = headers.pop() as string;
  for (const header of headers) await verify(header);
  expect(keys).toHaveBeenCalledTimes(10_000);
  expect(verify(first)).not.toBeInstanceOf(Promise);
  await verify(last);
  expect(verify(second)).not.toBeInstanceOf(Promise);
  expect(verify(first)).toBeInstanceOf(Promise);
});
