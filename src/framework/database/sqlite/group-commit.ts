import { type Context, currentContext, runInContext } from '../../context/context.ts';
import { runInWrite } from '../../context/open-write.ts';
import { ServiceUnavailable } from '../../errors/problem.ts';
import { currentWrite, RunningWrite } from '../running-write.ts';
import { traceWrite } from '../statement-observer.ts';
import { createCommitter } from './committer.ts';
import { lockWaitMs } from './errors.ts';
import { failWrites, type LateInsertion, type PendingWrite } from './pending-write.ts';
import type { WriteConnection } from './savepoints.ts';

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
  const totalChanges = client.prepare('SELECT total_changes()');
  const countChanges = () => Object.values(totalChanges.get() as object)[0] as number;
  const { counts, commitInOrder } = createCommitter(client, endReads, isLost);
  let queue: PendingWrite[] = [];
  let isScheduled = false;
  /** Resolves when the running transaction has ended. */
  let running: Promise<readonly PendingWrite[]> | undefined;

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
    running = commitInOrder(writes);
    const waiting = await running;
    running = undefined;
    if (waiting.length === 0) return;
    // Waiting for the lock inside SQLite would block the event loop. Try often, because a busy process frees the lock
    // only for a moment between two writes.
    queue = [...waiting, ...queue];
    schedule(1);
  }

  /** Queues a write. `run` gets the context of its statements. */
  function add<Result>(
    run: (context: Context | undefined) => unknown,
    { participant, lastRun }: Pick<PendingWrite, 'participant' | 'lastRun'>,
  ): Promise<Result> {
    return traceWrite('sqlite', (context) => {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      queue.push({
        run: () => run(context),
        ...{ participant, lastRun },
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
      add((context) => runInContext(context, run), { participant: undefined, lastRun: () => undefined }),
    /** `fn` may run later and more than once: it must do nothing but run statements on this connection. */
    write<Result>(fn: () => Promise<Result>): Promise<Result> {
      if (currentWrite(client) !== undefined) return fn();
      const prepared = prepareWrite(client, countChanges, fn);
      return add(prepared.run, prepared);
    },
    /** Commits the queued writes, and rejects those that it cannot commit. Returns undefined if there are none. */
    close(): Promise<void> | undefined {
      return running === undefined && queue.length === 0 ? undefined : finish();
    },
  };
}

/** Prepares a write whose statements may run more than once. The idempotency key of the request takes part in it. */
function prepareWrite<Result>(
  client: WriteConnection,
  countChanges: () => number,
  fn: () => Promise<Result>,
) {
  const participant = currentContext()?.keyed?.joinWrite(client);
  const work = participant === undefined ? fn : () => participant.run(fn);
  let last: RunningWrite<LateInsertion> | undefined;
  async function run(context: Context | undefined): Promise<Result> {
    const write = new RunningWrite<LateInsertion>(client, countChanges);
    last = write;
    try {
      return await runInContext(context, () => runInWrite(write, work));
    } finally {
      write.end();
    }
  }
  return { run, participant, lastRun: () => last };
}
