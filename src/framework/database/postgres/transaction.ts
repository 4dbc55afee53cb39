import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, runInContext } from '../../context/context.ts';
import { runInWrite } from '../../context/open-write.ts';
import { RunningWrite } from '../running-write.ts';
import type { Command, Connection, Outcome } from './connection.ts';
import { isConflict, toProblem } from './errors.ts';

/** The maximum number of attempts of a write that conflicts with another one. */
const maxAttempts = 10;

/** The maximum pause before the second attempt, in ms. It grows with each attempt. */
const maxPauseMs = 50;

/** A write whose statements run on a connection that no other write uses. */
export class PostgresWrite extends RunningWrite {
  readonly connection: Connection;
  readonly #late: Command[] = [];
  #changes = 0;

  constructor(database: object, connection: Connection) {
    super(database);
    this.connection = connection;
  }

  override countChanges(): number {
    return this.#changes;
  }

  get late(): readonly Command[] {
    return this.#late;
  }

  /** Adds the insertion of one row, which runs right before COMMIT. */
  addLate(command: Command): void {
    this.#late.push(command);
    this.#changes += 1;
    RunningWrite.statements += 1;
  }

  /** Runs a statement of the write. */
  async run(command: Command, isRead: boolean): Promise<Outcome> {
    try {
      const outcome = await this.connection.run(command);
      if (!isRead) this.#changes += outcome.rowCount ?? 0;
      return outcome;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }
}

/**
 * Runs `fn` in a transaction.
 * @throws the error of `fn`, a conflict as the server reports it, or a problem for the client.
 */
export async function runTransaction<Result>(
  database: object,
  connection: Connection,
  context: Context | undefined,
  fn: () => Promise<Result>,
): Promise<Result> {
  const write = new PostgresWrite(database, connection);
  let isCommitSent = false;
  try {
    // Not awaited: BEGIN goes out with the first statement, and an error of BEGIN fails that statement too.
    connection.run({ text: 'BEGIN' }).catch(() => {});
    const result = await runInContext(context, () => runInWrite(write, fn));
    write.end();
    isCommitSent = true;
    await commit(connection, write.late);
    return result;
  } catch (error) {
    if (!isCommitSent) await connection.run({ text: 'ROLLBACK' }).catch(() => {});
    throw isConflict(error) ? error : toProblem(error, isCommitSent);
  }
}

/** Sends late insertions and COMMIT in one packet, which saves a round trip. */
async function commit(connection: Connection, late: readonly Command[]): Promise<void> {
  const inserted = Promise.all(late.map((command) => connection.run(command)));
  inserted.catch(() => {});
  const { command } = await connection.run({ text: 'COMMIT' });
  if (command === 'COMMIT') return;
  await inserted;
  throw new Error('PostgreSQL rolled the write back without an error');
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
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await (attempt === 1 ? fn() : runAfterLast(fn));
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (attempt === maxAttempts) throw toProblem(error, false);
      }
      // Random, so that it does not conflict with the write of another process again.
      await sleep(Math.random() * maxPauseMs * attempt);
    }
  };
}
