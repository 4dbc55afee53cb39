import { hash } from 'node:crypto';
import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Principal } from '../context/principal.ts';

/** Only asymmetric algorithms: with HMAC, whoever verifies could also sign. */
const algorithms = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
];
const maxTokens = 10_000;
/** Seconds by which clocks may differ. */
const clockTolerance = 5;

export interface TokenVerifierOptions {
  /** The `iss` of the tokens. Rejects while the issuer cannot be discovered. */
  issuer(): Promise<string>;
  readonly audience: string;
  /** The path of the claim with the scopes, for example `scope` or `realm_access.roles`. */
  readonly claim: string;
  readonly keys: JWTVerifyGetKey;
}

/** Returns the principal of a token. Synchronous if the token was verified before. */
export type VerifyToken = (token: string) => Principal | Promise<Principal>;

interface Verified {
  readonly principal: Principal;
  /** Seconds since 1970. */
  readonly expires: number;
}

/**
 * Creates the verification of access tokens (RFC 9068). Verified tokens are kept until they expire, by the hash of the whole
 * token, because a signature costs more than a read of the services.
 * @throws {JOSEError} The result rejects so if the token is not valid.
 * @throws {KeysUnavailable} The result rejects so if the keys are not known.
 */
export function createTokenVerifier({ issuer, audience, claim, keys }: TokenVerifierOptions): VerifyToken {
  const verified = new Map<string, Verified>();
  const running = new Map<string, Promise<Principal>>();
  const path = claim.split('.');

  async function verify(token: string, id: string): Promise<Principal> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...{ issuer: await issuer(), audience, algorithms, clockTolerance, typ: 'at+jwt' },
        requiredClaims: ['exp', 'sub'],
      });
      const principal = toPrincipal(payload, path);
      if (verified.size >= maxTokens) verified.delete(verified.keys().next().value as string);
      verified.set(id, { principal, expires: payload.exp as number });
      return principal;
    } finally {
      running.delete(id);
    }
  }

  return (token) => {
    const id = hash('sha256', token, 'base64');
    const known = verified.get(id);
    if (known !== undefined) {
      if (known.expires * 1_000 > Date.now()) return known.principal;
      verified.delete(id);
    }
    let result = running.get(id);
    if (result === undefined) {
      result = verify(token, id);
      running.set(id, result);
    }
    return result;
  };
}

function toPrincipal(payload: JWTPayload, path: readonly string[]): Principal {
  const { sub, sid } = payload;
  return Object.freeze({
    kind: 'user',
    sub,
    scopes: readScopes(payload, path),
    session: typeof sid === 'string' ? sid : undefined,
    via: undefined,
  });
}

/** Reads a list of scopes: a text with spaces (RFC 8693, section 4.2), or a list of texts. */
function readScopes(payload: JWTPayload, path: readonly string[]): readonly string[] {
  let value: unknown = payload;
  for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  return Array.isArray(value) ? value.filter((scope) => typeof scope === 'string') : [];
}
