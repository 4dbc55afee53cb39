import type Sqlite from 'better-sqlite3';
import { currentContext } from '../../context/context.ts';
import type { Dialect, SQL } from '../drizzle.ts';
import { currentWrite, type RunningWrite } from '../running-write.ts';
import {
  type Preparable,
  type Prepared,
  planQuery,
  type Statement,
  unusableQuery,
  type Values,
} from '../statement.ts';
import { createStatementObserver, type ObserveRun } from '../statement-observer.ts';
import type { Writer } from './group-commit.ts';
import type { ReadTransaction } from './read-transaction.ts';

interface StatementOptions {
  readonly dialect: Dialect;
  readonly client: Sqlite.Database;
  readonly reads: ReadTransaction;
  readonly writer: Writer;
  readonly isTraced: boolean;
  /** The name of the service, for messages. */
  readonly service: string | undefined;
}

/**
 * Prepares a query once. Drizzle builds the SQL and names the columns; the driver runs it.
 * @throws {DatabaseError} for SQL that SQLite does not understand.
 */
export function prepareStatement<P extends Prepared>(
  query: Preparable<P> | SQL,
  { dialect, client, reads, writer, isTraced, service }: StatementOptions,
): Statement<P> {
  const { sql, bind, read } = planQuery(query, dialect.render, service);
  const statement = prepareText(client, sql, service);
  const observe = createStatementObserver(sql, { system: 'sqlite', isTraced });
  const toObject = (row: unknown) => (read === undefined ? row : read(row as unknown[]));
  const isRead = statement.readonly;
  // The driver has only `run` for a statement that returns no rows.
  if (!statement.reader) {
    const run = (values?: Values) => ({ changes: statement.run(bind(values)).changes });
    return {
      get: createMethod((values) => void run(values)),
      all: createMethod((values) => {
        run(values);
        return [];
      }),
      run: createMethod(run),
    } as unknown as Statement<P>;
  }
  statement.raw();
  return {
    get: createMethod((values) => {
      const row = statement.get(bind(values));
      return row === undefined ? undefined : toObject(row);
    }),
    all: createMethod((values) => statement.all(bind(values)).map(toObject)),
    run: createMethod((values) => ({ changes: statement.all(bind(values)).length })),
  } as unknown as Statement<P>;

  function createMethod<Result>(runNow: (values?: Values) => Result): (values?: Values) => Promise<Result> {
    const run = observe === undefined ? runNow : observed(runNow, observe);
    return (values) => {
      const write = currentWrite(client);
      if (write !== undefined) return runWithin(write, run, values);
      if (isRead) return readNow(run, values);
      // Store the result of a statement with an idempotency key in the same transaction.
      return currentContext()?.keyed === undefined
        ? writer.writeStatement(() => run(values))
        : writer.write(() => runWithin(currentWrite(client) as RunningWrite, run, values));
    };
  }

  /** Runs a read. A statement runs synchronously, so its promise is settled. */
  function readNow<Result>(run: (values?: Values) => Result, values?: Values): Promise<Result> {
    // A transaction of writes is open, and this read belongs to another request. Wait, because it must not see rows
    // that are not committed.
    if (writer.running !== undefined) return writer.running.then(() => readNow(run, values));
    try {
      reads.beforeRead();
      return Promise.resolve(run(values));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  function runWithin<Result>(
    write: RunningWrite,
    run: (values?: Values) => Result,
    values?: Values,
  ): Promise<Result> {
    try {
      return write.track(run(values));
    } catch (error) {
      write.fail(error);
      return write.track(Promise.reject(error));
    }
  }
}

function prepareText(
  client: Sqlite.Database,
  text: string,
  service: string | undefined,
): Sqlite.Statement<unknown[]> {
  try {
    return client.prepare(text);
  } catch (error) {
    throw unusableQuery('SQLite', service, text, error);
  }
}

function observed<Result>(run: (values?: Values) => Result, observe: ObserveRun): typeof run {
  return (values) => {
    const end = observe();
    try {
      const result = run(values);
      end();
      return result;
    } catch (error) {
      end(error);
      throw error;
    }
  };
}
