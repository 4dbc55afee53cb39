import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, runInContext } from '../../context/context.ts';
import { runInWrite } from '../../context/open-write.ts';
import { RunningWrite } from '../running-write.ts';
import type { Command, Outcome } from './connection.ts';
import { isConflict, toProblem } from './errors.ts';
import { GroupBroken } from './shared-transaction.ts';
import type { Transaction } from './transaction.ts';

/** How long a write that conflicts with other writes is tried again, in ms. A write to SQLite waits as long for a lock. */
const maxRetryMs = 5_000;

/** The maximum pause before the second attempt, in ms. It grows with each attempt. */
const maxPauseMs = 50;

/** `lock`: a select that locks its rows. */
export type StatementKind = 'read' | 'lock' | 'write';

/** Chooses the transaction of a write by its first statement. Undefined: the write has only late rows. */
export type Begin = (first?: { readonly command: Command; readonly kind: StatementKind }) => Transaction;

/** A write, whose transaction begins with its first statement. */
export class PostgresWrite extends RunningWrite<Command> {
  readonly #begin: Begin;
  #transaction: Transaction | undefined;
  #changes = 0;

  constructor(database: object, begin: Begin) {
    super(database, () => this.#changes);
    this.#begin = begin;
  }

  /** Runs a statement of the write. */
  async run(command: Command, kind: StatementKind): Promise<Outcome> {
    this.#transaction ??= this.#begin({ command, kind });
    const outcome = await this.#transaction.run(command);
    if (kind === 'write') this.#changes += outcome.rowCount ?? 0;
    return outcome;
  }

  async commit(): Promise<void> {
    if (this.#transaction === undefined && this.late.length === 0) return;
    this.#transaction ??= this.#begin();
    await this.#transaction.commit(this.late);
  }

  rollback(): Promise<unknown> | undefined {
    return this.#transaction?.rollback();
  }
}

/** The function of a write has thrown, and no statement has failed. So the database has no part in the failure. */
export class FunctionFailed extends Error {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super('the function of a write has thrown');
    this.reason = reason;
  }
}

/**
 * Runs `fn` in a transaction.
 * @throws `FunctionFailed`, a conflict as the server reports it, `GroupBroken`, or a problem for the client.
 */
export async function runWrite<Result>(
  write: PostgresWrite,
  context: Context | undefined,
  fn: () => Promise<Result>,
): Promise<Result> {
  let result: Result;
  try {
    result = await runInContext(context, () => runInWrite(write, fn));
    write.end();
  } catch (error) {
    write.abandon();
    const replaced = await write.rollback();
    if (replaced === undefined && !write.hasFailedStatement) throw new FunctionFailed(error);
    throw toAttemptError(replaced ?? error);
  }
  await write.commit().catch((error: unknown) => {
    throw toAttemptError(error);
  });
  return result;
}

function toAttemptError(error: unknown): unknown {
  return isConflict(error) || error instanceof GroupBroken ? error : toProblem(error, false);
}

/** Runs `fn`, and again after a conflict with another write. */
export type RetryConflicts = <Result>(fn: () => Promise<Result>) => Promise<Result>;

/** Creates the retries of one database. They run one at a time, so that the writes of this process do not conflict again. */
export function createRetry(): RetryConflicts {
  let last: Promise<unknown> = Promise.resolve();
  const runAfterLast = <Result>(fn: () => Promise<Result>): Promise<Result> => {
    const next = last.then(fn);
    last = next.catch(() => {});
    return next;
  };
  return async (fn) => {
    const end = performance.now() + maxRetryMs;
    let attempt = fn();
    for (let count = 1; ; count += 1) {
      try {
        return await attempt;
      } catch (conflict) {
        if (!isConflict(conflict)) throw conflict;
        // Use a random pause, so that the write does not conflict with the same write of another process again.
        await sleep(Math.random() * maxPauseMs * count);
        attempt = runAfterLast(() => {
          // The retries of other writes may have taken the time.
          if (performance.now() > end) throw toProblem(conflict, false);
          return fn();
        });
      }
    }
  };
}
