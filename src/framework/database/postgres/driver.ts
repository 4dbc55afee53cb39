import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentContext } from '../../context/context.ts';
import { countBuckets, Histogram } from '../../metrics/histogram.ts';
import type { DatabaseDriver, PrepareOptions, WriteCounts } from '../database.ts';
import { type AnySQLiteColumn, createDialect, type SQL, type SQLWrapper, sql } from '../drizzle.ts';
import { LateTable } from '../late-rows.ts';
import { createLateInsert, currentWrite } from '../running-write.ts';
import { type Preparable, type Prepared, planQuery, type Statement, type Values } from '../statement.ts';
import { createStatementObserver } from '../statement-observer.ts';
import type { Command, Outcome } from './connection.ts';
import type { ExclusiveConnections, SharedConnections } from './connections.ts';
import { isDisconnected, toProblem } from './errors.ts';
import { type GroupCommit, openGroupCommit } from './group-commit.ts';
import { verifyStatements } from './verify.ts';
import { createRetry, type PostgresWrite, type StatementKind } from './write.ts';
import { createWriter } from './writer.ts';

interface DriverOptions {
  /** The name of the service, for messages. */
  readonly service: string | undefined;
  readonly reads: SharedConnections;
  readonly writes: ExclusiveConnections;
  readonly groups: ExclusiveConnections;
  /** Whether statements are prepared by name. */
  readonly isPrepared: boolean;
  readonly isTraced: boolean;
}

/** The maximum number of attempts of a read whose connection breaks. */
const maxReads = 3;

