import { types } from 'node:util';
import { type Context, currentContext, runInContext } from '../../context/context.ts';
import { runInSpan } from '../../context/span.ts';
import { ServiceUnavailable } from '../../errors/problem.ts';
import { countBuckets, Histogram } from '../../metrics/histogram.ts';
import { isBusy, isDiskError, sqliteCodeOf, toDatabaseError } from './errors.ts';
import {
  createWriteRunner,
  type PendingWrite,
  rejectAsyncWrite,
  type WriteConnection,
} from './savepoints.ts';

/** What has been counted of the writes. */
export interface WriteCounts {
  /** How many shared a transaction that was committed. */
  readonly commits: Histogram;
  /** Those that failed for what was not their fault: the disk is full, or fails, or another process has the lock. */
  readonly failures: { full: number; disk: number; busy: number };
}

/** A write as it is recorded: until it is durable, its statements below it. */
const writing = {
  name: 'write',
  kind: 'client',
  attributes: { 'db.system.name': 'sqlite', 'db.system': 'sqlite', 'db.operation.name': 'COMMIT' },
} as const;

/** How long a write waits while another process holds the lock, in ms. */
const lockWait = 5_000;

/**
 * Lets the writes of two turns of the event loop share a transaction, and so one flush to disk, which is what a
 * write costs. Each is answered after COMMIT. What a write itself does wrong fails it alone; what the disk does wrong
 * fails all of them, and none is acknowledged.
 * @param endReads ends the transaction in which others read on this connection.
 * @param isLost whether what is written now would not be found by the next start.
 */
export function openWriter(client: WriteConnection, endReads = () => {}, isLost = () => false) {
  const begin = client.prepare('BEGIN IMMEDIATE');
  const commit = client.prepare('COMMIT');
  const rollback = client.prepare('ROLLBACK');
  const attemptAll = createWriteRunner(client, { begin, rollback });
  const counts: WriteCounts = {
    commits: new Histogram(countBuckets),
    failures: { full: 0, disk: 0, busy: 0 },
  };
  let waiting: PendingWrite[] = [];
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
    if (isLost()) {
      counts.failures.disk += members.length;
      rejectAll(members, new ServiceUnavailable('The database cannot be written'));
    } else tell(members, () => commitTogether(members));
  }

  /** Tells all members of what keeps them from being written. */
  function tell(members: readonly PendingWrite[], step: () => void): void {
    try {
      step();
    } catch (error) {
      if (isBusy(error)) postpone(members, error);
      else fail(members, error);
    }
  }

  /** Another process has the lock. To wait inside SQLite would block the event loop. */
  function postpone(members: readonly PendingWrite[], error: unknown): void {
    const now = performance.now();
    const late = members.filter(({ end }) => end < now);
    counts.failures.busy += late.length;
    rejectAll(late, toDatabaseError(error));
    waiting = [...members.filter(({ end }) => end >= now), ...waiting];
    // Often: between two writes of a busy process the lock is free for a moment only.
    if (waiting.length > 0) schedule(1);
  }

  function fail(members: readonly PendingWrite[], error: unknown): void {
    if (isDiskError(error))
      counts.failures[sqliteCodeOf(error) === 'SQLITE_FULL' ? 'full' : 'disk'] += members.length;
    rejectAll(members, toDatabaseError(error));
  }

  /** @throws what keeps all members from being written: none of them is then. */
  function commitTogether(members: readonly PendingWrite[]): void {
    endReads();
    begin.run();
    undoOnError(members, () => {
      attemptAll(members);
      finish(members);
    });
  }

  function finish(members: readonly PendingWrite[]): void {
    const done = members.filter(({ outcome }) => outcome !== undefined && 'result' in outcome);
    if (members.length === 1 && done.length === 0) rollback.run();
    else {
      commit.run();
      counts.commits.add(members.length);
    }
    for (const { companion, outcome, resolve, reject } of members) {
      if (outcome !== undefined && 'error' in outcome) {
        companion?.failed(outcome.error);
        reject(outcome.error);
      } else {
        companion?.committed();
        resolve(outcome?.result);
      }
    }
  }

  function undoOnError(members: readonly PendingWrite[], step: () => void): void {
    try {
      step();
    } catch (error) {
      if (client.inTransaction) rollback.run();
      const isOfAll = isDiskError(error) || isBusy(error) || members.length === 1;
      if (isOfAll) throw error;
      // One member's fault, as a constraint that is only looked at now: alone each has its own answer.
      commitAlone(members);
    }
  }

  function commitAlone(members: readonly PendingWrite[]): void {
    for (const [index, member] of members.entries()) {
      try {
        commitTogether([member]);
      } catch (error) {
        if (isBusy(error)) {
          // Those after it too: none overtakes another.
          postpone(members.slice(index), error);
          return;
        }
        fail([member], error);
      }
    }
  }

  return {
    counts,
    /** `fn` may be run again, and later: it does nothing but statements on this connection. */
    write<Result>(fn: () => Result): Promise<Result> {
      const own = currentContext();
      const span = own?.span?.start(writing);
      const context = span === undefined ? own : ({ ...own, span } as Context);
      // An async function would go on after its transaction: it is not even begun.
      const work = types.isAsyncFunction(fn) ? rejectAsyncWrite : fn;
      const companion = context?.keyed?.joinWrite(client);
      const run = () => runInContext(context, work);
      const written = new Promise<Result>((resolve, reject) => {
        waiting.push({
          fn: companion === undefined ? run : () => companion.run(run),
          companion,
          resolve: resolve as PendingWrite['resolve'],
          reject,
          end: performance.now() + lockWait,
        });
        schedule();
      });
      return span === undefined ? written : runInSpan(span, written);
    },
    /** Writes what waits, now or never. */
    close(): void {
      flush();
      rejectAll(waiting, new ServiceUnavailable('The database is closing'));
      waiting = [];
    },
  };
}

function rejectAll(members: readonly PendingWrite[], error: unknown): void {
  for (const { companion, reject } of members) {
    companion?.failed(error);
    reject(error);
  }
}
