import type { KeyRepository, NewKey, SigningKey } from './key-repository.ts';

export type SigningKeys = ReturnType<typeof createSigningKeys>;

/** How long a verifier may use the published keys without reading them again, in seconds. */
export const keySetMaxAge = 600;

/** A process signs with a key for this long before it reads the keys again. */
const reloadMs = 20_000;

const algorithm = 'ES256';

/** jose's type of an imported key. */
type Key = Awaited<ReturnType<typeof import('jose')['importJWK']>>;

/**
 * Keeps the keys of access tokens in the database. It publishes the next key before that key signs, and a previous key
 * until its last token has ended. So verifiers always know the key of a valid token.
 * @param tokenMs the life of a token.
 */
export function createSigningKeys(keys: KeyRepository, tokenMs: number) {
  let loaded: { readonly kid: string; readonly key: Key; readonly atMs: number } | undefined;

  async function load() {
    const current = (await keys.list()).find(({ role }) => role === 'current');
    if (current === undefined) throw new Error('there is no key to sign tokens with');
    const { importJWK } = await import('jose');
    const key = await importJWK(JSON.parse(current.private_key), algorithm);
    return { kid: current.kid, key, atMs: Date.now() };
  }

  return {
    /** Creates the keys if the database has none. Several processes may call it at the same time. */
    async ensure(): Promise<void> {
      const roles = (await keys.list()).map(({ role }) => role);
      if (roles.includes('current') && roles.includes('next')) return;
      await keys.fill({ current: await generateKey(), next: await generateKey() }, Date.now());
    },
    /** Signs the claims of an access token. */
    async sign(claims: Readonly<Record<string, string | number>>): Promise<string> {
      // The clock may have been set back since.
      if (loaded === undefined || Math.abs(Date.now() - loaded.atMs) >= reloadMs) loaded = await load();
      const { SignJWT } = await import('jose');
      const header = { alg: algorithm, typ: 'at+jwt', kid: loaded.kid };
      return new SignJWT(claims).setProtectedHeader(header).sign(loaded.key);
    },
    /** Lists the public keys of all tokens that may be valid now or soon. */
    async listPublic() {
      const now = Date.now();
      const valid = (await keys.list()).filter(({ ends_ms }) => ends_ms === null || ends_ms > now);
      return valid.map(({ public_key }) => JSON.parse(public_key));
    },
    /**
     * Makes the next key the current one.
     * @param isForced also if verifiers may not know the next key yet.
     * @returns how long to wait, in ms, until verifiers know the next key; 0 if the keys are rotated.
     */
    async rotate(isForced: boolean): Promise<number> {
      const now = Date.now();
      let waitMs = 0;
      const mayPromote = ({ created_ms }: SigningKey) => {
        waitMs = Math.max(0, created_ms + 2 * keySetMaxAge * 1000 - now);
        return isForced || waitMs === 0;
      };
      // A process may sign with the old key until it reads the keys again. One more minute allows for clocks that
      // differ.
      const ends = now + tokenMs + reloadMs + 60_000;
      const isRotated = await keys.rotate(await generateKey(), mayPromote, { now, ends });
      loaded = undefined;
      return isRotated ? 0 : Math.max(1, waitMs);
    },
    prune: () => keys.prune(Date.now()),
  };
}

async function generateKey(): Promise<NewKey> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import('jose');
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    private_key: JSON.stringify({ ...(await exportJWK(privateKey)), kid, alg: algorithm }),
    public_key: JSON.stringify({ ...jwk, kid, alg: algorithm, use: 'sig' }),
  };
}
