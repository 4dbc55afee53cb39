import { type Context, currentContext } from '../context/context.ts';
import { runInSpan } from '../context/span.ts';
import { reasonOf } from '../errors/reason.ts';
import { getLogger } from '../logging/logger.ts';

/** The name of the database product in OpenTelemetry. */
type System = 'sqlite' | 'postgresql';

/** Observes one run of a statement: call the result when it ends, with its error if it failed. */
export type ObserveRun = () => (error?: unknown) => void;

interface ObserverOptions {
  readonly system: System;
  /** Whether statements of a traced request become spans. */
  readonly isTraced: boolean;
}

/**
 * Creates the observer of a statement: a log entry at level `trace` with its name and duration, and a span with its SQL.
 * Neither contains values. Returns undefined if both are off, so that runs of the statement have no further cost.
 */
export function createStatementObserver(
  sql: string,
  { system, isTraced }: ObserverOptions,
): ObserveRun | undefined {
  const name = nameStatement(sql);
  const log = getLogger().isLevelEnabled('trace') ? () => logRun(name.summary) : undefined;
  const trace = isTraced ? createTracer(sql, name, system) : undefined;
  if (log === undefined || trace === undefined) return log ?? trace;
  return () => {
    const [endLog, endSpan] = [log(), trace()];
    return (error) => {
      endLog(error);
      endSpan(error);
    };
  };
}

interface StatementName {
  readonly operation: string;
  /** For example `SELECT pet`. */
  readonly summary: string;
}

function nameStatement(sql: string): StatementName {
  const operation = (/^\w+/.exec(sql)?.[0] ?? '').toUpperCase();
  const table = /\b(?:from|into|update) "(\w+)"/i.exec(removeGroups(sql))?.[1];
  return { operation, summary: table === undefined ? operation : `${operation} ${table}` };
}

/** Removes what is in parentheses, such as subqueries, whose tables do not name the statement. */
function removeGroups(sql: string): string {
  const shorter = sql.replace(/\([^()]*\)/g, '');
  return shorter === sql ? sql : removeGroups(shorter);
}

function logRun(statement: string): (error?: unknown) => void {
  const start = performance.now();
  return (error) => {
    const ms = Math.round((performance.now() - start) * 1000) / 1000;
    const reason = error === undefined ? undefined : reasonOf(error);
    getLogger().trace({ statement, ms, reason }, 'statement');
  };
}

function createTracer(sql: string, { operation, summary }: StatementName, system: System): ObserveRun {
  const options = {
    name: summary,
    kind: 'client',
    attributes: {
      ...attributesOf(system),
      'db.operation.name': operation,
      'db.query.summary': summary,
      'db.query.text': sql,
    },
  } as const;
  return () => {
    const span = currentContext()?.span?.start(options);
    return (error) => span?.end(error);
  };
}

/** `db.system` is the name of the attribute until 2025, which many dashboards still use. */
function attributesOf(system: System) {
  return { 'db.system.name': system, 'db.system': system };
}

/**
 * Runs a write in a span that lasts until the write is durable, and contains the spans of its statements.
 * @param run gets the context for the statements.
 */
export function traceWrite<Result>(
  system: System,
  run: (context: Context | undefined) => Promise<Result>,
): Promise<Result> {
  const context = currentContext();
  const attributes = { ...attributesOf(system), 'db.operation.name': 'COMMIT' };
  const span = context?.span?.start({ name: 'write', kind: 'client', attributes });
  if (context === undefined || span === undefined) return run(context);
  return runInSpan(span, run({ ...context, span }));
}
