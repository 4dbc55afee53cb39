import { describe, expect, test } from 'vitest';
import { DatabaseError } from '../../../../src/framework/database/database-error.ts';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { newSchemaUrl, openTestDatabase, postgresUrl } from '../../../support/postgres-database.ts';
import { notes, openNotes, tags } from './query-tables.ts';
import { rowQueries } from './row-queries.ts';
import { valueQueries } from './value-queries.ts';
import { writeQueries } from './write-queries.ts';

const products = postgresUrl === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);

describe.each(products)('%s runs the query', (product) => {
  test.for(Object.entries({ ...rowQueries, ...valueQueries, ...writeQueries }))(
    '%s',
    async ([, [query, expected]], t) => {
      expect(await query(await openNotes(t, product))).toEqual(expected);
    },
  );
});

describe('a query that a database cannot run is an error that names the service and the query', () => {
  test.skipIf(postgresUrl === undefined).for([
    [
      'iif',
      sql`SELECT iif(amount > 1, 'a', 'b') FROM note`,
      'function iif(boolean, unknown, unknown) does not exist',
    ],
    [
      'max of two values',
      sql`SELECT max(amount, 1) FROM note`,
      'function max(bigint, integer) does not exist',
    ],
    [
      'bare columns beside GROUP BY',
      sql`SELECT name FROM note GROUP BY kind`,
      'column "note.name" must appear in the GROUP BY clause or be used in an aggregate function',
    ],
    [
      'json_group_array',
      sql`SELECT json_group_array(id) FROM note`,
      'function json_group_array(bigint) does not exist',
    ],
  ] as const)('PostgreSQL: %s', async ([, query, reason], t) => {
    const url = newSchemaUrl();
    await openNotes(t, 'postgres', url);
    // It has prepared no other statement.
    const database = await openTestDatabase(t, url, { service: 'note' });
    database.prepare(query);
    await expect(database.verify()).rejects.toThrow(
      `note: PostgreSQL cannot run this query: ${reason}: SELECT`,
    );
  });

  test.for([
    ['ILIKE', sql`SELECT 1 FROM note WHERE name ILIKE 'a%'`, 'near "ILIKE": syntax error'],
    ['a cast with colons', sql`SELECT amount::text FROM note`, 'unrecognized token: ":"'],
    ['FOR UPDATE', sql`SELECT 1 FROM note FOR UPDATE`, 'near "UPDATE": syntax error'],
  ] as const)('SQLite: %s', async ([, query, reason], t) => {
    const database = await openNotes(t, 'sqlite');
    expect(() => database.prepare(query)).toThrow(`note: SQLite cannot run this query: ${reason}: SELECT`);
  });

  test.for(products)('%s: a table that the query does not read', async (product, t) => {
    const { orm, prepare } = await openNotes(t, product);
    expect(() => prepare(orm.select({ label: tags.label }).from(notes))).toThrow(
      new DatabaseError(
        'note: Drizzle cannot build a query: Your "label" field references a column "tag"."label", but the table "tag" is not part of the query! Did you forget to join it?',
      ),
    );
  });
});
