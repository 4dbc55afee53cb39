import type { Page } from '../openapi/schema.ts';
import type { Database } from './database.ts';
import { type AnySQLiteColumn, asc, desc, sql } from './drizzle.ts';
import type { Preparable, Prepared } from './statement.ts';

/** A query that can be sorted and cut, as Drizzle builds it. */
interface Sortable<P extends Prepared> {
  orderBy(order: ReturnType<typeof asc>): {
    limit(limit: unknown): { offset(offset: unknown): Preparable<P> };
  };
}

/**
 * Prepares a query by pages in id order. A database steps over every row before `offset`, even if there are no more rows.
 * Ids are positive and never reused, so a table has at most as many rows as its largest id, and a page past that id is
 * empty without a query.
 * @param id the primary key of the table.
 */
export function preparePages<P extends Prepared>(
  { orm, prepare }: Pick<Database, 'orm' | 'prepare'>,
  id: AnySQLiteColumn,
  query: Sortable<P>,
) {
  const selectLargest = prepare(orm.select({ id }).from(id.table).orderBy(desc(id)).limit(1));
  const { placeholder } = sql;
  const selectPage = prepare(
    query.orderBy(asc(id)).limit(placeholder('limit')).offset(placeholder('offset')),
  );
  return async (page: Page): Promise<ReturnType<P['all']>> => {
    const isPast = page.offset > 0 && page.offset >= Number((await selectLargest.get())?.id ?? 0);
    return isPast ? ([] as ReturnType<P['all']>) : selectPage.all({ ...page });
  };
}
