import { expect, test } from 'vitest';
import {
  asc,
  createDialect,
  customType,
  integer,
  sql,
  sqliteTable,
  text,
} from '../../../src/framework/database/drizzle.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { planQuery } from '../../../src/framework/database/statement.ts';
import { runSql } from '../../support/sql.ts';

const upper = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  fromDriver: (value) => value.toUpperCase(),
});
const items = sqliteTable('item', { id: integer().primaryKey(), name: text(), code: upper() });
const { orm, render } = createDialect('sqlite');
const ids = sql`(SELECT json_group_array(id) FROM item)`.mapWith(
  (value: string) => JSON.parse(value) as number[],
);
const twice = sql<number>`id * 2`.as('twice');
const columns = { id: items.id, name: items.name, code: items.code, twice, ids };
const query = orm.select(columns).from(items).orderBy(asc(items.id)).limit(sql.placeholder('limit'));
const rows = [
  { id: 1, name: 'a', code: 'X', twice: 2, ids: [1, 2] },
  { id: 2, name: null, code: null, twice: 4, ids: [1, 2] },
];
const changed = 'row-reader.ts uses a private field that Drizzle has changed: `decoder` of an SQL expression';

test('Drizzle still has the private field that the row reader uses', () => {
  const { read } = planQuery(query, render);
  expect(read?.([1, 'a', 'x', 2, '[1,2]']), changed).toEqual(rows[0]);
});

test('a statement returns rows as objects, with the types of their columns', async (t) => {
  const database = openSqlite(':memory:');
  t.onTestFinished(() => database.close());
  await runSql(database, sql`CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, code TEXT)`);
  await runSql(database, sql`INSERT INTO item VALUES (1, 'a', 'x'), (2, NULL, NULL)`);
  const statement = database.prepare(query);
  expect(await statement.all({ limit: 5 })).toEqual(rows);
  expect(await statement.get({ limit: 5 })).toEqual(rows[0]);
  expect(await statement.get({ limit: 0 })).toBeUndefined();
});

test('a select of nested objects is rejected when it is prepared', () => {
  const nested = orm.select({ item: { id: items.id } }).from(items);
  expect(() => planQuery(nested, render)).toThrow(
    'Expected flat rows, and item.id is nested: name each column of the select',
  );
});
