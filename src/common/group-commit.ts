import { types } from 'node:util';
import { currentContext, runInContext } from './context.ts';
import { Unavailable } from './problem.ts';
import { isBusy, isOfDisk, translate } from './sqlite-error.ts';

/** What is needed of a connection of better-sqlite3. */
interface Connection {
  prepare(sql: string): { run(): unknown };
  /** Whether a transaction is open: some errors end one. */
  readonly inTransaction: boolean;
}

/** One write that waits to be durable. */
interface Member {
  fn(): unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  /** When it has waited long enough for the lock, in ms on the clock of `performance.now()`. */
  readonly end: number;
  outcome?: { readonly result: unknown } | { readonly error: unknown };
}

/** How long a write waits while another process holds the lock, in ms. */
const lockWait = 5_000;

/**
 * Lets the writes of two turns of the event loop share a transaction, and so one flush to disk, which is what a
 * write costs. Each is answered after COMMIT. What a write itself does wrong fails it alone, behind a savepoint;
 * what the disk does wrong fails all of them, and none is acknowledged.
 */
export function openWriter(client: Connection) {
  const begin = client.prepare('BEGIN IMMEDIATE');
  const commit = client.prepare('COMMIT');
  const rollback = client.prepare('ROLLBACK');
  const save = client.prepare('SAVEPOINT member');
  const restore = client.prepare('ROLLBACK TO member');
  const release = client.prepare('RELEASE member');
  let waiting: Member[] = [];
  let isScheduled = false;

  function schedule(wait?: number): void {
    if (isScheduled) return;
    isScheduled = true;
    // Of two turns: what the last commit answered comes back in more than one, and each commit blocks all others.
    if (wait === undefined) setImmediate(() => setImmediate(flush));
    else setTimeout(flush, wait);
  }

  function flush(): void {
    isScheduled = false;
    const members = waiting;
    if (members.length === 0) return;
    waiting = [];
    try {
      commitTogether(members);
    } catch (error) {
      if (isBusy(error)) postpone(members, error);
      else rejectAll(members, translate(error));
    }
  }

  /** Another process has the lock. To wait inside SQLite would block the event loop. */
  function postpone(members: readonly Member[], error: unknown): void {
    const now = performance.now();
    const late = members.filter(({ end }) => end < now);
    rejectAll(late, translate(error));
    waiting = [...members.filter(({ end }) => end >= now), ...waiting];
    // Often: between two writes of a busy process the lock is free for a moment only.
    if (waiting.length > 0) schedule(1);
  }

  /** @throws what keeps all members from being written: none of them is then. */
  function commitTogether(members: readonly Member[]): void {
    begin.run();
    try {
      // A transaction of one is its savepoint.
      for (const member of members) attempt(member, members.length > 1);
      if (members.length === 1 && 'error' in (members[0]?.outcome ?? {})) rollback.run();
      else commit.run();
    } catch (error) {
      if (client.inTransaction) rollback.run();
      if (isOfDisk(error) || isBusy(error) || members.length === 1) throw error;
      // One member's fault, as a constraint that is only looked at now: alone each has its own answer.
      commitAlone(members);
      return;
    }
    for (const { outcome, resolve, reject } of members) {
      if (outcome !== undefined && 'error' in outcome) reject(outcome.error);
      else resolve(outcome?.result);
    }
  }

  function commitAlone(members: readonly Member[]): void {
    for (const [index, member] of members.entries()) {
      try {
        commitTogether([member]);
      } catch (error) {
        if (isBusy(error)) {
          // Those after it too: none overtakes another.
          postpone(members.slice(index), error);
          return;
        }
        member.reject(translate(error));
      }
    }
  }

  function attempt(member: Member, isShared: boolean): void {
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
  }

  return {
    /** `fn` may be run again, and later: it does nothing but statements on this connection. */
    write<Result>(fn: () => Result): Promise<Result> {
      const context = currentContext();
      // An async function would go on after its transaction: it is not even begun.
      const work = types.isAsyncFunction(fn) ? refuse : fn;
      return new Promise<Result>((resolve, reject) => {
        waiting.push({
          fn: () => runInContext(context, work),
          resolve: resolve as Member['resolve'],
          reject,
          end: performance.now() + lockWait,
        });
        schedule();
      });
    },
    /** Writes what waits, now or never. */
    close(): void {
      flush();
      rejectAll(waiting, new Unavailable('The database is closing'));
      waiting = [];
    },
  };
}

function rejectAll(members: readonly Member[], error: unknown): void {
  for (const { reject } of members) reject(error);
}

function refuse(): never {
  throw new TypeError('A transaction does not wait: fn must not be async, nor return what can be awaited');
}
