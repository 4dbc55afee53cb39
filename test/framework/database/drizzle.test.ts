import { expect, test } from 'vitest';
import { createDialect, integer, sqliteTable, text } from '../../../src/framework/database/drizzle.ts';
import { DefinitionError } from '../../../src/framework/errors/definition-error.ts';

test.each(['sqlite', 'postgres'] as const)(
  '%s: a column with a function for its value is an error',
  (name) => {
    const { orm } = createDialect(name);
    const table = { id: integer().primaryKey(), count: integer().default(1) };
    const functions = {
      token: text().$defaultFn(() => 'new'),
      changed: integer().$onUpdateFn(() => 7),
    };
    for (const [column, build] of Object.entries(functions)) {
      const item = sqliteTable('item', { ...table, [column]: build });
      const error = new DefinitionError(
        `the column ${column} of the table item has a function for its value, which would run once for all rows: remove it from tables.ts, and pass the value as a parameter`,
      );
      expect(() => orm.insert(item)).toThrow(error);
      expect(() => orm.update(item)).toThrow(error);
    }
    expect(orm.insert(sqliteTable('item', table)).values({ id: 1 }).toSQL().sql).toContain('insert into');
  },
);

test.each(['sqlite', 'postgres'] as const)('%s: a query that is not prepared is an error', async (name) => {
  const { orm } = createDialect(name);
  const item = sqliteTable('item', { id: integer().primaryKey() });
  const error = new TypeError(
    'A query of orm cannot run: prepare it once by Database.prepare, and run the statement',
  );
  await expect(orm.select().from(item)).rejects.toThrow(error);
  await expect(orm.insert(item).values({ id: 1 })).rejects.toThrow(error);
  await expect(orm.insert(item).values({ id: 1 }).returning()).rejects.toThrow(error);
  await expect(orm.delete(item)).rejects.toThrow(error);
  await expect(orm.$count(item)).rejects.toThrow(error);
  expect(() => orm.select().from(item).get()).toThrow(error);
});
