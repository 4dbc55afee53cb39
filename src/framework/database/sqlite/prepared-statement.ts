import type { Database as Client } from 'better-sqlite3';
import { Column, is, Param, Placeholder, type Query, SQL } from './drizzle.ts';
import type { ReadTransaction } from './read-transaction.ts';

/** A query of Drizzle, prepared by it. */
export interface Prepared {
  get(values?: Values): unknown;
  all(values?: Values): unknown;
  run(values?: Values): unknown;
  getQuery(): Query;
}
type Values = Record<string, unknown>;

/** What can be prepared: a query as Drizzle builds it. */
export interface Preparable<P extends Prepared> {
  prepare(): P;
}
/** A query, prepared: typed as Drizzle has it. */
export type Statement<P extends Prepared> = Pick<P, 'get' | 'all' | 'run'>;

/**
 * Prepares a query once. Drizzle says what is to be done and what comes of it; done it is by the driver, with what
 * depends on no value worked out before: Drizzle's own `get` takes a fifth more for a row, and `all` three times
 * as long for a hundred.
 */
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
  // Not in Drizzle's types: what it makes of each column.
  const { fields } = prepared as unknown as { fields?: readonly Field[] };
  const enter = statement.readonly ? reads.join : reads.end;
  if (fields === undefined) {
    return {
      run(values?: Values) {
        enter();
        return statement.run(bind(values));
      },
    } as unknown as Statement<P>;
  }
  statement.raw();
  const read = createReader(fields);
  return {
    get(values?: Values) {
      enter();
      const row = statement.get(bind(values));
      return row === undefined ? undefined : read(row as unknown[]);
    },
    all(values?: Values) {
      enter();
      return (statement.all(bind(values)) as unknown[][]).map(read);
    },
  } as unknown as Statement<P>;
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

interface Field {
  readonly path: readonly string[];
  readonly field: unknown;
}
type Decode = (value: unknown) => unknown;

/** Makes an object of a row, which is an array. */
function createReader(fields: readonly Field[]): (row: readonly unknown[]) => Values {
  const columns = fields.map(({ path, field }) => {
    const [name, ...deeper] = path;
    if (name === undefined || deeper.length > 0) throw new Error('A row of nested objects is not supported');
    return { name, decode: decoderOf(field) };
  });
  return (row) => {
    const object: Values = {};
    for (let index = 0; index < columns.length; index += 1) {
      const { name, decode } = columns[index] as (typeof columns)[number];
      const value = row[index];
      object[name] = decode === undefined || value === null ? value : decode(value);
    }
    return object;
  };
}

/** How the values of a column are read; undefined where they are taken as they come. */
function decoderOf(field: unknown): Decode | undefined {
  if (is(field, Column)) {
    const isPlain = field.mapFromDriverValue === Column.prototype.mapFromDriverValue;
    return isPlain ? undefined : (value) => field.mapFromDriverValue(value);
  }
  const { decoder } = (is(field, SQL) ? field : (field as { sql: SQL }).sql) as unknown as {
    decoder: { mapFromDriverValue: Decode };
  };
  return (value) => decoder.mapFromDriverValue(value);
}