/** Runs the statements of a service on the connections of its PostgreSQL database. */
export class PostgresDriver implements DatabaseDriver {
  /** This object stays the same when `openDatabase` copies the driver. */
  readonly identity = {};
  readonly #dialect = createDialect('postgres');
  readonly orm = this.#dialect.orm;
  readonly counts: WriteCounts = {
    commits: new Histogram(countBuckets),
    failures: { full: 0, disk: 0, busy: 0 },
  };
  readonly write: DatabaseDriver['write'];
  readonly #options: DriverOptions;
  readonly #group: GroupCommit;
  readonly #texts = new Set<string>();
  readonly #retry = createRetry();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#group = openGroupCommit({
      use: (fn) => options.groups.use(fn),
      runAlone: (command) => this.#commitAlone(command),
      onCommit: (statements) => this.counts.commits.add(statements),
    });
    this.write = createWriter({
      ...{ database: this.identity, connections: options.writes, group: this.#group, retry: this.#retry },
      onCommit: () => this.counts.commits.add(1),
      toProblem: (error) => this.#count(toProblem(error, false)),
    });
  }

  prepare = <P extends Prepared>(query: Preparable<P> | SQL, options?: PrepareOptions): Statement<P> =>
    this.#prepare(query, undefined, options);

  prepareLocking = <P extends Prepared>(query: Preparable<P> | SQL): Statement<P> =>
    // FOR UPDATE would also block inserts of rows that refer to this row.
    this.#prepare(query, ' for no key update');

  prepareInsert = (table: string, columns: readonly string[]) => {
    const placeholder = (index: number) => `$${index + 1}`;
    // Its name is registered for `verify`, which reports a mistake.
    const late = new LateTable({ table, columns, placeholder, prepare: this.#name });
    return createLateInsert(this.identity, late);
  };

  oneOf = (column: AnySQLiteColumn, name: string): SQL =>
    sql`${column} = ANY(${sql.placeholder(name)}::bigint[])`;

  list = (name: string): SQL => sql`unnest(${sql.placeholder(name)}::bigint[]) AS list(value)`;

  collect = (query: SQLWrapper): SQL<number[]> => sql<number[]>`ARRAY${query}`;

  sizes = (): undefined => undefined;

  check = async (): Promise<void> => {
    await this.#options.reads.run({ text: 'SELECT 1' });
  };

  verify = async (): Promise<void> => {
    const { writes, service } = this.#options;
    await writes.use((connection) => verifyStatements(connection, this.#texts, service));
  };

  close = async (): Promise<void> => {
    const { reads, writes, groups } = this.#options;
    await Promise.all([reads.close(), writes.close(), groups.close()]);
  };

  #prepare<P extends Prepared>(
    query: Preparable<P> | SQL,
    lock: string | undefined,
    { isPlannedEachTime = false }: PrepareOptions = {},
  ): Statement<P> {
    const plan = planQuery(query, this.#dialect.render, this.#options.service);
    const { text, name } = this.#name(plan.sql + (lock ?? ''));
    const kind = lock !== undefined ? 'lock' : isReadOnly(text) ? 'read' : 'write';
    const observe = createStatementObserver(text, { system: 'postgresql', isTraced: this.#options.isTraced });

    const createMethod = <Result>(convert: (outcome: Outcome) => Result) => {
      const run = async (write: PostgresWrite | undefined, values?: Values): Promise<Result> => {
        const end = observe?.();
        try {
          const command = { text, values: plan.bind(values), ...(!isPlannedEachTime && { name }) };
          const outcome = await (write === undefined ? this.#run(command, kind) : write.run(command, kind));
          const result = convert(outcome);
          end?.();
          return result;
        } catch (error) {
          end?.(error);
          write?.fail(error);
          throw error;
        }
      };
      return (values?: Values): Promise<Result> => {
        const write = currentWrite(this.identity) as PostgresWrite | undefined;
        const result = run(write, values);
        return write === undefined ? result : write.track(result);
      };
    };
    const toObject = plan.read ?? ((row: readonly unknown[]) => row);
    return {
      get: createMethod(({ rows }) => rows[0] && toObject(rows[0])),
      all: createMethod(({ rows }) => rows.map((row) => toObject(row))),
      run: createMethod(({ rowCount }) => ({ changes: rowCount ?? 0 })),
    } as unknown as Statement<P>;
  }

  /** Registers a statement for `verify`, and names it if statements are prepared by name. */
  readonly #name = (text: string): Command => {
    this.#texts.add(text);
    return { text, name: this.#options.isPrepared ? hash('sha1', text, 'base64url') : undefined };
  };

  /** Runs a statement outside of a write. */
  #run(command: Command, kind: StatementKind): Promise<Outcome> {
    if (kind === 'read') return this.#read(command);
    // Store the result of a statement with an idempotency key in the same transaction.
    if (currentContext()?.keyed !== undefined) {
      return this.write(async () => {
        const outcome = await (currentWrite(this.identity) as PostgresWrite).run(command, 'write');
        // Leave out the functions of the driver, because they cannot be stored.
        return { rows: outcome.rows, rowCount: outcome.rowCount, command: outcome.command };
      });
    }
    return this.#group.run(command).catch((error: unknown) => {
      throw this.#count(toProblem(error, true));
    });
  }

  /** Runs a read again on another connection if its connection breaks. This is safe because a read has no effect. */
  async #read(command: Command): Promise<Outcome> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#options.reads.run(command);
      } catch (error) {
        if (attempt === maxReads || !isDisconnected(error)) throw toProblem(error, false);
      }
      await sleep(attempt * 50);
    }
  }

  async #commitAlone(command: Command): Promise<Outcome> {
    const { writes } = this.#options;
    const outcome = await this.#retry(() => writes.use((connection) => connection.run(command)));
    this.counts.commits.add(1);
    return outcome;
  }

  /** Counts a write that failed for an external reason. */
  #count(problem: unknown): unknown {
    const { status } = Object(problem) as { status?: number };
    if (status === 507) this.counts.failures.full += 1;
    else if (status === 503 || status === 504) this.counts.failures.busy += 1;
    return problem;
  }
}

function isReadOnly(text: string): boolean {
  return /^[\s(]*(select|with)\b/i.test(text) && !/\b(insert|update|delete)\b/i.test(text);
}
