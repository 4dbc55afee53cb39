import type { WriteParticipant } from '../../context/write-participant.ts';
import { isDiskError } from './errors.ts';

/** What group commit needs of a better-sqlite3 connection. */
export interface WriteConnection {
  prepare(sql: string): { run(): unknown };
  /** Whether a transaction is open. Some errors end one. */
  readonly inTransaction: boolean;
}

/** A write, from its call until its promise settles. */
export interface PendingWrite {
  /** Runs the statements of the write. Called again when its transaction is rolled back and retried. */
  readonly run: () => unknown;
  readonly participant: WriteParticipant | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** When it stops waiting for the lock, in ms on the clock of `performance.now()`. */
  readonly deadline: number;
  progress: Progress;
}

type Progress =
  | { readonly state: 'queued' }
  /** Its statements have run in a transaction that is still open. */
  | { readonly state: 'ran' | 'committed'; readonly result: unknown }
  | { readonly state: 'failed'; readonly error: unknown };

type Statement = ReturnType<WriteConnection['prepare']>;

/**
 * Runs writes in an open transaction, so that an error of one write fails only that write. The first attempt has no
 * savepoints, because each write fails seldom and a savepoint costs a third of the time of a short write. If a write
 * fails, the transaction starts again with a savepoint for each write.
 * @throws what fails all of them: an error of the disk, or a transaction that has ended.
 */
export function createWriteRunner(client: WriteConnection, begin: Statement, rollback: Statement) {
  const save = client.prepare('SAVEPOINT pending_write');
  const undo = client.prepare('ROLLBACK TO pending_write');
  const release = client.prepare('RELEASE pending_write');

  /** Returns whether the write succeeded. */
  function run(write: PendingWrite): boolean {
    try {
      const result = write.run();
      if (result instanceof Promise) result.catch(() => {});
      // A Drizzle query that was returned instead of run is a thenable. Awaited, it would run outside the transaction.
      if (typeof Object(result).then === 'function') rejectAsyncWrite();
      write.progress = { state: 'ran', result };
    } catch (error) {
      if (!client.inTransaction || isDiskError(error)) throw error;
      write.progress = { state: 'failed', error };
      return false;
    }
    // Each later statement would be a transaction of its own.
    if (!client.inTransaction) throw new Error('no transaction is active: a statement has ended it');
    return true;
  }

  return function runAll(writes: readonly PendingWrite[]): void {
    // A single write needs no savepoint: the caller rolls back its transaction.
    if (writes.every(run) || writes.length === 1) return;
    rollback.run();
    begin.run();
    for (const write of writes) {
      save.run();
      if (!run(write)) undo.run();
      release.run();
    }
  };
}

export function rejectAsyncWrite(): never {
  throw new TypeError(
    'A write must be synchronous: its function must not be async or return a promise or a query',
  );
}
