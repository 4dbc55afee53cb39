import type { Companion } from './keyed-request.ts';
import { isOfDisk } from './sqlite-error.ts';

/** What is needed of a connection of better-sqlite3. */
export interface Connection {
  prepare(sql: string): { run(): unknown };
  /** Whether a transaction is open: some errors end one. */
  readonly inTransaction: boolean;
}

/** One write that waits to be durable. */
export interface Member {
  fn(): unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  /** When it has waited long enough for the lock, in ms on the clock of `performance.now()`. */
  readonly end: number;
  readonly companion: Companion | undefined;
  outcome?: { readonly result: unknown } | { readonly error: unknown };
  /** Whether it was resolved before COMMIT: it cannot be run again. */
  isAhead?: boolean;
}

/**
 * Runs one write of a transaction; behind a savepoint where others share that, so that what it does wrong fails it alone.
 * @throws what fails all of them.
 */
export function createAttempt(client: Connection) {
  const save = client.prepare('SAVEPOINT member');
  const restore = client.prepare('ROLLBACK TO member');
  const release = client.prepare('RELEASE member');

  return function attempt(member: Member, isShared: boolean): void {
    if (isShared) save.run();
    try {
      const result = member.fn();
      if (result instanceof Promise) result.catch(() => {});
      // A query of Drizzle that was not run is one that can be awaited: it would run later, and alone.
      if (typeof Object(result).then === 'function') refuse();
      member.outcome = { result };
    } catch (error) {
      if (!client.inTransaction || isOfDisk(error)) throw error;
      if (isShared) restore.run();
      member.outcome = { error };
    }
    if (isShared) release.run();
  };
}

export function refuse(): never {
  throw new TypeError('A transaction does not wait: fn must not be async, nor return what can be awaited');
}
