import { randomUUID } from 'node:crypto';
import type { Options } from './options.ts';
import type { SigningKeys } from './signing-keys.ts';

/** The claims of a token about its bearer. */
export interface Bearer {
  readonly sub: string;
  /** Separated by spaces. */
  readonly scope: string;
  /** The session; absent for a token of a developer. */
  readonly sid?: string;
}

/** Creates access tokens: JWTs as in RFC 9068. */
export function createAccessTokens(keys: SigningKeys, { issuer, audience, access }: Options) {
  return {
    /** The life of a token, in seconds. */
    lifetime: access,
    issue({ sub, scope, sid }: Bearer): Promise<string> {
      const iat = Math.floor(Date.now() / 1000);
      return keys.sign({
        ...{ iss: issuer, aud: audience, sub, scope, iat, exp: iat + access, jti: randomUUID() },
        // The clients of the product log in themselves, and are no clients in the sense of OAuth.
        client_id: audience,
        ...(sid !== undefined && { sid }),
      });
    },
  };
}
