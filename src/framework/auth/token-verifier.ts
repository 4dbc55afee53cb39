import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Principal } from '../context/principal.ts';

/** Only asymmetric algorithms: with HMAC, a service that verifies tokens could also sign them. */
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
  /** The `iss` of the tokens. */
  readonly issuer: string;
  readonly audience: string;
  /** The name or path of the claim with the scopes, for example `scope` or `realm_access.roles`. */
  readonly claim: string;
  readonly keys: JWTVerifyGetKey;
}

/** The credential of a request is not a valid token. */
export class InvalidCredential extends Error {}

/**
 * Returns the principal of an `authorization` header: a promise, unless the token was verified before.
 * @throws {InvalidCredential | JOSEError} The promise rejects with it if the header has no valid token.
 * @throws {KeysUnavailable} The promise rejects with it if the keys are not known.
 */
export type VerifyCredential = (authorization: string) => Principal | Promise<Principal>;

interface Verified {
  readonly principal: Principal;
  /** ms since 1970. */
  readonly expires: number;
}

/** RFC 6750, section 2.1. */
const credentials = /^Bearer +([\w.~+/-]+=*)$/i;

/**
 * Creates the verification of access tokens (RFC 9068). Keeps the principal of a verified token until the token
 * expires, because verifying a signature costs more than a read of a service. The key is the complete header, because
 * hashing the header costs more than comparing it.
 */
export function createTokenVerifier({
  issuer,
  audience,
  claim,
  keys,
}: TokenVerifierOptions): VerifyCredential {
  const verified = new Map<string, Verified>();
  const running = new Map<string, Promise<Principal>>();

  async function verify(authorization: string): Promise<Principal> {
    const token = credentials.exec(authorization)?.[1];
    if (token === undefined) throw new InvalidCredential('the header is not "Bearer" and one token');
    const { payload } = await jwtVerify(token, keys, {
      ...{ issuer, audience, algorithms, clockTolerance, typ: 'at+jwt' },
      requiredClaims: ['exp', 'sub'],
    });
    const principal = toPrincipal(payload, claim);
    // A client may send any number of spaces: each number would be another entry, of up to `limits.headers` bytes.
    if (authorization.length > 'Bearer '.length + token.length) return principal;
    if (verified.size >= maxTokens) verified.delete(verified.keys().next().value as string);
    verified.set(authorization, { principal, expires: (payload.exp as number) * 1_000 });
    return principal;
  }

  return (authorization) => {
    const known = verified.get(authorization);
    if (known !== undefined && known.expires > Date.now()) return known.principal;
    let result = running.get(authorization);
    if (result === undefined) {
      result = verify(authorization).finally(() => running.delete(authorization));
      running.set(authorization, result);
    }
    return result;
  };
}

function toPrincipal(payload: JWTPayload, claim: string): Principal {
  const { sub, sid } = payload;
  // RFC 7519, section 4.1.2. Different users could otherwise have one id: JSON numbers past 2^53, for example, are rounded.
  if (typeof sub !== 'string' || sub === '')
    throw new InvalidCredential('"sub" is not a text with characters');
  return Object.freeze({
    kind: 'user',
    sub,
    scopes: readScopes(payload, claim),
    session: typeof sid === 'string' ? sid : undefined,
    via: undefined,
  });
}

/** Reads a list of scopes: a text with spaces (RFC 8693, section 4.2), or a list of texts. */
function readScopes(payload: JWTPayload, claim: string): readonly string[] {
  let value: unknown = payload;
  // The name of a claim may be a URL, which has dots too (RFC 7519, section 4.2).
  const path = Object.hasOwn(payload, claim) ? [claim] : claim.split('.');
  for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  return Array.isArray(value) ? value.filter((scope) => typeof scope === 'string') : [];
}
