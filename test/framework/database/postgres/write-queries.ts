import { eq, sql } from '../../../../src/framework/database/drizzle.ts';
import { readSql, runSql } from '../../../support/sql.ts';
import { notes, p, type Queries, tags } from './query-tables.ts';

/** Statements that change rows, and the rows that they return. */
export const writeQueries: Queries = {
  'insert returns the next id, and defaults': [
    ({ orm, prepare }) =>
      prepare(
        orm
          .insert(notes)
          .values({ name: p('name') })
          .returning(),
      ).get({ name: 'new' }),
    { id: 5, name: 'new', kind: null, amount: null, done: false, meta: null, at: null },
  ],
  'get and all of an insert without RETURNING have no rows': [
    async ({ orm, prepare }) => {
      const insert = prepare(orm.insert(notes).values({ name: p('name') }));
      return [
        await insert.get({ name: 'a' }),
        await insert.all({ name: 'b' }),
        await insert.run({ name: 'c' }),
      ];
    },
    [undefined, [], { changes: 1 }],
  ],
  'insert from a select': [
    async (database) => {
      const { prepare, list } = database;
      const insert = prepare(
        sql`INSERT INTO tag (note_id, label) SELECT value, CAST(${p('label')} AS text) FROM ${list('ids')}`,
      );
      const { changes } = await insert.run({ label: 'new', ids: [4, 2] });
      return [
        changes,
        await readSql(database, sql`SELECT id, note_id FROM tag WHERE label = 'new' ORDER BY id`),
      ];
    },
    [
      2,
      [
        [4, 4],
        [5, 2],
      ],
    ],
  ],
  'upsert adds to the row that exists': [
    async ({ orm, prepare }) => {
      const upsert = prepare(
        orm
          .insert(tags)
          .values({ note_id: p('note'), label: p('label') })
          .onConflictDoUpdate({
            target: [tags.note_id, tags.label],
            set: { uses: sql`${tags.uses} + excluded.uses` },
          })
          .returning({ note: tags.note_id, uses: tags.uses }),
      );
      return [await upsert.get({ note: 1, label: 'red' }), await upsert.get({ note: 2, label: 'red' })];
    },
    [
      { note: 1, uses: 2 },
      { note: 2, uses: 1 },
    ],
  ],
  'insert that does nothing on a conflict': [
    async ({ orm, prepare }) => {
      const insert = prepare(
        orm
          .insert(tags)
          .values({ note_id: p('note'), label: p('label') })
          .onConflictDoNothing(),
      );
      return [await insert.run({ note: 1, label: 'red' }), await insert.run({ note: 2, label: 'red' })];
    },
    [{ changes: 0 }, { changes: 1 }],
  ],
  'update returns the new rows and counts them': [
    async ({ orm, prepare }) => {
      const update = orm
        .update(notes)
        .set({ amount: sql`coalesce(${notes.amount}, 0) + ${p('more')}` })
        .where(eq(notes.kind, p('kind')));
      const returning = prepare(update.returning({ id: notes.id, amount: notes.amount }));
      return [
        await returning.all({ kind: 'b', more: 2 }),
        await prepare(update).run({ kind: 'a', more: 1 }),
        await prepare(update).run({ kind: 'none', more: 1 }),
      ];
    },
    [[{ id: 2, amount: 2 }], { changes: 2 }, { changes: 0 }],
  ],
  'update from another table': [
    async (database) => {
      await runSql(
        database,
        sql`UPDATE note SET amount = t.total FROM (SELECT note_id, sum(uses) AS total FROM tag GROUP BY note_id) AS t WHERE t.note_id = note.id`,
      );
      return readSql(database, sql`SELECT id, amount FROM note WHERE id IN (1, 3) ORDER BY id`);
    },
    [
      [1, 2],
      [3, 1],
    ],
  ],
  'a write fails if a value is missing, even if it catches the error': [
    async (database) => {
      const { orm, prepare, write } = database;
      const insert = prepare(orm.insert(notes).values({ name: p('name') }));
      const failed = write(async () => {
        await insert.run({ name: 'new' });
        try {
          await insert.run({});
        } catch {}
      });
      const reason = await failed.catch((error: Error) => error.message);
      return [reason, await readSql(database, sql`SELECT count(*) FROM note`)];
    },
    ['Missing the value of the parameter name', [[4]]],
  ],
  'delete cascades, and returns the row': [
    async (database) => {
      const { orm, prepare } = database;
      const gone = await prepare(
        orm
          .delete(notes)
          .where(eq(notes.id, p('id')))
          .returning({ name: notes.name }),
      ).get({ id: 1 });
      return [gone, await readSql(database, sql`SELECT note_id FROM tag`)];
    },
    [{ name: 'Alpha' }, [[3]]],
  ],
  'ids of deleted rows are not used again': [
    async (database) => {
      await runSql(database, sql`DELETE FROM note WHERE id = 4`);
      const { orm, prepare } = database;
      return prepare(orm.insert(notes).values({ name: 'next' }).returning({ id: notes.id })).get();
    },
    { id: 5 },
  ],
  bytes: [
    async (database) => {
      const values = sql`('key', 'f', ${Date.now()}, ${Buffer.from([0, 255])}, NULL)`;
      const table = sql.raw('__idempotency_key');
      await runSql(
        database,
        sql`INSERT INTO ${table} (key, fingerprint, created_at, results, body) VALUES ${values}`,
      );
      return readSql(database, sql`SELECT results, length(results), body FROM ${table}`);
    },
    [[Buffer.from([0, 255]), 2, null]],
  ],
};
