import { randomBytes } from 'node:crypto';
import { getLogger, parseDuration } from '#framework';
import type { Account } from './account-repository.ts';
import { loginFailed, refreshFailed } from './errors.ts';
import type { Parts } from './parts.ts';
import {
  createRefreshToken,
  hashKey,
  isGenuine,
  type ParsedToken,
  parseRefreshToken,
} from './refresh-token.ts';
import { type Credentials, foldEmail, type Tokens } from './schemas.ts';
import type { SessionRecord } from './session-repository.ts';

export type Sessions = ReturnType<typeof createSessions>;

/** The client of a request. */
export interface Client {
  readonly address: string;
  readonly agent: string;
}

/**
 * The time for which the previous refresh token still works, because two tabs of a browser may refresh at the same
 * time.
 */
const overlapMs = 10_000;

/** Begins, refreshes and ends sessions. */
export function createSessions(parts: Parts) {
  const { accounts, sessions, passwords, throttle, tokens, options } = parts;
  const lifeMs = parseDuration(options.session);
  const idleMs = parseDuration(options.idle);

  async function begin(account: Account, password: string, agent: string): Promise<Tokens | undefined> {
    const { id: accountId, password_hash, scopes } = account;
    // If too many passwords wait now, a later login replaces the hash.
    const newHash = passwords.isOutdated(password_hash)
      ? await passwords.hash(password).catch(() => undefined)
      : undefined;
    const id = randomBytes(16).toString('base64url');
    const secret = randomBytes(32).toString('base64url');
    const now = Date.now();
    const ends = now + lifeMs;
    const session = { id, accountId, secret, agent, now, ends, idleEnds: Math.min(ends, now + idleMs) };
    if (!(await sessions.create(session, password_hash, newHash))) return undefined;
    return createTokens(tokens, { id, secret, scopes, account_id: accountId }, 1);
  }

  return {
    /** Checks a password and begins a session. @throws {Problem} 401, 429 or 503 */
    async logIn({ email, password }: Credentials, { address, agent }: Client): Promise<Tokens> {
      const folded = foldEmail(email);
      const attempt = await throttle.begin(folded, address);
      const account = await accounts.findByEmail(folded);
      let isRight: boolean;
      try {
        isRight = await passwords.verify(account?.password_hash, password);
      } catch (error) {
        await attempt.cancel();
        throw error;
      }
      const isBlocked = account?.is_blocked !== 0;
      const begun =
        account === undefined || !isRight || isBlocked ? undefined : await begin(account, password, agent);
      if (begun === undefined) throw loginFailed();
      await attempt.succeed();
      getLogger().info({ user: account?.id, session: begun.session_id }, 'a user has logged in');
      return begun;
    },
    /**
     * Replaces a refresh token. The previous token gets the same current token again within 10 s, or with the
     * idempotency key that rotated it. Any other token that was used before ends the session.
     * @throws {Problem} 401
     */
    refresh: createRefresh(parts),
    list: (accountId: number) => sessions.list(accountId, Date.now()),
    end: (id: string, accountId: number) => sessions.end(id, accountId),
    endAll: (accountId: number) => accounts.write(() => sessions.endAll(accountId)),
  };
}

/** Creates the function that replaces refresh tokens. */
function createRefresh({ sessions, tokens, options }: Parts) {
  const idleMs = parseDuration(options.idle);

  /** Ends a session because of a refresh token that was used before: the client or a thief has a later token. */
  async function endStolen({ id, account_id }: SessionRecord): Promise<never> {
    if (await sessions.end(id, account_id))
      getLogger().warn(
        { session: id, user: account_id },
        'a refresh token was used again: the session is ended',
      );
    throw refreshFailed();
  }

  /** Responds to a refresh token that is not the current token of its session. */
  function refreshAgain(
    session: SessionRecord,
    { counter }: ParsedToken,
    keyHash: string | null,
    now: number,
  ) {
    const isPrevious = counter === session.counter - 1;
    // Clocks of processes may differ, and a clock may have been set back since.
    const isOverlap = Math.abs(now - session.rotated_ms) <= overlapMs;
    const isRetry = keyHash !== null && keyHash === session.key_hash;
    return isPrevious && (isOverlap || isRetry)
      ? createTokens(tokens, session, session.counter)
      : endStolen(session);
  }

  return async function refresh(token: string, key: string | undefined): Promise<Tokens> {
    const parsed = parseRefreshToken(token);
    const now = Date.now();
    const session = parsed && (await sessions.find(parsed.session, now));
    if (parsed === undefined || session === undefined || !isGenuine(parsed, session.secret))
      throw refreshFailed();
    const keyHash = key === undefined ? null : hashKey(key, session.secret);
    if (parsed.counter !== session.counter) return refreshAgain(session, parsed, keyHash, now);
    const idleEnds = Math.min(session.ends_ms, now + idleMs);
    if (await sessions.rotate(session.id, session.counter, { now, idleEnds }, keyHash))
      return createTokens(tokens, session, session.counter + 1);
    // Another request has rotated or ended the session since it was read.
    const changed = await sessions.find(session.id, now);
    if (changed === undefined) throw refreshFailed();
    return refreshAgain(changed, parsed, keyHash, now);
  };
}

async function createTokens(
  tokens: Parts['tokens'],
  session: Pick<SessionRecord, 'id' | 'secret' | 'scopes' | 'account_id'>,
  counter: number,
): Promise<Tokens> {
  const { id, secret, scopes, account_id } = session;
  return {
    access_token: await tokens.issue({ sub: String(account_id), scope: scopes, sid: id }),
    token_type: 'Bearer',
    expires_in: tokens.lifetime,
    refresh_token: createRefreshToken(id, counter, secret),
    session_id: id,
  };
}
