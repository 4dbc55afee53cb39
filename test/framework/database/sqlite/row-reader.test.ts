import Client from 'better-sqlite3';
import { expect, test } from 'vitest';
import {
  asc,
  customType,
  drizzle,
  integer,
  sql,
  sqliteTable,
  text,
} from '../../../../src/framework/database/sqlite/drizzle.ts';
import {
  type Preparable,
  type Prepared,
  prepareStatement,
} from '../../../../src/framework/database/sqlite/prepared-statement.ts';
import { createReadTransaction } from '../../../../src/framework/database/sqlite/read-transaction.ts';
import { createRowReader } from '../../../../src/framework/database/sqlite/row-reader.ts';

const upper = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  fromDriver: (value) => value.toUpperCase(),
});
const items = sqliteTable('item', { id: integer().primaryKey(), name: text(), code: upper() });
const changed =
  'Drizzle has changed the private fields that row-reader.ts uses: queries now run through Drizzle, which is slower';

function open() {
  const client = new Client(':memory:');
  client.exec(
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, code TEXT); INSERT INTO item VALUES (1, 'a', 'x'), (2, NULL, NULL)",
  );
  const orm = drizzle(client);
  const ids = sql`(SELECT json_group_array(id) FROM item)`.mapWith(
    (value: string) => JSON.parse(value) as number[],
  );
  const columns = {
    id: items.id,
    name: items.name,
    code: items.code,
    twice: sql<number>`id * 2`.as('twice'),
    ids,
  };
  const query = orm.select(columns).from(items).orderBy(asc(items.id)).limit(sql.placeholder('limit'));
  return { client, query, reads: createReadTransaction(client) };
}
const rows = [
  { id: 1, name: 'a', code: 'X', twice: 2, ids: [1, 2] },
  { id: 2, name: null, code: null, twice: 4, ids: [1, 2] },
];

test('Drizzle still has the private fields that make rows fast to read', () => {
  const read = createRowReader(open().query.prepare());
  expect(read, changed).toBeDefined();
  expect(read?.([1, 'a', 'x', 2, '[1,2]']), changed).toEqual(rows[0]);
});

test('a query runs through Drizzle, with the same rows, if the private fields are missing', () => {
  const { client, query, reads } = open();
  /** The same query without private fields. */
  const bare: Preparable<Prepared> = {
    prepare() {
      const prepared = query.prepare();
      return {
        get: (values) => prepared.get(values),
        all: (values) => prepared.all(values),
        run: (values) => prepared.run(values),
        getQuery: () => prepared.getQuery(),
      };
    },
  };
  for (const one of [query, bare] as Preparable<Prepared>[]) {
    const statement = prepareStatement(client, one, reads);
    expect(statement.all({ limit: 5 })).toEqual(rows);
    expect(statement.get({ limit: 5 })).toEqual(rows[0]);
    expect(statement.get({ limit: 0 })).toBeUndefined();
  }
});
