import { type Static, Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { asc, sql } from '../../../src/framework/database/drizzle.ts';
import { prepareList } from '../../../src/framework/database/list.ts';
import { listQuery } from '../../../src/framework/database/list-query.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { Pet } from '../../../src/services/pet/schemas.ts';
import { pets } from '../../../src/services/pet/tables.ts';
import { users } from '../../../src/services/user/tables.ts';
import { readSql } from '../../support/sql.ts';

const migrationsOf = (service: string) =>
  new URL(`../../../src/services/${service}/migrations/`, import.meta.url);
const { placeholder } = sql;

test('a page past the largest id is empty without a query; other pages equal the plain query', async (t) => {
  const { orm, prepare, oneOf, close } = openSqlite(':memory:', { migrations: migrationsOf('user') });
  t.onTestFinished(close);
  const all = () => orm.select().from(users);
  const plain = prepare(
    all().orderBy(asc(users.id)).limit(placeholder('limit')).offset(placeholder('offset')),
  );
  let runs = 0;
  const counting: typeof prepare = (prepared) => {
    const statement = prepare(prepared);
    return {
      ...statement,
      all(values) {
        runs += 1;
        return statement.all(values);
      },
    } as typeof statement;
  };
  const select = prepareList({ orm, prepare: counting, oneOf }, users, listQuery(Type.Object({})), all);
  expect([await select({ offset: 0, limit: 100 }), await select({ offset: 1, limit: 100 })]).toEqual([
    [],
    [],
  ]);
  const insert = prepare(orm.insert(users).values({ name: placeholder('name') }));
  for (const name of 'abcdef') await insert.run({ name });
  await prepare(orm.delete(users).where(sql`${users.id} IN (2, 5)`)).run();
  for (let offset = 0; offset < 9; offset += 1) {
    for (const limit of [1, 2, 100])
      expect(await select({ offset, limit })).toEqual(await plain.all({ offset, limit }));
  }
  const before = runs;
  for (const offset of [6, 7, Number.MAX_SAFE_INTEGER])
    expect(await select({ offset, limit: 100 })).toEqual([]);
  expect(runs).toBe(before);
});

const PetQuery = listQuery(Pet, { filter: ['species'], sort: ['name', 'age'], ids: 3 });
type PetQuery = Static<typeof PetQuery>;

/** Opens the list of pets, and returns the texts of the statements that it prepares and runs. */
function openList(t: { onTestFinished(fn: () => unknown): void }) {
  const database = openSqlite(':memory:', { migrations: migrationsOf('pet') });
  t.onTestFinished(database.close);
  const prepared: string[] = [];
  const ran: string[] = [];
  const prepare: typeof database.prepare = (query) => {
    const statement = database.prepare(query);
    const text = (query as unknown as { toSQL(): { sql: string } }).toSQL().sql;
    prepared.push(text);
    const all: typeof statement.all = (values) => {
      ran.push(text);
      return statement.all(values);
    };
    return { ...statement, all } as typeof statement;
  };
  const list = prepareList({ ...database, prepare }, pets, PetQuery, () => database.orm.select().from(pets));
  return { database, list, prepared, ran };
}

const cursorOf = (order: string, id: number, value?: unknown) =>
  Buffer.from(JSON.stringify([1, order, id, ...(value === undefined ? [] : [value])])).toString('base64url');

describe('a page of a large table', () => {
  test.for<[query: Omit<PetQuery, 'offset' | 'limit'>, plans: string[]]>([
    [{}, ['SCAN pet']],
    [{ after: cursorOf('id', 7) }, ['SEARCH pet USING INTEGER PRIMARY KEY (rowid>?)']],
    [{ sort: '-id', after: cursorOf('-id', 7) }, ['SEARCH pet USING INTEGER PRIMARY KEY (rowid<?)']],
    [{ sort: 'name' }, ['SCAN pet USING INDEX pet_by_name']],
    [{ sort: '-name' }, ['SCAN pet USING INDEX pet_by_name']],
    [{ sort: 'name', after: cursorOf('name', 7, 'Rex') }, ['SEARCH pet USING INDEX pet_by_name (name>?)']],
    [{ sort: '-name', after: cursorOf('-name', 7, 'Rex') }, ['SEARCH pet USING INDEX pet_by_name (name<?)']],
    [
      { sort: 'name', species: 'dog', after: cursorOf('name', 7, 'Rex') },
      ['SEARCH pet USING INDEX pet_by_name (name>?)'],
    ],
    [{ sort: 'age' }, ['SCAN pet USING INDEX pet_by_age']],
    [{ sort: '-age' }, ['SCAN pet USING INDEX pet_by_age']],
    [
      { sort: 'age', after: cursorOf('age', 7, 3) },
      ['SEARCH pet USING INDEX pet_by_age (age>?)', 'SEARCH pet USING INDEX pet_by_age (age=? AND id>?)'],
    ],
    [{ sort: '-age', after: cursorOf('-age', 7, 3) }, ['SEARCH pet USING INDEX pet_by_age (age<?)']],
    [
      { sort: 'age', after: cursorOf('age', 7, null) },
      ['SEARCH pet USING INDEX pet_by_age (age=? AND id>?)'],
    ],
    [
      { sort: '-age', after: cursorOf('-age', 7, null) },
      ['SEARCH pet USING INDEX pet_by_age (age=? AND id<?)', 'SEARCH pet USING INDEX pet_by_age (age>?)'],
    ],
  ])('%j reads an index and sorts nothing', async ([query, plans], t) => {
    const { database, list, ran } = openList(t);
    await list({ limit: 10, offset: 0, ...query });
    const read = await Promise.all(
      ran.map(async (text) => {
        const rows = await readSql(database, sql.raw(`EXPLAIN QUERY PLAN ${text.replaceAll('?', '1')}`));
        return rows.map((row) => (row as unknown[])[3]).join(', ');
      }),
    );
    expect(read).toEqual(plans);
    // A cursor replaces the rows that OFFSET would step over.
    if (query.after !== undefined) expect(ran.join()).not.toMatch(/offset/i);
  });
});

test('each combination of a filter and an order is prepared once', async (t) => {
  const { list, prepared } = openList(t);
  const queries: Partial<PetQuery>[] = [
    {},
    { species: 'dog' },
    { sort: 'age' },
    { species: 'dog', sort: '-age' },
  ];
  for (const query of queries) await list({ limit: 1, offset: 0, ...query });
  const count = prepared.length;
  for (const query of queries) await list({ limit: 1, offset: 0, ...query });
  expect(prepared).toHaveLength(count);
  expect(new Set(prepared).size).toBe(count);
});

test('a parameter `ids` that the query does not declare is ignored', async (t) => {
  const { database } = openList(t);
  const { orm, prepare } = database;
  const at = '2024-12-18T21:03:51.790256Z';
  const pet = { name: 'Rex', species: 'dog', mood: 'happy', last_fed: at, last_interaction: at };
  await prepare(orm.insert(pets).values(pet)).run();
  const list = prepareList(database, pets, listQuery(Pet), () => orm.select().from(pets));
  expect(await list({ limit: 1, offset: 0, ids: 'x' as never })).toMatchObject([pet]);
});

test('a column that the table does not have is an error that names both', (t) => {
  const database = openSqlite(':memory:', { migrations: migrationsOf('user') });
  t.onTestFinished(database.close);
  const all = () => database.orm.select().from(users);
  const query = listQuery(Pet, { sort: ['age'] });
  expect(() => prepareList(database, users as never, query, all as never)).toThrow(
    'the table user has no column age: add it to tables.ts, or correct listQuery',
  );
});

test('a query of a missing column names the command that writes a migration', (t) => {
  const database = openSqlite(':memory:', { migrations: migrationsOf('user'), service: 'user' });
  t.onTestFinished(database.close);
  expect(() => database.prepare(sql`SELECT nickname FROM user`)).toThrow(
    /^user: SQLite cannot run this query: no such column: .* If tables.ts has changed, run "\.\/run\.sh migrate create user"$/,
  );
  expect(() => database.prepare(sql`SELECT 1 FROM`)).toThrow(/: SELECT 1 FROM$/);
});
