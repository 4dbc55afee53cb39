import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** The parts of a refresh token: `v1.<session>.<counter>.<HMAC>`. */
export interface ParsedToken {
  readonly session: string;
  readonly counter: number;
  readonly signature: string;
}

const form = /^v1\.([\w-]{22})\.([1-9]\d{0,14})\.([\w-]{43})$/;

/** Reads a refresh token. Undefined: it is malformed. */
export function parseRefreshToken(token: string): ParsedToken | undefined {
  const [, session, counter, signature] = form.exec(token) ?? [];
  if (session === undefined || signature === undefined) return undefined;
  return { session, counter: Number(counter), signature };
}

/** Creates a refresh token. The same arguments always create the same token, so no token is stored. */
export function createRefreshToken(session: string, counter: number, secret: string): string {
  return `v1.${session}.${counter}.${sign(session, counter, secret)}`;
}

/** Returns whether a token was created with this secret. Takes the same time for each wrong signature. */
export function isGenuine({ session, counter, signature }: ParsedToken, secret: string): boolean {
  return timingSafeEqual(Buffer.from(signature), Buffer.from(sign(session, counter, secret)));
}

/** Hashes an idempotency key, so that the database does not contain it. */
export function hashKey(key: string, secret: string): string {
  return hash('sha256', `${secret} ${key}`, 'base64url');
}

function sign(session: string, counter: number, secret: string): string {
  return createHmac('sha256', secret).update(`v1.${session}.${counter}`).digest('base64url');
}
