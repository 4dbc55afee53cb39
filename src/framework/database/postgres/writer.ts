import type { Context } from '../../context/context.ts';
import { currentWrite } from '../running-write.ts';
import { traceWrite } from '../statement-observer.ts';
import type { ExclusiveConnections } from './connections.ts';
import type { GroupCommit } from './group-commit.ts';
import { GroupBroken } from './shared-transaction.ts';
import { openTransaction } from './transaction.ts';
import { type Begin, FunctionFailed, PostgresWrite, type RetryConflicts, runWrite } from './write.ts';

interface WriterOptions {
  /** The identity of the database. */
  readonly database: object;
  /** The connections of writes that share no transaction. */
  readonly connections: ExclusiveConnections;
  readonly group: GroupCommit;
  readonly retry: RetryConflicts;
  /** Reports a committed transaction, except those of groups. */
  onCommit(): void;
  /** Converts the error of a write that failed in the database. */
  toProblem(error: unknown): unknown;
}

/** Creates `write` of a database. */
export function createWriter(options: WriterOptions) {
  const { database, retry } = options;
  return <Result>(fn: () => Promise<Result>): Promise<Result> => {
    if (currentWrite(database) !== undefined) return fn();
    return traceWrite('postgresql', (context) => write(fn, context));
  };

  async function write<Result>(fn: () => Promise<Result>, context: Context | undefined): Promise<Result> {
    const participant = context?.keyed?.joinWrite(database);
    const run = () => (participant === undefined ? fn() : participant.run(fn));
    const attempt = (mayShare: boolean) =>
      runWrite(new PostgresWrite(database, createBegin(options, mayShare)), context, run);
    // A write with an idempotency key has more than one statement, so it cannot share a transaction.
    let mayShare = participant === undefined;
    try {
      const result = await retry(async () => {
        if (!mayShare) return attempt(false);
        mayShare = false;
        try {
          return await attempt(true);
        } catch (error) {
          if (!(error instanceof GroupBroken)) throw error;
          return attempt(false);
        }
      });
      participant?.committed();
      return result;
    } catch (error) {
      const problem = error instanceof FunctionFailed ? error.reason : options.toProblem(error);
      participant?.failed(problem);
      throw problem;
    }
  }
}

/** @param mayShare whether a write of one statement may share the transaction of a group. */
function createBegin({ connections, group, onCommit }: WriterOptions, mayShare: boolean): Begin {
  return (first) => {
    const shareable = mayShare && first?.kind === 'write' ? first.command : undefined;
    const shared = shareable && group.join(shareable);
    return (
      shared ??
      openTransaction(connections, (statements) => {
        onCommit();
        if (shareable !== undefined) group.learn(shareable, statements);
      })
    );
  };
}
