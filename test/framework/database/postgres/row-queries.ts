import { Type } from '@sinclair/typebox';
import { asc, desc, eq, sql } from '../../../../src/framework/database/drizzle.ts';
import { prepareList } from '../../../../src/framework/database/list.ts';
import { listQuery } from '../../../../src/framework/database/list-query.ts';
import { largest, notes, p, type Queries, read, tags } from './query-tables.ts';

const names = sql`SELECT name FROM note`;

/** Which rows a query returns, and in which order. */
export const rowQueries: Queries = {
  'where by an integer': [read(sql`${names} WHERE id = 3`), [['Ärger 🐶']]],
  'where by unicode text': [
    ({ orm, prepare }) =>
      prepare(
        orm
          .select({ id: notes.id })
          .from(notes)
          .where(eq(notes.name, p('name'))),
      ).all({ name: 'Ärger 🐶' }),
    [{ id: 3 }],
  ],
  'and, or, not, between': [
    read(sql`SELECT id FROM note WHERE (id = 1 OR NOT kind = 'a') AND id BETWEEN 1 AND 2 ORDER BY id`),
    [[1], [2]],
  ],
  'order by text compares bytes': [
    read(sql`${names} ORDER BY name`),
    [['Alpha'], ['beta%2'], ['beta_1'], ['Ärger 🐶']],
  ],
  'order by two columns, descending': [
    ({ orm, prepare }) =>
      prepare(orm.select({ id: notes.id }).from(notes).orderBy(desc(notes.done), desc(notes.id))).all(),
    [{ id: 1 }, { id: 4 }, { id: 3 }, { id: 2 }],
  ],
  'order by with nulls first': [
    read(sql`SELECT id FROM note ORDER BY amount NULLS FIRST`),
    [[2], [3], [1], [4]],
  ],
  'order by with nulls last': [
    read(sql`SELECT id FROM note ORDER BY kind DESC NULLS LAST, id`),
    [[2], [1], [3], [4]],
  ],
  'limit and offset as parameters': [
    ({ orm, prepare }) =>
      prepare(
        orm
          .select({ id: notes.id })
          .from(notes)
          .orderBy(asc(notes.id))
          .limit(p('limit') as never)
          .offset(p('offset') as never),
      ).all({ limit: 2, offset: 1 }),
    [{ id: 2 }, { id: 3 }],
  ],
  'pages in id order': [
    (database) => {
      const page = prepareList(database, notes, listQuery(Type.Object({})), () =>
        database.orm.select({ id: notes.id }).from(notes),
      );
      return Promise.all([page({ limit: 2, offset: 2 }), page({ limit: 2, offset: 1e12 })]);
    },
    [[{ id: 3 }, { id: 4 }], []],
  ],
  'inner join': [
    ({ orm, prepare }) =>
      prepare(
        orm
          .select({ name: notes.name, label: tags.label })
          .from(tags)
          .innerJoin(notes, eq(notes.id, tags.note_id))
          .where(eq(notes.id, 1))
          .orderBy(asc(tags.id)),
      ).all(),
    [
      { name: 'Alpha', label: 'red' },
      { name: 'Alpha', label: 'blue' },
    ],
  ],
  'left join with a row that has none': [
    read(
      sql`SELECT n.id, t.label FROM note n LEFT JOIN tag t ON t.note_id = n.id AND t.label = 'red' ORDER BY n.id`,
    ),
    [
      [1, 'red'],
      [2, null],
      [3, 'red'],
      [4, null],
    ],
  ],
  'a subquery in the select list': [
    read(sql`SELECT id, (SELECT count(*) FROM tag WHERE note_id = note.id) FROM note ORDER BY id`),
    [
      [1, 2],
      [2, 0],
      [3, 1],
      [4, 0],
    ],
  ],
  'exists and not exists': [
    read(sql`SELECT id FROM note n WHERE NOT EXISTS (SELECT 1 FROM tag WHERE note_id = n.id) ORDER BY id`),
    [[2], [4]],
  ],
  'collect: an array of a subquery, in its order': [
    ({ orm, prepare, collect }) =>
      prepare(
        orm
          .select({
            id: notes.id,
            tags: collect(
              orm
                .select({ value: sql`${tags.id}`.as('value') })
                .from(tags)
                .where(eq(tags.note_id, notes.id))
                .orderBy(desc(tags.id)),
            ),
          })
          .from(notes)
          .orderBy(asc(notes.id)),
      ).all(),
    [
      { id: 1, tags: [2, 1] },
      { id: 2, tags: [] },
      { id: 3, tags: [3] },
      { id: 4, tags: [] },
    ],
  ],
  'collect: an array with null': [
    ({ orm, prepare, collect }) => {
      const amounts = orm
        .select({ value: sql`${notes.amount}`.as('value') })
        .from(notes)
        .orderBy(asc(notes.id));
      return prepare(
        orm
          .select({ amounts: collect(amounts) })
          .from(tags)
          .where(eq(tags.id, 1)),
      ).get();
    },
    { amounts: [5, null, -7, largest] },
  ],
  'oneOf: a list of ids': [
    ({ orm, prepare, oneOf }) =>
      prepare(
        orm.select({ id: notes.id }).from(notes).where(oneOf(notes.id, 'ids')).orderBy(asc(notes.id)),
      ).all({ ids: [4, 1, 99, 1, largest] }),
    [{ id: 1 }, { id: 4 }],
  ],
  'oneOf: an empty list': [
    ({ orm, prepare, oneOf }) =>
      prepare(orm.select({ id: notes.id }).from(notes).where(oneOf(notes.id, 'ids'))).all({ ids: [] }),
    [],
  ],
  'list: a parameter as a table, in its order': [
    ({ prepare, list }) => prepare(sql`SELECT value FROM ${list('ids')}`).all({ ids: [3, 1, largest] }),
    [[3], [1], [largest]],
  ],
};
