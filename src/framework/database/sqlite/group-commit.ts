import { type Context, currentContext, runInContext } from '../../context/context.ts';
import { runInWrite } from '../../context/open-write.ts';
import { ServiceUnavailable } from '../../errors/problem.ts';
import { countBuckets, Histogram } from '../../metrics/histogram.ts';
import type { WriteCounts } from '../database.ts';
import { listInsertions } from '../late-rows.ts';
import { currentWrite, RunningWrite } from '../running-write.ts';
import { traceWrite } from '../statement-observer.ts';
import { isBusy, isDiskError, lockWaitMs, sqliteCodeOf, toProblem } from './errors.ts';
import {
  failWrites,
  type LateInsertion,
  type PendingWrite,
  setFailed,
  settleWrites,
} from './pending-write.ts';
import { createWriteRunner, type WriteConnection } from './savepoints.ts';

/** A single statement has no idempotency key, no late rows, and no later statement to reject. */
const alone = { participant: undefined, abandon: undefined, late: undefined };

/** The group commit of one connection. */
export type Writer = ReturnType<typeof openWriter>;

/**
 * Opens a group commit: the writes of two event-loop turns share a transaction. So they share one flush to disk, which
 * is most of the cost of a write. Each write settles after COMMIT, in the order of the calls. An error of one write
 * fails only that write. An error of the disk fails all writes of the transaction, and none of them is acknowledged.
 * @param endReads ends the read transaction on this connection.
 * @param isLost returns whether writes would be lost, because the open files are no longer those at the path.
 */
export function openWriter(client: WriteConnection, endReads = () => {}, isLost = () => false) {
  const begin = client.prepare('BEGIN IMMEDIATE');
  const commit = client.prepare('COMMIT');
  const rollback = client.prepare('ROLLBACK');
  const runAll = createWriteRunner(client, begin, rollback);
  const totalChanges = client.prepare('SELECT total_changes()');
  const countChanges = () => Object.values(totalChanges.get() as object)[0] as number;
  const counts: WriteCounts = {
    commits: new Histogram(countBuckets),
    failures: { full: 0, disk: 0, busy: 0 },
  };
  let queue: PendingWrite[] = [];
  let isScheduled = false;
  /** Resolves when the running transaction has ended. */
  let running: Promise<void> | undefined;

  function schedule(delayMs?: number): void {
    if (isScheduled) return;
    isScheduled = true;
    // Wait two turns: callers that the last COMMIT resolved often write again within two, and each COMMIT blocks the loop.
    if (delayMs === undefined) setImmediate(() => setImmediate(flush));
    else setTimeout(flush, delayMs);
  }

  async function flush(): Promise<void> {
    isScheduled = false;
    const writes = queue;
    queue = [];
    if (writes.length === 0) return;
    if (isLost()) {
      counts.failures.disk += writes.length;
      failWrites(writes, new ServiceUnavailable('The database cannot be written'));
      return;
    }
    running = commitInOrder(writes);
    await running;
    running = undefined;
  }

  /** Commits the writes in one transaction. If one of them prevents its COMMIT, commits each in a separate transaction. */
  async function commitInOrder(writes: readonly PendingWrite[]): Promise<void> {
    let size = writes.length;
    for (let rest = writes; rest.length > 0; ) {
      const batch = rest.slice(0, size);
      try {
        await commitTogether(batch);
      } catch (error) {
        if (isBusy(error)) {
          // All remaining writes wait, so that no write overtakes another.
          waitForLock(rest, error);
          return;
        }
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
  }

  /** @throws the error that prevents the transaction. Then none of the writes has an effect. */
  async function commitTogether(writes: readonly PendingWrite[]): Promise<void> {
    endReads();
    begin.run();
    try {
      await runAll(writes);
      const late = writes.flatMap(({ progress, late }) => (progress.state === 'ran' && late?.()) || []);
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

  /** Queues the writes again while another process has the lock. Waiting inside SQLite would block the event loop. */
  function waitForLock(writes: readonly PendingWrite[], error: unknown): void {
    const now = performance.now();
    const timedOut = writes.filter(({ deadline }) => deadline < now);
    counts.failures.busy += timedOut.length;
    failWrites(timedOut, toProblem(error));
    queue = [...writes.filter(({ deadline }) => deadline >= now), ...queue];
    // Try often, because a busy process frees the lock only for a moment between two writes.
    if (queue.length > 0) schedule(1);
  }

  /** Queues a write. `run` gets the context of its statements. */
  function add<Result>(
    run: (context: Context | undefined) => unknown,
    { participant, abandon, late }: Pick<PendingWrite, 'participant' | 'abandon' | 'late'>,
  ): Promise<Result> {
    return traceWrite('sqlite', (context) => {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      queue.push({
        run: () => run(context),
        ...{ participant, abandon, late },
        resolve: resolve as PendingWrite['resolve'],
        reject,
        deadline: performance.now() + lockWaitMs,
        progress: { state: 'queued' },
      });
      schedule();
      return promise;
    });
  }

  async function finish(): Promise<void> {
    await running;
    await flush();
    failWrites(queue, new ServiceUnavailable('The database is closing'));
    queue = [];
  }

  return {
    counts,
    /** Resolves when the open transaction has ended. Undefined if none is open. */
    get running() {
      return running;
    },
    /** Queues a single statement as a write. */
    writeStatement: <Result>(run: () => Result): Promise<Result> =>
      add((context) => runInContext(context, run), alone),
    /** `fn` may run later and more than once: it must do nothing but run statements on this connection. */
    write<Result>(fn: () => Promise<Result>): Promise<Result> {
      if (currentWrite(client) !== undefined) return fn();
      const participant = currentContext()?.keyed?.joinWrite(client);
      const work = participant === undefined ? fn : () => participant.run(fn);
      let latest: RunningWrite<LateInsertion> | undefined;
      async function run(context: Context | undefined): Promise<Result> {
        const write = new RunningWrite<LateInsertion>(client, countChanges);
        latest = write;
        try {
          return await runInContext(context, () => runInWrite(write, work));
        } finally {
          write.end();
        }
      }
      return add(run, { participant, abandon: () => latest?.abandon(), late: () => latest?.late });
    },
    /** Commits the queued writes, and rejects those that it cannot commit. Returns undefined if there are none. */
    close(): Promise<void> | undefined {
      return running === undefined && queue.length === 0 ? undefined : finish();
    },
  };
}
