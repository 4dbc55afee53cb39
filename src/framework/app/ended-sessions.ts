import { InvalidCredential, type VerifyCredential } from '../auth/token-verifier.ts';
import { internalLimits } from '../config/limits.ts';
import type { Principal } from '../context/principal.ts';
import { FeedLost, type ReadFeed } from '../events/read-feed.ts';

/** The type of the event that the issuer emits when a session ends before its tokens do. `subject` is the session. */
export const sessionEnded = 'session.ended';

/** The age in ms of the last read after which a token of a session starts another read in the background. */
const refreshMs = 15_000;
/**
 * The age in ms of the last read after which a request waits for another read. So an ended session is rejected at the
 * latest after this time, unless the issuer is away.
 */
const waitMs = 45_000;
/** ms between two attempts while the issuer is away. Meanwhile the app accepts the tokens. */
const retryMs = 1_000;

/** Rejects tokens of sessions that have ended. Reads the feed of the issuer only while tokens come. */
export function rejectEndedSessions(verify: VerifyCredential, readFeed: ReadFeed): VerifyCredential {
  const ended = new Map<string, number>();
  let position: string | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  /** Whether the last read failed. If so, no request waits for the next read, because the issuer may hang. */
  let hasFailed = false;
  let running: Promise<void> | undefined;

  async function read(): Promise<void> {
    for (;;) {
      const { events, next, newest } = await readFeed(position, { waitMs: 0 });
      for (const { subject, time } of events) ended.set(subject, Date.parse(time));
      position = next;
      if (next === newest) break;
    }
    readAt = performance.now();
    hasFailed = false;
    for (const [session, at] of ended)
      if (at < Date.now() - internalLimits.accessTokenMs) ended.delete(session);
  }

  function refresh(): Promise<void> {
    triedAt = performance.now();
    running ??= read()
      .catch((error: unknown) => {
        // The issuer was restored from a backup, or has deleted events after `position`: read from the oldest event.
        if (error instanceof FeedLost) position = null;
        else hasFailed = true;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  function assertNotEnded(principal: Principal): Principal {
    if (ended.has(principal.session as string)) throw new InvalidCredential('the session has ended');
    return principal;
  }

  function check(principal: Principal): Principal | Promise<Principal> {
    if (principal.session === undefined) return principal;
    const now = performance.now();
    const isStale = now - readAt > refreshMs;
    if (!isStale && !ended.has(principal.session)) return principal;
    const reading = isStale && now - triedAt > retryMs ? refresh() : running;
    const mustWait = !hasFailed && now - readAt > waitMs;
    return reading !== undefined && mustWait
      ? reading.then(() => assertNotEnded(principal))
      : settle(principal);
  }

  const settle = async (principal: Principal) => assertNotEnded(principal);

  return (authorization) => {
    const principal = verify(authorization);
    return principal instanceof Promise ? principal.then(check) : check(principal);
  };
}
