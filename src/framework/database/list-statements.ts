import type { Database } from './database.ts';
import { type AnySQLiteColumn, and, asc, desc, eq, isNotNull, isNull, type SQL, sql } from './drizzle.ts';
import type { Preparable, Prepared, Statement } from './statement.ts';

/** A query that can be restricted, sorted and cut, as Drizzle builds it. */
export interface Selectable<P extends Prepared> {
  where(condition: SQL | undefined): {
    orderBy(...order: SQL[]): Preparable<P> & {
      limit(limit: unknown): Preparable<P> & { offset(offset: unknown): Preparable<P> };
    };
  };
}

/** The columns of a list by name. `id` is the primary key. */
type ListTable = Readonly<Record<string, AnySQLiteColumn>> & { readonly id: AnySQLiteColumn };

/**
 * The rows of a statement. `offset`: a page after `offset` rows. `ids`: the rows with given ids. `after`: the rows
 * after a cursor. SQL does not compare null, so null needs two separate statements. `nulls`: the rows after an id whose
 * column is null. `values`: all rows whose column is not null.
 */
export type Part = 'offset' | 'ids' | 'after' | 'nulls' | 'values';

/** The parameters of a cursor. No column has such a name. */
export const [afterId, afterValue] = ['after.id', 'after.value'];

const { placeholder } = sql;

/** Returns a function that prepares each statement of a list at its first use. */
export function createListStatements<P extends Prepared>(
  { prepare, oneOf }: Pick<Database, 'prepare' | 'oneOf'>,
  table: ListTable,
  select: () => Selectable<P>,
): (part: Part, order: string, filters: readonly string[]) => Statement<P> {
  const { id } = table;
  const statements = new Map<string, Statement<P>>();
  return (part, order, filters) => {
    const key = [part, order, ...filters].join();
    let statement = statements.get(key);
    if (statement === undefined) {
      statement = prepare(build(part, order, filters));
      statements.set(key, statement);
    }
    return statement;
  };

  function build(part: Part, order: string, filters: readonly string[]): Preparable<P> {
    const { column, isDescending } = readOrder(table, order);
    const equal = filters.map((name) => {
      const filter = table[name] as AnySQLiteColumn;
      return eq(filter, sql.param(placeholder(name), filter));
    });
    const rows = select()
      .where(and(...equal, restrict(part, column, isDescending)))
      .orderBy(...sortBy(column, isDescending));
    if (part === 'ids') return rows;
    const page = rows.limit(placeholder('limit'));
    return part === 'offset' ? page.offset(placeholder('offset')) : page;
  }

  function restrict(part: Part, column: AnySQLiteColumn, isDescending: boolean): SQL | undefined {
    const sign = sql.raw(isDescending ? '<' : '>');
    const isAfterId = sql`${id} ${sign} ${placeholder(afterId)}`;
    if (part === 'ids') return oneOf(id, 'ids');
    if (part === 'values') return isNotNull(column);
    if (part === 'nulls') return and(isNull(column), isAfterId);
    if (part !== 'after') return undefined;
    if (column === id) return isAfterId;
    return sql`(${column}, ${id}) ${sign} (${placeholder(afterValue)}, ${placeholder(afterId)})`;
  }

  /**
   * Sorts the column and the id in the same direction, so that SQLite and PostgreSQL can use one index for both
   * directions.
   */
  function sortBy(column: AnySQLiteColumn, isDescending: boolean): SQL[] {
    const direct = isDescending ? desc : asc;
    if (column === id) return [direct(id)];
    const nulls = sql.raw(column.notNull ? '' : isDescending ? ' NULLS FIRST' : ' NULLS LAST');
    return [sql`${direct(column)}${nulls}`, direct(id)];
  }
}

/** Reads an order: the name of a column, after `-` if it is descending. */
export function readOrder(table: ListTable, order: string) {
  const isDescending = order.startsWith('-');
  const name = isDescending ? order.slice(1) : order;
  return { name, column: table[name] as AnySQLiteColumn, isDescending };
}
