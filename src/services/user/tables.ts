import { integer, sqliteTable, text, unique } from '#common/drizzle.ts';

export const users = sqliteTable('user', {
  // AUTOINCREMENT: SQLite would use the id of a deleted last row again.
  id: integer().primaryKey({ autoIncrement: true }),
  name: text().notNull(),
});

/** A pet that a user has: of the pet its id and nothing else. The order of the ids is the order of adoption. */
export const adoptions = sqliteTable(
  'adoption',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    user_id: integer()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    pet_id: integer().notNull(),
  },
  (table) => [unique('adoption_user_pet').on(table.user_id, table.pet_id)],
);
