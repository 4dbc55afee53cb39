import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { expect, type TestContext, test } from 'vitest';
import { type CopiedTable, copyDatabase } from '../../../../src/framework/database/copy/copy.ts';
import type { Database } from '../../../../src/framework/database/database.ts';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { openDatabase } from '../../../../src/framework/database/open-database.ts';
import { makeFolder } from '../../../support/app.ts';
import { newSchemaUrl, openTestDatabase, postgresUrl } from '../../../support/postgres-database.ts';
import { readSql, runSql } from '../../../support/sql.ts';

const migrations = new URL('../../../../src/services/user/migrations/', import.meta.url);
const service = 'user';

type Product = 'sqlite' | 'postgres';

const newUrl = (t: TestContext, product: Product) =>
  product === 'postgres' ? newSchemaUrl() : `sqlite:${join(makeFolder(t), `${randomUUID()}.db`)}`;

/** Opens a database for the time of `fn`. */
async function withDatabase<Result>(
  url: string,
  fn: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(url, { migrations, service });
  try {
    return await fn(database);
  } finally {
    await database.close();
  }
}

const names = ['Alice', 'Zoë 🐶', 'O\'Brien \\ {a,"b"}\t\n', 'NULL', '', ' '];

/** Creates a database with gaps, deleted last rows, an idempotency key with a response, and one without. */
async function createSource(t: TestContext, product: Product): Promise<string> {
  const url = newUrl(t, product);
  await withDatabase(url, async (database) => {
    for (const name of names) await runSql(database, sql`INSERT INTO "user" (name) VALUES (${name})`);
    await runSql(database, sql`INSERT INTO "user" (name) VALUES ('gone')`);
    await runSql(database, sql`DELETE FROM "user" WHERE name IN ('gone', 'NULL')`);
    await runSql(database, sql`INSERT INTO adoption (user_id, pet_id) VALUES (2, 9007199254740991)`);
    for (const [key, status, body] of [
      ['b', 200, Buffer.from([0, 255, 10])],
      ['a', null, null],
    ]) {
      await runSql(
        database,
        sql`INSERT INTO __idempotency_key (key, fingerprint, created_at, results, status, headers, body)
          VALUES (${key}, 'f', 1734555831790256, ${Buffer.from([1])}, ${status}, '{}', ${body})`,
      );
    }
  });
  return url;
}

/** Reads all that a copy must keep, and the next id. */
function readAll(url: string) {
  return withDatabase(url, async (database) => ({
    users: await readSql(database, sql`SELECT id, name FROM "user" ORDER BY id`),
    adoptions: await readSql(database, sql`SELECT * FROM adoption`),
    keys: await readSql(
      database,
      sql`SELECT key, fingerprint, created_at, results, status, headers, body FROM __idempotency_key ORDER BY rowid`,
    ),
  }));
}

const addUser = (url: string) =>
  withDatabase(url, async (database) => {
    const [row] = await readSql<[number]>(database, sql`SELECT max(id) FROM "user"`);
    await runSql(database, sql`INSERT INTO "user" (name) VALUES ('next')`);
    const [next] = await readSql<[number]>(database, sql`SELECT max(id) FROM "user"`);
    return [row?.[0], next?.[0]];
  });

const products: readonly Product[] = postgresUrl === undefined ? ['sqlite'] : ['sqlite', 'postgres'];
const pairs = products.flatMap((from) => products.map((to) => [from, to] as const));

test.for(pairs)(
  'a copy from %s to %s has the same rows and continues after the same id',
  async ([from, to], t) => {
    const source = await createSource(t, from);
    const target = newUrl(t, to);
    const before = await readAll(source);
    const copied = await copyDatabase({ service, migrations, from: source, to: target });
    expect(Object.fromEntries(copied.map(({ table, rows }) => [table, rows]))).toMatchObject({
      user: 5,
      adoption: 1,
      __idempotency_key: 2,
      __event: 0,
      __parked_event: 0,
    });
    expect(await readAll(target)).toEqual(before);
    expect(await readAll(source)).toEqual(before);
    expect(before.users).toHaveLength(5);
    // Id 7 was deleted.
    expect(await addUser(target)).toEqual([6, 8]);
  },
);

test.for(pairs)('checksums of a copy from %s to %s and back are the same', async ([from, to], t) => {
  const source = await createSource(t, from);
  const [there, back] = [newUrl(t, to), newUrl(t, from)];
  const checksums = (tables: readonly CopiedTable[]) =>
    Object.fromEntries(tables.map(({ table, checksum }) => [table, checksum]));
  const first = checksums(await copyDatabase({ service, migrations, from: source, to: there }));
  const second = checksums(await copyDatabase({ service, migrations, from: there, to: back }));
  const { __idempotency_key: _one, ...firstOwn } = first;
  const { __idempotency_key: _other, ...secondOwn } = second;
  expect(secondOwn).toEqual(firstOwn);
  expect(await readAll(back)).toEqual(await readAll(source));
});

