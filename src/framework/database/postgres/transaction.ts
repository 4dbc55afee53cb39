import { type LateRow, listInsertions } from '../late-rows.ts';
import type { Command, Connection, Outcome } from './connection.ts';
import type { ExclusiveConnections } from './connections.ts';
import { isConflict, toProblem } from './errors.ts';

/** The transaction of a write. */
export interface Transaction {
  run(command: Command): Promise<Outcome>;
  /** Resolves when the write is durable. @throws a problem for the client, or a conflict as the server reports it. */
  commit(late: readonly LateRow<Command>[]): Promise<void>;
  /** Rolls back the write. Resolves with an error that replaces the error of the write; undefined if there is none. */
  rollback(): Promise<unknown>;
}

/**
 * Opens a transaction that occupies a connection until its end.
 * @param onCommit called when it is durable, with the number of its statements, without late rows.
 */
export function openTransaction(
  connections: ExclusiveConnections,
  onCommit: (statements: number) => void,
): Transaction {
  const opened = Promise.withResolvers<Connection>();
  const ended = Promise.withResolvers<void>();
  let statements = 0;
  opened.promise.catch(() => {});
  connections
    .use((connection) => {
      // Not awaited: BEGIN goes out with the first statement, and an error of BEGIN fails that statement too.
      connection.run({ text: 'BEGIN' }).catch(() => {});
      opened.resolve(connection);
      // The function of a write may wait for something else for ever. The server ends its idle transaction then.
      connection.onBroken = ended.resolve;
      return ended.promise;
    })
    .catch(opened.reject);

  return {
    async run(command) {
      statements += 1;
      return (await opened.promise).run(command);
    },
    async commit(late) {
      const connection = await opened.promise;
      try {
        await commit(connection, late);
        onCommit(statements);
      } finally {
        ended.resolve();
      }
    },
    async rollback() {
      try {
        await (await opened.promise).run({ text: 'ROLLBACK' });
      } catch {
        // The connection is broken, and the server rolls back.
      } finally {
        ended.resolve();
      }
    },
  };
}

/**
 * Sends late insertions and COMMIT in one packet, which saves a round trip.
 * @throws the error of a late insertion, a conflict as the server reports it, or a problem for the client.
 */
export async function commit(connection: Connection, late: readonly LateRow<Command>[]): Promise<void> {
  const inserted = Promise.all(
    Array.from(listInsertions(late), ([command, values]) => connection.run({ ...command, values })),
  );
  inserted.catch(() => {});
  let outcome: Outcome;
  try {
    outcome = await connection.run({ text: 'COMMIT' });
  } catch (error) {
    throw isConflict(error) ? error : toProblem(error, true);
  }
  if (outcome.command === 'COMMIT') return;
  await inserted;
  throw new Error('PostgreSQL rolled the write back without an error');
}
