import { customType, integer, sqliteTable, text } from '#framework/database';
import { formatInstant, parseInstant } from './instant.ts';

/** Kept as microseconds since 1970, so that SQLite can say which time is later. */
const instant = customType<{ data: string; driverData: number }>({
  dataType: () => 'integer',
  fromDriver: formatInstant,
  toDriver: parseInstant,
});

export const pets = sqliteTable('pet', {
  // AUTOINCREMENT: SQLite would use the id of a deleted last row again.
  id: integer().primaryKey({ autoIncrement: true }),
  name: text().notNull(),
  species: text().notNull(),
  age: integer(),
  mood: text().notNull(),
  last_fed: instant().notNull(),
  last_interaction: instant().notNull(),
});
