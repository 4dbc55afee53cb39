import { currentContext } from '../../context/context.ts';
import { reasonOf } from '../../errors/reason.ts';
import { getLogger } from '../../logging/logger.ts';
import type { Prepared, Statement } from './prepared-statement.ts';

type Run = (values?: Record<string, unknown>) => unknown;

/** Names a statement by its operation and its table, as `SELECT pet`. */
function summarize(sql: string) {
  const operation = (/^\w+/.exec(sql)?.[0] ?? '').toUpperCase();
  // Quoted as by Drizzle: a name that is not may be that of a table within a column.
  const table = /\b(?:from|into|update) "(\w+)"/.exec(sql)?.[1];
  return { operation, summary: table === undefined ? operation : `${operation} ${table}` };
}

/** Replaces each way to run a statement. */
function wrap<P extends Prepared>(statement: Statement<P>, wrapRun: (run: Run) => Run): Statement<P> {
  const ways = Object.entries(statement as Record<string, Run>);
  return Object.fromEntries(ways.map(([way, run]) => [way, wrapRun(run)])) as unknown as Statement<P>;
}

/** Makes a statement write a line of level `trace` each time that it runs: its name, never its values. */
export function logStatement<P extends Prepared>(statement: Statement<P>, sql: string): Statement<P> {
  const { summary } = summarize(sql);
  return wrap(statement, (run) => (values) => {
    const begun = performance.now();
    const write = (reason?: string) => {
      const ms = Math.round((performance.now() - begun) * 1000) / 1000;
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

/** A statement that is a span each time that a request which is recorded runs it: with its text, never its values. */
export function traceStatement<P extends Prepared>(statement: Statement<P>, sql: string): Statement<P> {
  const { operation, summary } = summarize(sql);
  const options = {
    name: summary,
    kind: 'client',
    attributes: {
      'db.system.name': 'sqlite',
      // Its name until 2025, under which many still look.
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
