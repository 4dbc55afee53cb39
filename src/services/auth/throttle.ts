import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { AttemptRepository, AttemptRow } from './attempt-repository.ts';
import { tooManyTries } from './errors.ts';

export type Throttle = ReturnType<typeof createThrottle>;

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const limits = {
  /** Failures of one address for one account without a wait. Then 1, 2, 4 … 900 s. */
  freeFailures: 5,
  maxWaitMs: 900 * second,
  /** Failures of one account over all addresses. */
  accountFailuresPerHour: 100,
  /** Tries of one address, before any account is read and any password hashed. */
  addressTriesPerMinute: 30,
  mailsPerHour: 5,
  /** An address that has logged in is not concerned by failures of other addresses for this long. */
  trustMs: 30 * day,
};

/** A password that is about to be checked. It counts as a failure until `succeed` or `cancel`. */
export interface Try {
  /** Clears the failures of this address for this account. */
  succeed(): Promise<void>;
  /** The password was not checked. */
  cancel(): Promise<void>;
}

/**
 * Limits guesses. The counts are in the database, so they hold over all instances. They concern logins only: sessions
 * that exist go on. The keys are hashes of the folded email, also of an unknown account, and of the address.
 */
export function createThrottle(attempts: AttemptRepository) {
  /** Counts a try of an address. @throws {Problem} 429 if it has tried too often. */
  async function countAddress(address: string): Promise<void> {
    const key = toKey('address', toNetwork(address));
    const now = Date.now();
    // Without a write, because this is the answer to most requests of a flood.
    const known = await attempts.find(key);
    const waitMs = known === undefined ? 0 : windowWait(known, now, minute, limits.addressTriesPerMinute);
    const wait = waitMs || (await count(key, now, minute, limits.addressTriesPerMinute));
    if (wait > 0) throw tooManyTries(wait);
  }

  /** Counts one more in a window, unless it is full. Resolves with how long to wait then, else with 0. */
  function count(key: string, now: number, windowMs: number, max: number): Promise<number> {
    return attempts.update([key], now, ([row]) => {
      const one = row as AttemptRow;
      const result = windowWait(one, now, windowMs, max);
      return { save: result > 0 ? [] : [countInWindow(one, now, windowMs)], result };
    });
  }

  return {
    countAddress,
    /** Resolves with whether another mail may go to this address. */
    countMail: async (email: string) =>
      (await count(toKey('mail', email), Date.now(), hour, limits.mailsPerHour)) === 0,
    /** Begins to check a password. @throws {Problem} 429 */
    async begin(email: string, address: string): Promise<Try> {
      await countAddress(address);
      const now = Date.now();
      const account = toKey('account', email);
      const pair = toKey('pair', `${email} ${toNetwork(address)}`);
      const keys = [account, pair];
      const waitMs = await attempts.update(keys, now, ([ofAccount, ofPair]) => {
        const [one, both] = [ofAccount, ofPair] as [AttemptRow, AttemptRow];
        const isTrusted = both.trusted_ms > now;
        const accountWait = isTrusted ? 0 : windowWait(one, now, hour, limits.accountFailuresPerHour);
        const result = Math.max(accountWait, both.blocked_ms - now);
        const counted = isTrusted ? [] : [countInWindow(one, now, hour)];
        return { save: result > 0 ? [] : [...counted, countFailure(both, now)], result };
      });
      if (waitMs > 0) throw tooManyTries(waitMs);

      const undo = (change: (both: AttemptRow) => AttemptRow) =>
        attempts.update(keys, now, ([ofAccount, ofPair]) => {
          const [one, both] = [ofAccount, ofPair] as [AttemptRow, AttemptRow];
          const isCounted = both.trusted_ms <= now && one.since_ms > now - hour;
          const account = isCounted ? [{ ...one, count: Math.max(0, one.count - 1) }] : [];
          return { save: [...account, change(both)], result: undefined };
        });
      return {
        succeed: () =>
          undo((both) => {
            const trusted_ms = Date.now() + limits.trustMs;
            return { ...both, count: 0, blocked_ms: 0, trusted_ms, expires_ms: trusted_ms };
          }),
        cancel: () => undo((both) => ({ ...both, count: Math.max(0, both.count - 1), blocked_ms: 0 })),
      };
    },
    prune: () => attempts.prune(Date.now()),
  };
}

/** Returns how long to wait until the window of a full count ends; 0 if it is not full. */
function windowWait({ count, since_ms }: AttemptRow, now: number, windowMs: number, max: number): number {
  return count >= max ? Math.max(0, since_ms + windowMs - now) : 0;
}

function countInWindow(row: AttemptRow, now: number, windowMs: number): AttemptRow {
  const isOver = row.since_ms + windowMs <= now;
  const since_ms = isOver ? now : row.since_ms;
  return { ...row, count: isOver ? 1 : row.count + 1, since_ms, expires_ms: since_ms + windowMs };
}

/** Counts a failure, and blocks the pair from the fifth on. A day without one forgets them. */
function countFailure(row: AttemptRow, now: number): AttemptRow {
  const count = row.since_ms + day <= now ? 1 : row.count + 1;
  const over = count - limits.freeFailures;
  const waitMs = over < 0 ? 0 : Math.min(limits.maxWaitMs, second * 2 ** over);
  const expires_ms = Math.max(row.trusted_ms, now + day);
  return { ...row, count, since_ms: now, blocked_ms: now + waitMs, expires_ms };
}

function toKey(kind: string, value: string): string {
  return `${kind}:${hash('sha256', value, 'base64url')}`;
}

/** Returns the network of an address: a customer has a whole /64 of IPv6. */
function toNetwork(address: string): string {
  const [plain = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined || !isIPv6(plain)) return mapped ?? plain;
  const [head = '', tail] = plain.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const last = (tail ?? '').split(':').filter((group) => group !== '');
  const zeros = tail === undefined ? 0 : 8 - groups.length - last.length;
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...last];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