test.for(products)('a target with rows in %s is refused and stays as it is', async (product, t) => {
  const source = await createSource(t, 'sqlite');
  const target = await createSource(t, product);
  const before = await readAll(target);
  await expect(copyDatabase({ service, migrations, from: source, to: target })).rejects.toThrow(
    /: it is not empty: \w+ has rows\. Name an empty database$/,
  );
  expect(await readAll(target)).toEqual(before);
});

test.for(products)('an existing database without rows in %s is a target', async (product, t) => {
  const source = await createSource(t, 'sqlite');
  const target = newUrl(t, product);
  await withDatabase(target, async () => {});
  await copyDatabase({ service, migrations, from: source, to: target });
  expect(await readAll(target)).toEqual(await readAll(source));
});

test.for(products)('a target in %s that has only a part of the migrations is refused', async (product, t) => {
  const source = await createSource(t, 'sqlite');
  const target = newUrl(t, product);
  await withDatabase(target, async () => {});
  const hash = { sqlite: 'DELETE FROM __drizzle_migrations WHERE id = 4', postgres: undefined }[product];
  const newer = sql`INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('newer', 9999999999999)`;
  const database = await openTestDatabase(t, target, { migrations, service });
  await runSql(database, hash === undefined ? newer : sql.raw(hash));
  await database.close();
  await expect(copyDatabase({ service, migrations, from: source, to: target })).rejects.toThrow(
    hash === undefined ? /it has a migration \(newer\)/ : /it does not have the migration 0003_user_by_name/,
  );
});

test('a source without migrations is refused, and no target is created', async (t) => {
  const folder = makeFolder(t);
  const target = join(folder, 'target.db');
  const from = `sqlite:${join(folder, 'missing.db')}`;
  await expect(copyDatabase({ service, migrations, from, to: `sqlite:${target}` })).rejects.toThrow(
    `database ${join(folder, 'missing.db')}: it does not have the migration 0000_initial. Name another source, or apply it first`,
  );
  expect(existsSync(target)).toBe(false);
});

test('a source that a server has open is refused', async (t) => {
  const source = await createSource(t, 'sqlite');
  const target = newUrl(t, 'sqlite');
  const server = await openTestDatabase(t, source, { migrations, service });
  await readSql(server, sql`SELECT 1 FROM "user"`);
  await expect(copyDatabase({ service, migrations, from: source, to: target })).rejects.toThrow(
    'another process has the file open. Stop the server first',
  );
});

test.for(products)(
  'tables that a later version adds to both sides are copied to %s too',
  async (product, t) => {
    const source = await createSource(t, 'sqlite');
    const target = newUrl(t, product);
    const table = (type: string) =>
      sql.raw(`CREATE TABLE event (id ${type}, position bigint, type text NOT NULL, score double precision)`);
    await withDatabase(source, async (database) => {
      await runSql(database, table('INTEGER PRIMARY KEY AUTOINCREMENT'));
      await runSql(
        database,
        sql`INSERT INTO event (position, type, score) VALUES (NULL, 'pet.deleted', 0.1), (1, 'x', 3)`,
      );
    });
    const identity =
      product === 'sqlite'
        ? 'INTEGER PRIMARY KEY AUTOINCREMENT'
        : 'bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY';
    await withDatabase(target, async (database) => void (await runSql(database, table(identity))));
    await copyDatabase({ service, migrations, from: source, to: target });
    const rows = await withDatabase(target, (database) =>
      readSql(database, sql`SELECT * FROM event ORDER BY id`),
    );
    expect(rows).toEqual([
      [1, null, 'pet.deleted', 0.1],
      [2, 1, 'x', 3],
    ]);
  },
);

test.skipIf(postgresUrl === undefined)(
  'a value that PostgreSQL cannot hold is named, and nothing is copied',
  async (t) => {
    const source = await createSource(t, 'sqlite');
    const target = newUrl(t, 'postgres');
    await withDatabase(source, (database) =>
      runSql(database, sql`UPDATE "user" SET name = ${'a\0b'} WHERE id = 1`),
    );
    await expect(copyDatabase({ service, migrations, from: source, to: target })).rejects.toThrow(
      /: user: invalid byte sequence for encoding "UTF8": 0x00$/,
    );
    expect((await readAll(target)).users).toEqual([]);
  },
);

test.for(products)('rows without the row that they refer to are not copied to %s', async (product, t) => {
  const source = await createSource(t, 'sqlite');
  const target = newUrl(t, product);
  const client = new Client(source.slice('sqlite:'.length));
  client.pragma('foreign_keys = OFF');
  client.exec('INSERT INTO adoption (user_id, pet_id) VALUES (99, 1)');
  client.close();
  await expect(copyDatabase({ service, migrations, from: source, to: target })).rejects.toThrow(
    product === 'sqlite'
      ? /rows of adoption refer to missing rows of user/
      : /violates foreign key constraint/,
  );
  const after = await readAll(target);
  expect([after.users, after.adoptions, after.keys]).toEqual([[], [], []]);
});
