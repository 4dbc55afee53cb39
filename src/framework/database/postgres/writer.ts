import { type Context, currentContext } from '../../context/context.ts';
import { runInSpan } from '../../context/span.ts';
import { currentWrite } from '../running-write.ts';
import type { ExclusiveConnections } from './connections.ts';
import type { GroupCommit } from './group-commit.ts';
import { GroupBroken } from './shared-transaction.ts';
import { openTransaction } from './transaction.ts';
import { type Begin, PostgresWrite, type RetryConflicts, runWrite } from './write.ts';

export interface WriterOptions {
  /** The identity of the database. */
  readonly database: object;
  /** The connections of writes that share no transaction. */
  readonly connections: ExclusiveConnections;
  readonly group: GroupCommit;
  readonly retry: RetryConflicts;
  /** Reports a committed transaction, except those of groups. */
  onCommit(): void;
  /** Converts the error of a write. */
  toProblem(error: unknown): unknown;
}

const writeSpan = {
  name: 'write',
  kind: 'client',
  attributes: { 'db.system.name': 'postgresql', 'db.system': 'postgresql', 'db.operation.name': 'COMMIT' },
} as const;

/** Creates `write` of a database. */
export function createWriter(options: WriterOptions) {
  const { database, retry } = options;
  return <Result>(fn: () => Promise<Result>): Promise<Result> => {
    if (currentWrite(database) !== undefined) return fn();
    const outer = currentContext();
    const span = outer?.span?.start(writeSpan);
    const context = span === undefined ? outer : ({ ...outer, span } as Context);
    const participant = context?.keyed?.joinWrite(database);
    const run = () => (participant === undefined ? fn() : participant.run(fn));
    const attempt = (mayShare: boolean) =>
      runWrite(new PostgresWrite(database, createBegin(options, mayShare)), context, run);
    // A write with an idempotency key has more than one statement, so it cannot share a transaction.
    let mayShare = participant === undefined;
    const written = retry(async () => {
      if (!mayShare) return attempt(false);
      mayShare = false;
      try {
        return await attempt(true);
      } catch (error) {
        if (!(error instanceof GroupBroken)) throw error;
        return attempt(false);
      }
    }).then(
      (result) => {
        participant?.committed();
        return result;
      },
      (error: unknown) => {
        const problem = options.toProblem(error);
        participant?.failed(problem);
        throw problem;
      },
    );
    return span === undefined ? written : runInSpan(span, written);
  };
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
