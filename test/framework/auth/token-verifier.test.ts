import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { createTokenVerifier } from '../../../src/framework/auth/token-verifier.ts';

/** Creates a verifier that knows one key, and a token of that key. */
async function open() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = vi.fn(createLocalJWKSet({ keys: [await exportJWK(publicKey)] }));
  const token = await new SignJWT({ iss: 'issuer', aud: 'shop', sub: '1' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
    .setExpirationTime('1h')
    .sign(privateKey);
  const verify = createTokenVerifier({
    ...{ issuer: async () => 'issuer', audience: 'shop', claim: 'scope' },
    keys: keys as never,
  });
  return { verify, keys, token };
}

test('a token is verified once, also for concurrent requests', async () => {
  const { verify, keys, token } = await open();
  await Promise.all(Array.from({ length: 5 }, () => verify(`Bearer ${token}`)));
  expect(verify(`Bearer ${token}`)).toMatchObject({ kind: 'user', sub: '1' });
  expect(keys).toHaveBeenCalledTimes(1);
});

// 10,000 signatures take long on a busy machine.
test('at most 10,000 verified tokens are kept, and the oldest is forgotten', {
  timeout: 300_000,
}, async () => {
  const { verify, keys, token } = await open();
  // The same token behind another form of the word and the spaces is another entry.
  const word = (bits: number) =>
    [...'bearer'].map((one, at) => ((bits >> at) & 1 ? one.toUpperCase() : one)).join('');
  const header = (index: number) => `${word(index % 64)}${' '.repeat(1 + Math.floor(index / 64))}${token}`;
  for (let index = 0; index < 10_000; index += 1) await verify(header(index));
  expect(keys).toHaveBeenCalledTimes(10_000);
  expect(verify(header(0))).not.toBeInstanceOf(Promise);
  await verify(header(10_000));
  expect(verify(header(1))).not.toBeInstanceOf(Promise);
  expect(verify(header(0))).toBeInstanceOf(Promise);
});
