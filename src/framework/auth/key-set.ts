import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
} from 'jose';
import { KeysUnavailable } from './keys-unavailable.ts';

/** ms between two refreshes of keys that are known. */
const refreshMs = 600_000;
/** ms between two requests for the keys after a failed request or an unknown key id, once keys are known. */
const cooldownMs = 30_000;
/** ms between two requests until the keys are known. */
const retryMs = 1_000;
const timeoutMs = 5_000;

/** Requests the JSON Web Key Set (RFC 7517) of an issuer. Rejects if the issuer does not respond with JSON. */
export type FetchKeys = (signal: AbortSignal) => Promise<unknown>;

export interface KeySet {
  /**
   * Finds the key of a token.
   * @throws {KeysUnavailable} The promise rejects with it if the keys cannot be requested now.
   */
  readonly find: JWTVerifyGetKey;
  /** Returns whether the last request for the keys failed. If so, starts another request in the background. */
  isAway(): boolean;
}

/**
 * Creates the public keys of an issuer. They are requested when the first token comes, and kept while the issuer is away.
 * An unknown key id causes at most one request in 30 s.
 */
export function createKeySet(fetchKeys: FetchKeys): KeySet {
  let requestedAt = Number.NEGATIVE_INFINITY;
  let succeededAt: number | undefined;
  let isAway = false;
  const keys = createRemoteJWKSet(new URL('http://issuer/keys'), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: cooldownMs,
    timeoutDuration: timeoutMs,
    async [customFetch](_url, { signal }) {
      const pauseMs = succeededAt === undefined ? retryMs : cooldownMs;
      if (performance.now() - requestedAt < pauseMs) throw new Error('requested a moment ago');
      requestedAt = performance.now();
      try {
        const keySet = await fetchKeys(signal);
        // Throws if it is no key set: a proxy in front of the issuer may respond with anything.
        createLocalJWKSet(keySet as JSONWebKeySet);
        isAway = false;
        succeededAt = performance.now();
        return Response.json(keySet);
      } catch (error) {
        isAway = true;
        throw error;
      }
    },
  });
  const reload = () => void keys.reload().catch(() => {});

  async function find(header: JWSHeaderParameters, token: FlattenedJWSInput) {
    if (succeededAt !== undefined && performance.now() - succeededAt > refreshMs) reload();
    try {
      return await keys(header, token);
    } catch (error) {
      if (isVerdict(error)) throw error;
      throw new KeysUnavailable(`they cannot be requested: ${(error as Error).message}`, { cause: error });
    }
  }

  return {
    find,
    isAway() {
      if (isAway) reload();
      return isAway;
    },
  };
}

/** Whether the keys are known and none matches the token. */
function isVerdict(error: unknown): boolean {
  const { code } = error as { code?: string };
  return /^ERR_(JWKS_NO_MATCHING_KEY|JWKS_MULTIPLE_MATCHING_KEYS|JOSE_NOT_SUPPORTED|JWK_INVALID)$/.test(
    code ?? '',
  );
}
