import { currentContext } from './context.ts';
import type { Prepared, Statement } from './statement.ts';

type Run = (values?: Record<string, unknown>) => unknown;

/** A statement that is a span each time that a request which is recorded runs it: with its text, never its values. */
export function traceStatement<P extends Prepared>(statement: Statement<P>, sql: string): Statement<P> {
  const operation = (/^\w+/.exec(sql)?.[0] ?? '').toUpperCase();
  // Quoted as by Drizzle: a name that is not may be that of a table within a column.
  const table = /\b(?:from|into|update) "(\w+)"/.exec(sql)?.[1];
  const summary = table === undefined ? operation : `${operation} ${table}`;
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

  function trace(run: Run): Run {
    return (values) => {
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
    };
  }

  const ways = Object.entries(statement as Record<string, Run>);
  return Object.fromEntries(ways.map(([way, run]) => [way, trace(run)])) as unknown as Statement<P>;
}
