import { ServiceUnavailable } from '../../errors/problem.ts';
import { countBuckets, Histogram } from '../../metrics/histogram.ts';
import type { WriteCounts } from '../database.ts';
import { listInsertions } from '../late-rows.ts';
import { isBusy, isDiskError, sqliteCodeOf, toProblem } from './errors.ts';
import { failWrites, type PendingWrite, setFailed, settleWrites } from './pending-write.ts';
import { createWriteRunner, type WriteConnection } from './savepoints.ts';

/** Creates the part of a group commit that commits writes, settles them and counts them. See `openWriter`. */
export function createCommitter(client: WriteConnection, endReads: () => void, isLost: () => boolean) {
  const begin = client.prepare('BEGIN IMMEDIATE');
  const commit = client.prepare('COMMIT');
  const rollback = client.prepare('ROLLBACK');
  const runAll = createWriteRunner(client, begin, rollback);
  const counts: WriteCounts = {
    commits: new Histogram(countBuckets),
    failures: { full: 0, disk: 0, busy: 0 },
  };

  /** @throws the error that prevents the transaction. Then none of the writes has an effect. */
  async function commitTogether(writes: readonly PendingWrite[]): Promise<void> {
    endReads();
    begin.run();
    try {
      await runAll(writes);
      const late = writes.flatMap(({ progress, lastRun }) =>
        progress.state === 'ran' ? (lastRun()?.late ?? []) : [],
      );
      for (const [insertion, values] of listInsertions(late)) insertion.run(values);
      if (writes.length === 1 && writes[0]?.progress.state === 'failed') rollback.run();
      else {
        commit.run();
        counts.commits.add(writes.length);
      }
    } catch (error) {
      if (client.inTransaction) rollback.run();
      throw error;
    }
    for (const write of writes) {
      const { progress } = write;
      if (progress.state === 'ran') write.progress = { ...progress, state: 'committed' };
    }
  }

  /** Rejects the writes that have waited too long for the lock, and returns the others. */
  function rejectTimedOut(writes: readonly PendingWrite[], error: unknown): PendingWrite[] {
    const now = performance.now();
    const timedOut = writes.filter(({ deadline }) => deadline < now);
    counts.failures.busy += timedOut.length;
    failWrites(timedOut, toProblem(error));
    return writes.filter(({ deadline }) => deadline >= now);
  }

  /**
   * Commits the writes in one transaction. If one of them prevents its COMMIT, commits each in a separate transaction.
   * Resolves with the writes that have to wait, because another process has the lock.
   */
  async function commitInOrder(writes: readonly PendingWrite[]): Promise<readonly PendingWrite[]> {
    if (isLost()) {
      counts.failures.disk += writes.length;
      failWrites(writes, new ServiceUnavailable('The database cannot be written'));
      return [];
    }
    let size = writes.length;
    for (let rest = writes; rest.length > 0; ) {
      const batch = rest.slice(0, size);
      try {
        await commitTogether(batch);
      } catch (error) {
        // All remaining writes wait, so that no write overtakes another.
        if (isBusy(error)) return rejectTimedOut(rest, error);
        if (batch.length > 1 && !isDiskError(error)) {
          // SQLite checks deferred constraints at COMMIT, and does not say which write violates one.
          size = 1;
          continue;
        }
        if (isDiskError(error)) {
          counts.failures[sqliteCodeOf(error) === 'SQLITE_FULL' ? 'full' : 'disk'] += batch.length;
        }
        setFailed(batch, toProblem(error));
      }
      settleWrites(batch);
      rest = rest.slice(size);
    }
    return [];
  }

  return { counts, commitInOrder };
}
