import { types } from 'node:util';
import { currentContext, runInContext } from './context.ts';
import { type Companion, waitForAnswers } from './keyed-request.ts';
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
  readonly companion: Companion | undefined;
  outcome?: { readonly result: unknown } | { readonly error: unknown };
  /** Whether it was resolved before COMMIT: it cannot be run again. */
  isAhead?: boolean;
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

  function flush(mayWait = true): void {
    isScheduled = false;
    const members = waiting;
    if (members.length === 0) return;
    waiting = [];
    tell(members, () => commitTogether(members, mayWait));
  }

  /** Tells all members of what keeps them from being written. */
  function tell(members: readonly Member[], step: () => void): void {
    try {
      step();
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
    waiting = [...members.filter(({ end, isAhead }) => end >= now && !isAhead), ...waiting];
    // Often: between two writes of a busy process the lock is free for a moment only.
    if (waiting.length > 0) schedule(1);
  }

  /** @throws what keeps all members from being written: none of them is then. */
  function commitTogether(members: readonly Member[], mayWait: boolean): void {
    begin.run();
    undoOnError(members, () => {
      // A transaction of one is its savepoint.
      for (const member of members) attempt(member, members.length > 1);
      const ahead = mayWait ? letGoAhead(members) : [];
      if (ahead.length === 0) finish(members);
      else {
        const end = () => tell(members, () => undoOnError(members, () => finish(members)));
        void waitForAnswers(ahead).then(end);
      }
    });
  }

  /** Requests with a key go on to their answers before COMMIT, so that those are written with the effect. */
  function letGoAhead(members: readonly Member[]): Companion[] {
    return members.flatMap((member) => {
      const { companion, outcome } = member;
      if (companion === undefined || outcome === undefined || 'error' in outcome) return [];
      member.isAhead = true;
      member.resolve(outcome.result);
      return companion;
    });
  }

  function finish(members: readonly Member[]): void {
    const done = members.filter(({ outcome }) => outcome !== undefined && 'result' in outcome);
    for (const { companion } of done) companion?.conclude();
    if (members.length === 1 && done.length === 0) rollback.run();
    else commit.run();
    for (const { companion, outcome, resolve, reject } of members) {
      companion?.settle();
      if (outcome !== undefined && 'error' in outcome) reject(outcome.error);
      else resolve(outcome?.result);
    }
  }

  function undoOnError(members: readonly Member[], step: () => void): void {
    try {
      step();
    } catch (error) {
      if (client.inTransaction) rollback.run();
      const isOfAll = isOfDisk(error) || isBusy(error) || members.length === 1;
      // One that is ahead cannot be run again for another's fault; its client can.
      const reason = isOfAll ? translate(error) : new Unavailable('It was not written', { cause: error });
      for (const { companion } of members) companion?.settle(reason);
      if (isOfAll) throw error;
      // One member's fault, as a constraint that is only looked at now: alone each has its own answer.
      commitAlone(members.filter(({ isAhead }) => !isAhead));
    }
  }

  function commitAlone(members: readonly Member[]): void {
    for (const [index, member] of members.entries()) {
      try {
        commitTogether([member], false);
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
      const companion = context?.keyed?.join(client);
      const run = () => runInContext(context, work);
      return new Promise<Result>((resolve, reject) => {
        waiting.push({
          fn: companion === undefined ? run : () => companion.run(run),
          companion,
          resolve: resolve as Member['resolve'],
          reject,
          end: performance.now() + lockWait,
        });
        schedule();
      });
    },
    /** Writes what waits, now or never. */
    close(): void {
      flush(false);
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
