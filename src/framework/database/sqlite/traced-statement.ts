import { currentContext } from '../../context/context.ts';
import { reasonOf } from '../../errors/reason.ts';
import { getLogger } from '../../logging/logger.ts';
import type { Prepared, Statement } from './prepared-statement.ts';

type Run = (values?: Record<string, unknown>) => unknown;

/** The name of a statement is its operation and its table, for example `SELECT pet`. */
function summarize(sql: string) {
  const operation = (/^\w+/.exec(sql)?.[0] ?? '').toUpperCase();
  // Drizzle quotes the table. An unquoted name may be a table in a column expression.
  const table = /\b(?:from|into|update) "(\w+)"/.exec(sql)?.[1];
  return { operation, summary: table === undefined ? operation : `${operation} ${table}` };
}

/** Wraps each method that runs a statement. */
function wrap<P extends Prepared>(statement: Statement<P>, wrapRun: (run: Run) => Run): Statement<P> {
  const methods = Object.entries(statement as Record<string, Run>);
  return Object.fromEntries(methods.map(([name, run]) => [name, wrapRun(run)])) as unknown as Statement<P>;
}

/** Logs each run of a statement at level `trace`: its name and duration, never its values. */
export function logStatement<P extends Prepared>(statement: Statement<P>, sql: string): Statement<P> {
  const { summary } = summarize(sql);
  return wrap(statement, (run) => (values) => {
    const start = performance.now();
    const write = (reason?: string) => {
      const ms = Math.round((performance.now() - start) * 1000) / 1000;
      getLogger().trace({ statement: summary, ms, reason }, 'statement');
    };
    try {
      const result = run(values);
      write();
      return result;
    } catch (error) {
      write(reasonOf(error));
      throw error;
    }
  });
}

/** Creates a span for each run of a statement in a traced request: with its SQL, never its values. */
export function traceStatement<P extends Prepared>(statement: Statement<P>, sql: string): Statement<P> {
  const { operation, summary } = summarize(sql);
  const options = {
    name: summary,
    kind: 'client',
    attributes: {
      'db.system.name': 'sqlite',
      // The name of this attribute until 2025, which many dashboards still use.
      'db.system': 'sqlite',
      'db.operation.name': operation,
      'db.query.summary': summary,
      'db.query.text': sql,
    },
  } as const;

  return wrap(statement, (run) => (values) => {
    const span = currentContext()?.span?.start(options);
    if (span === undefined) return run(values);
    try {
      const result = run(values);
      span.end();
      return result;
    } catch (error) {
      span.end(error);
      throw error;
    }
  });
}
