/**
 * Converts the tables of a service to PostgreSQL. drizzle-kit writes the migrations from them. Only the names of types
 * differ: both databases store the same values.
 */
import { createRequire } from 'node:module';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';

// drizzle-kit loads this file as CommonJS, where a module has no URL.
const require = createRequire(import.meta.url ?? __filename);
const { is, SQL, sql } = require('drizzle-orm') as typeof import('drizzle-orm');
const sqlite = require('drizzle-orm/sqlite-core') as typeof import('drizzle-orm/sqlite-core');
const pg = require('drizzle-orm/pg-core') as typeof import('drizzle-orm/pg-core');

type PostgresTable = ReturnType<typeof pg.pgTable>;
// biome-ignore lint/suspicious/noExplicitAny: the types of drizzle-orm's builders need columns that are known statically
type Builder = any;

const bytea = pg.customType<{ data: Buffer }>({ dataType: () => 'bytea' });
/** Compares and sorts by bytes in every locale, as SQLite does. */
const text = pg.customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

/** The PostgreSQL type for each SQLite type. */
const types: Readonly<Record<string, (name: string) => Builder>> = {
  integer: (name) => pg.bigint(name, { mode: 'number' }),
  text: (name) => text(name),
  real: (name) => pg.doublePrecision(name),
  blob: (name) => bytea(name),
  numeric: (name) => pg.numeric(name),
};

/** Creates the PostgreSQL table for each SQLite table in the exports of a `tables.ts`. */
export function toPostgresTables(tables: Readonly<Record<string, unknown>>): Record<string, PostgresTable> {
  const entries = Object.entries(tables).filter((entry): entry is [string, SQLiteTable] =>
    is(entry[1], sqlite.SQLiteTable),
  );
  assertDistinctNames(entries.map(([, table]) => table));
  const made = new Map<SQLiteTable, PostgresTable>();
  for (const [, table] of entries) made.set(table, makeTable(table, made));
  return Object.fromEntries(entries.map(([name, table]) => [name, made.get(table) as PostgresTable]));
}

/** The number of bytes of a name that PostgreSQL keeps. */
const maxNameBytes = 63;

/** @throws {TypeError} for two names that are the same name in PostgreSQL. Tables and indexes share their names. */
function assertDistinctNames(tables: readonly SQLiteTable[]): void {
  const names = tables.flatMap((table) => {
    const { name, columns, indexes, uniqueConstraints } = sqlite.getTableConfig(table);
    const unique = columns.flatMap(({ isUnique, uniqueName }) => (isUnique && uniqueName) || []);
    return [
      ...[name, ...unique, ...indexes.map(({ config }) => config.name)],
      ...uniqueConstraints.flatMap((one) => one.getName() ?? []),
    ];
  });
  const seen = new Map<string, string>();
  for (const name of names) {
    const kept = Buffer.from(name).subarray(0, maxNameBytes).toString('latin1');
    const other = seen.get(kept);
    if (other !== undefined)
      throw new TypeError(
        `PostgreSQL keeps the first ${maxNameBytes} bytes of a name, so ${other} and ${name} are the same: rename one of them`,
      );
    seen.set(kept, name);
  }
}

function makeTable(table: SQLiteTable, made: ReadonlyMap<SQLiteTable, PostgresTable>): PostgresTable {
  const config = sqlite.getTableConfig(table);
  const columns = config.columns.map((column) => [column.name, makeColumn(column as SQLiteColumn)]);
  const pick = (own: Builder, some: readonly SQLiteColumn[]) =>
    some.map((column) => (is(column, SQL) ? column : own[column.name])) as [Builder, ...Builder[]];
  return pg.pgTable(config.name, Object.fromEntries(columns), (own: Builder) => [
    ...config.indexes.map(({ config: { name, unique, columns: some, where } }) => {
      const index = (unique ? pg.uniqueIndex(name) : pg.index(name)).on(...pick(own, some as Builder));
      return where === undefined ? index : index.where(where);
    }),
    ...config.uniqueConstraints.map(({ name, columns: some }) =>
      pg.unique(name).on(...pick(own, some as Builder)),
    ),
    ...config.primaryKeys.map(({ columns: some }) => pg.primaryKey({ columns: pick(own, some as Builder) })),
    ...config.checks.map(({ name, value }) => pg.check(name, value)),
    ...config.foreignKeys.map((key) => makeForeignKey(key, own, made, pick)),
  ]);
}

function makeForeignKey(
  key: Builder,
  own: Builder,
  made: ReadonlyMap<SQLiteTable, PostgresTable>,
  pick: Builder,
) {
  const { name, columns, foreignColumns, foreignTable } = key.reference();
  const foreign = pg.foreignKey({
    ...(name !== undefined && { name }),
    columns: pick(own, columns),
    foreignColumns: pick(made.get(foreignTable), foreignColumns),
  });
  if (key.onDelete !== undefined) foreign.onDelete(key.onDelete);
  if (key.onUpdate !== undefined) foreign.onUpdate(key.onUpdate);
  return foreign;
}

function makeColumn(column: SQLiteColumn): Builder {
  const type = column.getSQLType().toLowerCase();
  const build = types[type];
  if (build === undefined) throw new TypeError(`${column.name}: PostgreSQL has no type for ${type}`);
  let made = build(column.name);
  // BY DEFAULT, because a copy from SQLite keeps its ids.
  if ((column as Builder).autoIncrement === true) made = made.generatedByDefaultAsIdentity();
  if (column.primary) made = made.primaryKey();
  if (column.notNull) made = made.notNull();
  if (column.default !== undefined) {
    made = made.default(is(column.default, SQL) ? column.default : sql.raw(toLiteral(column)));
  }
  return column.isUnique ? made.unique(column.uniqueName) : made;
}

function toLiteral(column: SQLiteColumn): string {
  const value = column.mapToDriverValue(column.default as never) as unknown;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  throw new TypeError(`${column.name}: expected a default that is a number, a string or SQL`);
}
