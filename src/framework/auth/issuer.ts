import { createKeySet, type FetchKeys, type KeySet } from './key-set.ts';
import { KeysUnavailable } from './keys-unavailable.ts';
import type { TokenVerifierOptions } from './token-verifier.ts';

/** ms after which a discovered address of the keys is read again, because an issuer may move them. */
const refreshMs = 600_000;

type Issuer = Pick<TokenVerifierOptions, 'issuer' | 'keys'> & Pick<KeySet, 'isAway'>;

/** Creates the issuer of the `auth` service, whose tokens have this `iss`. @param fetchKeys requests its key set. */
export function createBuiltInIssuer(issuer: string, fetchKeys: FetchKeys): Issuer {
  const { find, isAway } = createKeySet(fetchKeys);
  return { issuer, keys: find, isAway };
}

/** Creates an external issuer, which is discovered when its first token comes (OpenID Connect Discovery 1.0, section 4). */
export function createExternalIssuer(url: string): Issuer {
  let address: { readonly keys: string; readonly since: number } | undefined;

  async function discover(signal: AbortSignal): Promise<string> {
    if (address !== undefined && performance.now() - address.since < refreshMs) return address.keys;
    try {
      const keys = await readKeysAddress(url, signal);
      address = { keys, since: performance.now() };
      return keys;
    } catch (error) {
      if (address !== undefined) return address.keys;
      throw error;
    }
  }

  const { find, isAway } = createKeySet(async (signal) => readJson(await discover(signal), signal));
  return { issuer: url, keys: find, isAway };
}

/** Reads `jwks_uri`. @throws {KeysUnavailable} if the document is not that of this issuer. */
async function readKeysAddress(issuer: string, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = await readJson(url, signal);
  const { issuer: named, jwks_uri: uri } = Object(document) as Record<string, unknown>;
  if (named !== issuer) throw new KeysUnavailable(`the discovery is of the issuer ${String(named)}`);
  if (typeof uri !== 'string' || !URL.canParse(uri))
    throw new KeysUnavailable('the discovery has no jwks_uri');
  return uri;
}

async function readJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!response.ok) throw new KeysUnavailable(`the issuer responded with the status ${response.status}`);
  return response.json();
}
