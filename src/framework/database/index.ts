/** The public API of the database room: what a service's tables.ts and repository.ts import. */
export type { Database } from './database.ts';
export {
  and,
  asc,
  customType,
  eq,
  index,
  integer,
  real,
  type SQL,
  sql,
  sqliteTable,
  text,
  unique,
  uniqueIndex,
} from './drizzle.ts';
export { id } from './id.ts';
export { formatInstant, instant, nowMicros } from './instant.ts';
export { prepareList } from './list.ts';
