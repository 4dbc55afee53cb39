import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { AttemptRepository, AttemptRow } from './attempt-repository.ts';
import { tooManyTries } from './errors.ts';
import { linkMs } from './mail-repository.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const limits = {
  /** Failures of one address for one account without a wait. Then 1, 2, 4 … 900 s. */
  freeFailures: 5,
  maxWaitMs: 900 * second,
  /** Failures of one account from all addresses. */
  accountFailuresPerHour: 100,
  /** Tries of one address, before any account is read and any password hashed. */
  addressTriesPerMinute: 30,
  /** Mails to one address in the time that a link works: a stranger who orders them cannot keep a user without a link. */
  mailsPerLink: 3,
  /** The time after a login for which failures of other addresses do not block this address. */
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
 * Limits guesses of passwords, registrations and mails. The counts are in the database, so all instances share them.
 * Existing sessions continue. The keys are hashes of the folded email, also of an unknown account, and of the address.
 */
export function createThrottle(attempts: AttemptRepository) {
  /**
   * Counts a try, unless `decide` returns a wait. It calls `decide` after a read first, so that a flood is rejected
   * without a write.
   * @throws {Problem} 429
   */
  async function countTry(keys: readonly string[], now: number, decide: Decide): Promise<void> {
    const known = await Promise.all(keys.map(async (key) => (await attempts.find(key)) ?? emptyRow(key)));
    const waitMs = decide(known).result || (await attempts.update(keys, now, decide));
    if (waitMs > 0) throw tooManyTries(waitMs);
  }

  return {
    /** Counts a try of an address. @throws {Problem} 429 if it has tried too often. */
    async countAddress(address: string): Promise<void> {
      const now = Date.now();
      await countTry([toKey('address', toNetwork(address))], now, ([row]) =>
        countOne(row as AttemptRow, now, minute, limits.addressTriesPerMinute),
      );
    },
    /** Counts a mail to an address. Resolves with whether it may be sent. */
    async countMail(email: string): Promise<boolean> {
      const now = Date.now();
      const waitMs = await attempts.update([toKey('mail', email)], now, ([row]) =>
        countOne(row as AttemptRow, now, linkMs, limits.mailsPerLink),
      );
      return waitMs === 0;
    },
    /** Begins to check a password. @throws {Problem} 429 */
    async begin(email: string, address: string): Promise<Try> {
      const now = Date.now();
      const network = toNetwork(address);
      const keys = [toKey('account', email), toKey('pair', `${email} ${network}`)];
      await countTry([toKey('address', network), ...keys], now, (rows) => decideOnTry(rows, now));

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

/** Returns the rows that count a try, or no rows and the ms to wait. */
type Decide = (rows: readonly AttemptRow[]) => {
  readonly save: readonly AttemptRow[];
  readonly result: number;
};

/** @param rows of the address, of the account and of both together. */
function decideOnTry(rows: readonly AttemptRow[], now: number): ReturnType<Decide> {
  const [ofAddress, ofAccount, ofPair] = rows as [AttemptRow, AttemptRow, AttemptRow];
  const isTrusted = ofPair.trusted_ms > now;
  const waitMs = Math.max(
    windowWait(ofAddress, now, minute, limits.addressTriesPerMinute),
    isTrusted ? 0 : windowWait(ofAccount, now, hour, limits.accountFailuresPerHour),
    blockWait(ofPair, now),
  );
  if (waitMs > 0) return { save: [], result: waitMs };
  const account = isTrusted ? [] : [countInWindow(ofAccount, now, hour)];
  return { save: [countInWindow(ofAddress, now, minute), ...account, countFailure(ofPair, now)], result: 0 };
}

function countOne(row: AttemptRow, now: number, windowMs: number, max: number): ReturnType<Decide> {
  const result = windowWait(row, now, windowMs, max);
  return { save: result > 0 ? [] : [countInWindow(row, now, windowMs)], result };
}

function emptyRow(key: string): AttemptRow {
  return { key, count: 0, since_ms: 0, blocked_ms: 0, trusted_ms: 0, expires_ms: 0 };
}

/** Returns how long to wait until the window of a full count ends; 0 if it is not full. */
function windowWait(row: AttemptRow, now: number, windowMs: number, max: number): number {
  return row.count >= max && !isOver(row, now, windowMs) ? row.since_ms + windowMs - now : 0;
}

/** Returns how long an address is blocked for an account. A block that ends too late is of a clock that was set back. */
function blockWait({ blocked_ms }: AttemptRow, now: number): number {
  return blocked_ms - now > 2 * limits.maxWaitMs ? 0 : blocked_ms - now;
}

/** Whether the window of a count has ended. A window that begins far in the future is of a clock that was set back. */
function isOver({ since_ms }: AttemptRow, now: number, windowMs: number): boolean {
  return Math.abs(now - since_ms) >= windowMs;
}

function countInWindow(row: AttemptRow, now: number, windowMs: number): AttemptRow {
  const [count, since_ms] = isOver(row, now, windowMs) ? [1, now] : [row.count + 1, row.since_ms];
  return { ...row, count, since_ms, expires_ms: since_ms + windowMs };
}

/** Counts a failure, and blocks the pair from the fifth failure on. A day without a failure resets the count. */
function countFailure(row: AttemptRow, now: number): AttemptRow {
  const count = isOver(row, now, day) ? 1 : row.count + 1;
  const over = count - limits.freeFailures;
  // 0 means not blocked. `now` would block the pair in a process whose clock is behind.
  const blocked_ms = over < 0 ? 0 : now + Math.min(limits.maxWaitMs, second * 2 ** over);
  const expires_ms = Math.max(row.trusted_ms, now + day);
  return { ...row, count, since_ms: now, blocked_ms, expires_ms };
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
