import type { WriteParticipant } from '../../context/write-participant.ts';
import { isDiskError } from './errors.ts';

/** What is needed of a connection of better-sqlite3. */
export interface WriteConnection {
  prepare(sql: string): { run(): unknown };
  /** Whether a transaction is open: some errors end one. */
  readonly inTransaction: boolean;
}

/** One write that waits to be durable. */
export interface PendingWrite {
  fn(): unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  /** When it has waited long enough for the lock, in ms on the clock of `performance.now()`. */
  readonly end: number;
  readonly companion: WriteParticipant | undefined;
  outcome?: { readonly result: unknown } | { readonly error: unknown };
}

/** The statements that end a transaction without a trace, and open the next. */
type Anew = Readonly<Record<'begin' | 'rollback', ReturnType<WriteConnection['prepare']>>>;

/**
 * Runs the writes of an open transaction, so that what one does wrong fails it alone. First as if all were right; where
 * one is not, all anew, each behind a savepoint: that takes a third of the time of a short write, and is seldom needed.
 * @throws what fails all of them.
 */
export function createWriteRunner(client: WriteConnection, { begin, rollback }: Anew) {
  const save = client.prepare('SAVEPOINT member');
  const restore = client.prepare('ROLLBACK TO member');
  const release = client.prepare('RELEASE member');

  /** Whether it did all that it was to do. */
  function attempt(member: PendingWrite): boolean {
    try {
      const result = member.fn();
      if (result instanceof Promise) result.catch(() => {});
      // A query of Drizzle that was not run is one that can be awaited: it would run later, and alone.
      if (typeof Object(result).then === 'function') rejectAsyncWrite();
      member.outcome = { result };
    } catch (error) {
      if (!client.inTransaction || isDiskError(error)) throw error;
      member.outcome = { error };
      return false;
    }
    // What comes after it would be a transaction each.
    if (!client.inTransaction) throw new Error('no transaction is active: a statement has ended it');
    return true;
  }

  return function attemptAll(members: readonly PendingWrite[]): void {
    // A transaction of one is its savepoint.
    if (members.every(attempt) || members.length === 1) return;
    rollback.run();
    begin.run();
    for (const member of members) {
      save.run();
      if (!attempt(member)) restore.run();
      release.run();
    }
  };
}

export function rejectAsyncWrite(): never {
  throw new TypeError('A transaction does not wait: fn must not be async, nor return what can be awaited');
}
