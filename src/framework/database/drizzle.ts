import { createRequire } from 'node:module';
import type { Query } from 'drizzle-orm';
import type { BaseSQLiteDatabase, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { DefinitionError } from '../errors/definition-error.ts';

/**
 * Loads Drizzle from its CommonJS files. Its ES modules import each other in circles, so Node takes 8 times as long and
 * 200 MiB to link them. drizzle-kit loads this file as CommonJS, where a module has no URL.
 */
const require = createRequire(import.meta.url ?? __filename);

export const {
  and,
  asc,
  Column,
  desc,
  eq,
  getTableColumns,
  getTableName,
  is,
  isNotNull,
  isNull,
  Param,
  Placeholder,
  SQL,
  sql,
} = require('drizzle-orm') as typeof import('drizzle-orm');
export type { Query, SQLWrapper } from 'drizzle-orm';
export type SQL<Value = unknown> = import('drizzle-orm').SQL<Value>;

const core = require('drizzle-orm/sqlite-core') as typeof import('drizzle-orm/sqlite-core');
export const { customType, index, integer, real, sqliteTable, text, unique, uniqueIndex } = core;
export type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';

export const { readMigrationFiles } =
  require('drizzle-orm/migrator') as typeof import('drizzle-orm/migrator');
export type { MigrationMeta } from 'drizzle-orm/migrator';

/** Builds queries. A query is only text until a database prepares it, so both databases share the builder. */
export type QueryBuilder = Pick<
  BaseSQLiteDatabase<'sync', { readonly changes: number }>,
  'select' | 'selectDistinct' | 'insert' | 'update' | 'delete' | 'with' | '$with' | '$count'
>;

/** A built query: its SQL, and the columns of its rows in the order of the SELECT. */
export interface BuiltQuery {
  readonly query: Query;
  readonly fields: readonly SelectedField[] | undefined;
}

export interface SelectedField {
  readonly path: readonly string[];
  readonly field: unknown;
}

/** The methods that Drizzle calls for `await orm.select()…`, which the compiler accepts. */
const unprepared = Object.fromEntries(
  ['all', 'get', 'run', 'values', 'execute'].map((method) => [
    method,
    () => {
      throw new TypeError(
        'A query of orm cannot run: prepare it once by Database.prepare, and run the statement',
      );
    },
  ]),
);

/** Builds queries and runs none: `Database.prepare` runs them. */
class BuildOnlySession extends core.SQLiteSession<
  'sync',
  { changes: number },
  Record<string, never>,
  Record<string, never>
> {
  override prepareQuery(query: Query, fields: SelectedField[] | undefined): never {
    return { ...unprepared, query, fields } satisfies BuiltQuery as never;
  }
  override transaction(): never {
    throw new TypeError('Expected Database.write for a transaction');
  }
}

type InsertConfig = Parameters<InstanceType<typeof core.SQLiteSyncDialect>['buildInsertQuery']>[0];

/**
 * Writes the queries of Drizzle's SQLite builder for PostgreSQL. It overrides two methods of drizzle-orm 0.45 that are
 * not documented, `escapeParam` and `buildInsertQuery`. The tests of the services run on PostgreSQL too, and fail if
 * these methods change.
 */
class PostgresDialect extends core.SQLiteSyncDialect {
  override escapeParam(index: number): string {
    return `$${index + 1}`;
  }
  /** A column without a value gets `default`: in SQLite null means the next id, in PostgreSQL it violates NOT NULL. */
  override buildInsertQuery(config: InsertConfig): SQL {
    const conflict = config.onConflict?.map(useBareColumnNames);
    const onConflict = conflict && { onConflict: conflict };
    if (config.select === true) return super.buildInsertQuery({ ...config, ...onConflict });
    const missing = Object.entries(getTableColumns(config.table)).filter(
      // Not `hasDefault`, which is true for AUTOINCREMENT.
      ([, column]) => column.default === undefined,
    );
    const defaults = Object.fromEntries(missing.map(([name]) => [name, sql`default`]));
    const values = (config.values as Record<string, never>[]).map((row) => ({ ...defaults, ...row }));
    return super.buildInsertQuery({ ...config, values, ...onConflict });
  }
}

/** PostgreSQL rejects the name of a table before the columns of ON CONFLICT. SQLite takes bare names as well. */
function useBareColumnNames(query: SQL): SQL {
  const chunks = query.queryChunks.map((chunk) => {
    if (is(chunk, SQL)) return useBareColumnNames(chunk);
    if (!Array.isArray(chunk)) return chunk;
    return chunk.map((item) => (is(item, Column) ? sql.identifier(item.name) : item));
  });
  return new SQL(chunks as never);
}

/** Builds inserts and updates, except for a table that computes values in code. */
class Builder extends core.BaseSQLiteDatabase<'sync', { changes: number }> {
  override insert<Table extends SQLiteTable>(table: Table) {
    assertNoFunctions(table);
    return super.insert(table);
  }
  override update<Table extends SQLiteTable>(table: Table) {
    assertNoFunctions(table);
    return super.update(table);
  }
}

/** @throws {DefinitionError} for `$defaultFn` or `$onUpdateFn`: it would run once, when the query is built. */
function assertNoFunctions(table: SQLiteTable): void {
  for (const { name, defaultFn, onUpdateFn } of Object.values(getTableColumns(table))) {
    if (defaultFn === undefined && onUpdateFn === undefined) continue;
    throw new DefinitionError(
      `the column ${name} of the table ${getTableName(table)} has a function for its value, which would run once for all rows: remove it from tables.ts, and pass the value as a parameter`,
    );
  }
}

/** Builds queries for one database, and renders SQL that is not built. */
export interface Dialect {
  readonly orm: QueryBuilder;
  render(query: SQL): Query;
}

/**
 * Creates the dialect of one database. Databases cannot share a dialect: it remembers the columns of a table by the name
 * of the table, and two services may have tables of the same name.
 */
export function createDialect(name: 'sqlite' | 'postgres'): Dialect {
  const dialect = name === 'postgres' ? new PostgresDialect() : new core.SQLiteSyncDialect();
  const orm = new Builder('sync', dialect, new BuildOnlySession(dialect) as never, undefined);
  return { orm: orm as unknown as QueryBuilder, render: (query) => dialect.sqlToQuery(query) };
}
