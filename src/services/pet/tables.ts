import { id, index, instant, integer, sqliteTable, text } from '#framework/database';

export const pets = sqliteTable(
  'pet',
  {
    id: id(),
    name: text().notNull(),
    species: text().notNull(),
    age: integer(),
    mood: text().notNull(),
    last_fed: instant().notNull(),
    last_interaction: instant().notNull(),
  },
  (table) => [index('pet_by_name').on(table.name, table.id), index('pet_by_age').on(table.age, table.id)],
);
