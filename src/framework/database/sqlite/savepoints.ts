import { RunningWrite } from '../running-write.ts';
import { isDiskError } from './errors.ts';
import type { PendingWrite } from './pending-write.ts';

/** The part of a better-sqlite3 connection that the writer uses. */
export interface WriteConnection {
  prepare(sql: string): { run(): unknown; get(): unknown };
  /** Whether a transaction is open. Some errors end one. */
  readonly inTransaction: boolean;
}

type Statement = ReturnType<WriteConnection['prepare']>;

/** The maximum number of turns of the microtask queue between two statements of a write. */
const maxTurns = 10_000;

/**
 * Runs writes in an open transaction, so that an error of one write fails only that write. The first attempt has no
 * savepoints, because writes rarely fail and a savepoint costs a third of the time of a short write. If a write
 * fails, the transaction starts again with a savepoint for each write. All of it happens within one event-loop turn, so
 * no timer and no socket runs while the transaction is open.
 * @throws an error that fails all of them: a disk error, or a transaction that has ended.
 */
export function createWriteRunner(client: WriteConnection, begin: Statement, rollback: Statement) {
  const save = client.prepare('SAVEPOINT pending_write');
  const undo = client.prepare('ROLLBACK TO pending_write');
  const release = client.prepare('RELEASE pending_write');

  /** Resolves with whether the write succeeded. */
  async function run(write: PendingWrite): Promise<boolean> {
    try {
      const result = write.run();
      write.progress = {
        state: 'ran',
        result: result instanceof Promise ? await settleNow(result, write) : result,
      };
    } catch (error) {
      if (!client.inTransaction || isDiskError(error)) throw error;
      write.progress = { state: 'failed', error };
      return false;
    }
    // Otherwise each later statement would run in a separate transaction.
    if (!client.inTransaction) throw new Error('no transaction is active: a statement has ended it');
    return true;
  }

  async function runEach(writes: readonly PendingWrite[]): Promise<boolean> {
    for (const write of writes) if (!(await run(write))) return false;
    return true;
  }

  return async function runAll(writes: readonly PendingWrite[]): Promise<void> {
    // A single write needs no savepoint: the caller rolls back its transaction.
    if ((await runEach(writes)) || writes.length === 1) return;
    rollback.run();
    begin.run();
    for (const write of writes) {
      save.run();
      if (!(await run(write))) undo.run();
      release.run();
    }
  };
}

/**
 * Returns the outcome of a promise that only waits for statements, which have all run: microtasks alone settle it.
 * @throws {TypeError} if it waits for anything else.
 */
async function settleNow(promise: Promise<unknown>, { lastRun }: PendingWrite): Promise<unknown> {
  let isSettled = false;
  const markSettled = () => {
    isSettled = true;
  };
  promise.then(markSettled, markSettled);
  let statements = RunningWrite.statements;
  for (let turn = 0; !isSettled; turn += 1) {
    if (RunningWrite.statements !== statements) {
      statements = RunningWrite.statements;
      turn = 0;
    }
    if (turn === maxTurns) {
      lastRun()?.abandon();
      throw new TypeError('A write waits for something that is not a statement of its database');
    }
    await undefined;
  }
  return promise;
}
