import { integer } from './drizzle.ts';

/** Defines the primary key of a table. AUTOINCREMENT, because SQLite would otherwise reuse the id of a deleted last row. */
export const id = () => integer().primaryKey({ autoIncrement: true });
