import { DatabaseError } from './database-error.ts';
import { type BuiltQuery, is, Param, Placeholder, type Query, SQL } from './drizzle.ts';
import { createRowReader, type RowReader } from './row-reader.ts';

export type Values = Readonly<Record<string, unknown>>;

/** A query as Drizzle types it when it is prepared: the results of `get` and `all`. */
export interface Prepared {
  get(values?: Values): unknown;
  all(values?: Values): unknown;
}

/** A query as Drizzle builds it. */
export interface Preparable<P extends Prepared> {
  prepare(): P;
}

/**
 * A prepared query. Outside of `write`, a statement that changes something is a separate write: it is durable when its
 * promise resolves.
 */
export interface Statement<P extends Prepared = Prepared> {
  /** Resolves with the first row, or undefined. */
  get(values?: Values): Promise<ReturnType<P['get']>>;
  all(values?: Values): Promise<ReturnType<P['all']>>;
  /** Resolves with the number of rows that it changed. */
  run(values?: Values): Promise<StatementResult>;
}

interface StatementResult {
  readonly changes: number;
}

/** The SQL of a query, the binder of its values and the reader of its rows, computed once. */
interface QueryPlan {
  readonly sql: string;
  /** The values in the order of the parameters. */
  bind(values?: Values): unknown[];
  /** Converts a row to an object. Undefined for SQL that Drizzle did not build: its rows stay arrays. */
  readonly read: RowReader | undefined;
}

/** @throws {DatabaseError} if Drizzle cannot build the query. */
export function planQuery<P extends Prepared>(
  query: Preparable<P> | SQL,
  render: (query: SQL) => Query,
  service?: string,
): QueryPlan {
  let built: BuiltQuery;
  try {
    built = is(query, SQL)
      ? { query: render(query), fields: undefined }
      : (query.prepare() as unknown as BuiltQuery);
  } catch (cause) {
    // Drizzle names the fields and the tables. There is no SQL yet.
    const prefix = service === undefined ? '' : `${service}: `;
    throw new DatabaseError(`${prefix}Drizzle cannot build a query: ${(cause as Error).message}`, { cause });
  }
  const { sql, params } = built.query;
  const binders = params.map(createBinder);
  return {
    sql,
    bind: (values = {}) => binders.map((binder) => binder(values)),
    read: built.fields && createRowReader(built.fields),
  };
}

type Binder = (values: Values) => unknown;

function createBinder(param: unknown): Binder {
  if (is(param, Placeholder)) return createLookup(param.name as string);
  if (is(param, Param) && is(param.value, Placeholder)) {
    const { encoder } = param;
    const lookup = createLookup(param.value.name as string);
    return (values) => {
      const value = lookup(values);
      // Do not encode null, because an encoder of Drizzle converts it to false or throws.
      return value === null ? null : encoder.mapToDriverValue(value);
    };
  }
  return () => param;
}

function createLookup(name: string): Binder {
  return (values) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`Missing the value of the parameter ${name}`);
    return value;
  };
}

/**
 * Creates the error for a query that the database of a service cannot run. Its message is one line that names the
 * service and the query.
 */
export function unusableQuery(
  product: 'SQLite' | 'PostgreSQL',
  service: string | undefined,
  text: string,
  error: unknown,
): DatabaseError {
  const query = text.replace(/\s+/g, ' ').trim();
  const prefix = service === undefined ? '' : `${service}: `;
  const fix =
    service !== undefined && isSchemaBehind(error)
      ? `. If tables.ts has changed, run "./run.sh migrate create ${service}"`
      : '';
  const message = `${prefix}${product} cannot run this query: ${(error as Error).message}: ${query}${fix}`;
  return new DatabaseError(message, { cause: error });
}

/** Whether a table or a column is missing: the messages of SQLite, and the codes of PostgreSQL. */
function isSchemaBehind(error: unknown): boolean {
  const { code, message } = error as Error & { readonly code?: unknown };
  return (
    code === '42703' || code === '42P01' || /^no such (table|column)\b|has no column named/.test(message)
  );
}
