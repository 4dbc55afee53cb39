import { expect, test } from 'vitest';
import { asc, sql } from '../../../src/framework/database/drizzle.ts';
import { preparePages } from '../../../src/framework/database/pages.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { users } from '../../../src/services/user/tables.ts';

const migrations = new URL('../../../src/services/user/migrations/', import.meta.url);
const { placeholder } = sql;

test('a page past the largest id is empty without a query; other pages equal the plain query', async (t) => {
  const { orm, prepare, close } = openSqlite(':memory:', { migrations });
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
  const select = preparePages({ orm, prepare: counting }, users.id, all());
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
