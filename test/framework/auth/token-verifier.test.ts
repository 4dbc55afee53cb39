import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { createTokenVerifier } from '../../../src/framework/auth/token-verifier.ts';

/** Creates a verifier that knows one key, and tokens of that key. */
async function open() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = vi.fn(createLocalJWKSet({ keys: [await exportJWK(publicKey)] }));
  const sign = (sub: string) =>
    new SignJWT({ iss: 'issuer', aud: 'shop', sub })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setExpirationTime('1h')
      .sign(privateKey);
  const verify = createTokenVerifier({
    ...{ issuer: 'issuer', audience: 'shop', claim: 'scope' },
    keys: keys as never,
  });
  return { verify, keys, sign, token: await sign('1') };
}

test('a token is verified once, also for concurrent requests', async () => {
  const { verify, keys, token } = await open();
  await Promise.all(Array.from({ length: 5 }, () => verify(`Bearer ${token}`)));
  expect(verify(`Bearer ${token}`)).toMatchObject({ kind: 'user', sub: '1' });
  expect(keys).toHaveBeenCalledTimes(1);
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
