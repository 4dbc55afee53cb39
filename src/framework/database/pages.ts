import type { Page } from '../openapi/schema.ts';
import type { Database } from './database.ts';
import { type AnySQLiteColumn, sql } from './drizzle.ts';
import type { Preparable, Prepared } from './statement.ts';

/**
 * Prepares a query of a page in id order, with the parameters `limit` and `offset`. SQLite steps over every row before
 * `offset`, even if there are no more rows. Ids are positive and never reused, so a table has at most as many rows as
 * its largest id, and a page past that id is empty without a query.
 * @param id the primary key of the table.
 */
export function preparePages<P extends Prepared>(
  { orm, prepare }: Pick<Database, 'orm' | 'prepare'>,
  id: AnySQLiteColumn,
  query: Preparable<P>,
) {
  const selectLargest = prepare(orm.select({ id }).from(id.table).orderBy(sql`${id} DESC`).limit(1));
  const selectPage = prepare(query);
  return async (page: Page): Promise<ReturnType<P['all']>> => {
    const isPast = page.offset > 0 && page.offset >= Number((await selectLargest.get())?.id ?? 0);
    return isPast ? ([] as ReturnType<P['all']>) : selectPage.all({ ...page });
  };
}
