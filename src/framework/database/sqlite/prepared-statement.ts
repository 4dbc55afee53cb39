import type { Database as Client } from 'better-sqlite3';
import { is, Param, Placeholder, type Query } from './drizzle.ts';
import type { ReadTransaction } from './read-transaction.ts';
import { createRowReader } from './row-reader.ts';

/** A query that Drizzle has prepared. */
export interface Prepared {
  get(values?: Values): unknown;
  all(values?: Values): unknown;
  run(values?: Values): unknown;
  getQuery(): Query;
}
type Values = Record<string, unknown>;

/** A query as Drizzle builds it. */
export interface Preparable<P extends Prepared> {
  prepare(): P;
}
/** A prepared query with the types of Drizzle. */
export type Statement<P extends Prepared> = Pick<P, 'get' | 'all' | 'run'>;

/** Prepares a query once. Drizzle builds the SQL and names the columns; the driver runs it. */
export function prepareStatement<P extends Prepared>(
  client: Client,
  query: Preparable<P>,
  reads: ReadTransaction,
): Statement<P> {
  const prepared = query.prepare();
  const { sql, params } = prepared.getQuery();
  const statement = client.prepare(sql);
  const binders = params.map(createBinder);
  const bind = (values: Values = {}) => binders.map((binder) => binder(values));
  const enter = statement.readonly ? reads.beforeRead : reads.end;
  return createMethods() as unknown as Statement<P>;

  function createMethods(): Partial<Prepared> {
    if (!statement.reader) {
      return {
        run(values) {
          enter();
          return statement.run(bind(values));
        },
      };
    }
    const read = createRowReader(prepared);
    if (read === undefined) {
      return {
        get(values) {
          enter();
          return prepared.get(values);
        },
        all(values) {
          enter();
          return prepared.all(values);
        },
      };
    }
    statement.raw();
    return {
      get(values) {
        enter();
        const row = statement.get(bind(values));
        return row === undefined ? undefined : read(row as unknown[]);
      },
      all(values) {
        enter();
        return (statement.all(bind(values)) as unknown[][]).map(read);
      },
    };
  }
}

type Binder = (values: Values) => unknown;

function createBinder(param: unknown): Binder {
  if (is(param, Placeholder)) return createLookup(param.name as string);
  if (is(param, Param) && is(param.value, Placeholder)) {
    const { encoder } = param;
    const lookup = createLookup(param.value.name as string);
    return (values) => encoder.mapToDriverValue(lookup(values));
  }
  return () => param;
}

function createLookup(name: string): Binder {
  return (values) => {
    const value = values[name];
    if (value === undefined) throw new Error(`There is no value for ${name}`);
    return value;
  };
}
