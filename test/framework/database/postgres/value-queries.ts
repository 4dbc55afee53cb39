import { and, asc, eq, sql } from '../../../../src/framework/database/drizzle.ts';
import { at, largest, notes, p, type Queries, read, tags } from './query-tables.ts';

/** Queries that compute values from rows. */
export const valueQueries: Queries = {
  'in with values of the query': [
    read(sql`SELECT id FROM note WHERE kind IN ('b', 'c') OR id IN (1, 3) ORDER BY id`),
    [[1], [2], [3]],
  ],
  'is null and is not null': [
    read(sql`SELECT id, amount IS NULL FROM note WHERE kind IS NOT NULL ORDER BY id`),
    [
      [1, 0],
      [2, 1],
      [3, 0],
    ],
  ],
  'comparison with null is no match': [
    ({ prepare }) => prepare(sql`SELECT id FROM note WHERE kind = ${p('kind')}`).all({ kind: null }),
    [],
  ],
  'is distinct from': [
    read(sql`SELECT id FROM note WHERE kind IS DISTINCT FROM 'a' ORDER BY id`),
    [[2], [4]],
  ],
  'coalesce and nullif': [
    read(sql`SELECT coalesce(kind, 'none'), nullif(amount, 5) FROM note WHERE id IN (1, 4) ORDER BY id`),
    [
      ['a', null],
      ['none', largest],
    ],
  ],
  'json columns': [
    ({ orm, prepare }) =>
      prepare(orm.select({ meta: notes.meta }).from(notes).orderBy(asc(notes.id)).limit(2)).all(),
    [{ meta: { deep: ['x', 1, null] } }, { meta: null }],
  ],
  case: [
    read(
      sql`SELECT CASE WHEN amount > 0 THEN 'plus' WHEN amount < 0 THEN 'minus' ELSE 'none' END FROM note ORDER BY id`,
    ),
    [['plus'], ['none'], ['minus'], ['plus']],
  ],
  'like with lower ignores case': [
    read(sql`SELECT id FROM note WHERE lower(name) LIKE 'b%' OR lower(name) LIKE 'alph_' ORDER BY id`),
    [[1], [2], [4]],
  ],
  'like with an escape character': [
    ({ prepare }) =>
      prepare(sql`SELECT id FROM note WHERE name LIKE ${p('pattern')} ESCAPE '!'`).all({
        pattern: 'beta!%%',
      }),
    [[4]],
  ],
  'lower and upper change ASCII letters alone': [
    read(sql`SELECT lower(name), upper(name) FROM note WHERE id = 3`),
    [['Ärger 🐶', 'ÄRGER 🐶']],
  ],
  'text functions': [
    read(
      sql`SELECT length(name), substr(name, 1, 3), trim('  x '), replace(name, 'ger', '-') FROM note WHERE id = 3`,
    ),
    [[7, 'Ärg', 'x', 'Är- 🐶']],
  ],
  concatenation: [read(sql`SELECT name || '/' || kind FROM note WHERE id = 1`), [['Alpha/a']]],
  count: [read(sql`SELECT count(*), count(amount), count(DISTINCT kind) FROM note`), [[4, 3, 2]]],
  'min, max, sum, avg': [
    read(sql`SELECT min(amount), max(amount), sum(amount), avg(amount) FROM note WHERE id <= 3`),
    [[-7, 5, -2, -1]],
  ],
  'aggregates of no rows': [
    read(sql`SELECT count(*), max(amount), sum(amount) FROM note WHERE id > 99`),
    [[0, null, null]],
  ],
  'group by, having and filter': [
    read(
      sql`SELECT kind, count(*), count(*) FILTER (WHERE amount > 0) FROM note GROUP BY kind HAVING count(*) > 1`,
    ),
    [['a', 2, 1]],
  ],
  'string_agg in an order': [
    read(sql`SELECT string_agg(label, ',' ORDER BY id DESC) FROM tag`),
    [['red,blue,red']],
  ],
  distinct: [
    ({ orm, prepare }) =>
      prepare(orm.selectDistinct({ label: tags.label }).from(tags).orderBy(asc(tags.label))).all(),
    [{ label: 'blue' }, { label: 'red' }],
  ],
  'union all and a common table expression': [
    read(
      sql`WITH x AS (SELECT id FROM note WHERE id < 3) SELECT id FROM x UNION ALL SELECT note_id FROM tag ORDER BY 1`,
    ),
    [[1], [1], [1], [2], [3]],
  ],
  'window functions': [
    read(sql`SELECT id, row_number() OVER (PARTITION BY note_id ORDER BY id DESC) FROM tag ORDER BY id`),
    [
      [1, 2],
      [2, 1],
      [3, 1],
    ],
  ],
  'integer division and remainder': [
    read(sql`SELECT amount / 2, amount % 3 FROM note WHERE id = 3`),
    [[-3, -1]],
  ],
  'integers to 2^53': [
    ({ orm, prepare }) =>
      prepare(
        orm
          .select({ amount: notes.amount })
          .from(notes)
          .where(eq(notes.amount, p('amount'))),
      ).get({ amount: largest }),
    { amount: largest },
  ],
  booleans: [
    ({ orm, prepare }) =>
      prepare(
        orm
          .select({ id: notes.id, done: notes.done })
          .from(notes)
          .where(and(eq(notes.done, sql.param(p('done'), notes.done)), eq(notes.id, 1))),
      ).all({ done: true }),
    [{ id: 1, done: true }],
  ],
  'timestamps compare and keep microseconds': [
    ({ orm, prepare }) =>
      prepare(
        orm
          .select({ at: notes.at })
          .from(notes)
          .where(sql`${notes.at} < ${sql.param(p('at'), notes.at)}`),
      ).all({ at: '2024-12-18T21:03:51.790257Z' }),
    [{ at }],
  ],
  'a parameter in the select list': [
    ({ prepare }) => prepare(sql`SELECT CAST(${p('value')} AS bigint) + 1`).all({ value: 41 }),
    [[42]],
  ],
};
