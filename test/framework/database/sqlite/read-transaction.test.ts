import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { asc, eq, sql } from '../../../../src/framework/database/drizzle.ts';
import { openSqlite } from '../../../../src/framework/database/sqlite/open.ts';
import { createReadTransaction } from '../../../../src/framework/database/sqlite/read-transaction.ts';
import { users } from '../../../../src/services/user/tables.ts';
import { makeFolder } from '../../../support/app.ts';

const migrations = new URL('../../../../src/services/user/migrations/', import.meta.url);
const { placeholder } = sql;

/** Opens a database with its statements, and a second connection to the same file. */
function open(t: TestContext) {
  const file = join(makeFolder(t), 'user.db');
  const { orm, prepare, write, close } = openSqlite(file, { migrations });
  const other = new Client(file);
  t.onTestFinished(async () => {
    await close();
    other.close();
  });
  const insertion = orm.insert(users).values({ name: placeholder('name') });
  const insert = prepare(insertion);
  const insertAndReturn = prepare(insertion.returning());
  const select = prepare(orm.select().from(users).orderBy(asc(users.id)));
  const selectOne = prepare(
    orm
      .select()
      .from(users)
      .where(eq(users.id, placeholder('id'))),
  );
  const countByOther = other.prepare('SELECT count(*) FROM user').pluck();
  return {
    close,
    write,
    add: (name: string) => insert.run({ name }),
    addAndReturn: (name: string) => insertAndReturn.get({ name }),
    names: async () => (await select.all()).map(({ name }) => name),
    find: async (id: number) => (await selectOne.get({ id }))?.name,
    addByOther: (name: string) => other.prepare('INSERT INTO user (name) VALUES (?)').run(name),
    countByOther: () => countByOther.get(),
  };
}

describe('the reads of one turn', () => {
  test('share a transaction from the second read on, until the turn ends', async () => {
    const client = new Client(':memory:');
    const { beforeRead, end } = createReadTransaction(client);
    for (let round = 0; round < 3; round += 1) {
      beforeRead();
      expect(client.inTransaction).toBe(false);
      for (let more = 0; more < 3; more += 1) {
        beforeRead();
        expect(client.inTransaction).toBe(true);
      }
      await turn();
      expect(client.inTransaction).toBe(false);
    }
    beforeRead();
    beforeRead();
    end();
    expect(client.inTransaction).toBe(false);
  });

  test('see one state; reads of the next turn see writes of other processes', async (t) => {
    const { names, find, addByOther } = open(t);
    expect(await names()).toEqual([]);
    expect(await names()).toEqual([]);
    addByOther('Alice');
    expect(await names()).toEqual([]);
    expect(await find(1)).toBeUndefined();
    await turn();
    expect(await names()).toEqual(['Alice']);
    expect(await find(1)).toBe('Alice');
  });

  test('see the writes of this process between them', async (t) => {
    const { names, add } = open(t);
    for (const name of ['a', 'b', 'c']) {
      // Read before the write, during its flush and after it.
      const before = [await names(), await names()];
      const written = add(name);
      expect([await names(), await names()]).toEqual(before);
      await written;
      const after = [...(before[0] as string[]), name];
      expect([await names(), await names(), await names()]).toEqual([after, after, after]);
    }
  });

  test('end before a queued write commits in the same turn', async (t) => {
    const { names, add, countByOther } = open(t);
    let read: Promise<string[]>[] = [];
    setImmediate(() =>
      setImmediate(() => {
        read = [names(), names()];
      }),
    );
    await add('Alice');
    expect(await Promise.all(read)).toEqual([[], []]);
    expect(countByOther()).toBe(1);
    expect(await names()).toEqual(['Alice']);
  });

  test('see a single statement that writes as soon as it resolves', async (t) => {
    const { names, add, addAndReturn, countByOther } = open(t);
    expect([await names(), await names()]).toEqual([[], []]);
    await add('Alice');
    expect(countByOther()).toBe(1);
    expect([await names(), await names()]).toEqual([['Alice'], ['Alice']]);
    expect(await addAndReturn('Bob')).toEqual({ id: 2, name: 'Bob' });
    expect(countByOther()).toBe(2);
  });

  test('inside a write use the transaction of the write', async (t) => {
    const { names, write, add, countByOther } = open(t);
    const found = await write(async () => {
      const before = [await names(), await names()];
      await add('Alice');
      return [...before, await names(), await names(), countByOther()];
    });
    expect(found).toEqual([[], [], ['Alice'], ['Alice'], 0]);
    expect(countByOther()).toBe(1);
  });

  test('do not prevent closing the database, and do not fail when the turn ends later', async (t) => {
    const { names, close } = open(t);
    expect([await names(), await names()]).toEqual([[], []]);
    await close();
    await turn();
    await turn();
  });

  test('end normally if an error has ended their transaction', async () => {
    const client = new Client(':memory:');
    const { beforeRead } = createReadTransaction(client);
    beforeRead();
    beforeRead();
    client.exec('ROLLBACK');
    await turn();
    beforeRead();
    beforeRead();
    expect(client.inTransaction).toBe(true);
    await turn();
    expect(client.inTransaction).toBe(false);
  });
});
