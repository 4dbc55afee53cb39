import { integer } from './drizzle.ts';

/** Defines the primary key of a table. AUTOINCREMENT, because SQLite would use the id of a deleted last row again. */
export const id = () => integer().primaryKey({ autoIncrement: true });
