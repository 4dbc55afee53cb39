import { createRequire } from 'node:module';

/**
 * Loads Drizzle from its CommonJS files, because linking its ES modules, which import each other in circles, takes Node
 * 8 times as long and 200 MiB. drizzle-kit loads this file as CommonJS, where a module has no URL.
 */
const require = createRequire(import.meta.url ?? __filename);

export const { and, asc, Column, eq, is, Param, Placeholder, SQL, sql } =
  require('drizzle-orm') as typeof import('drizzle-orm');
export type { Query } from 'drizzle-orm';
export type SQL<Value = unknown> = import('drizzle-orm').SQL<Value>;

export const { customType, index, integer, sqliteTable, text, unique } =
  require('drizzle-orm/sqlite-core') as typeof import('drizzle-orm/sqlite-core');

export const { drizzle } =
  require('drizzle-orm/better-sqlite3') as typeof import('drizzle-orm/better-sqlite3');
export type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
export type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';

export const { readMigrationFiles } =
  require('drizzle-orm/migrator') as typeof import('drizzle-orm/migrator');
export type { MigrationMeta } from 'drizzle-orm/migrator';
