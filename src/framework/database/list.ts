import { currentContext } from '../context/context.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { type CursorValue, formatCursor, invalidCursor, parseCursor } from './cursor.ts';
import type { Database } from './database.ts';
import { type AnySQLiteColumn, desc, getTableName } from './drizzle.ts';
import { type ListQuerySchema, type ListRequest, readListColumns } from './list-query.ts';
import {
  afterId,
  afterValue,
  createListStatements,
  type Part,
  readOrder,
  type Selectable,
} from './list-statements.ts';
import type { Prepared, Values } from './statement.ts';

type Rows<P extends Prepared> = ReturnType<P['all']>;
type Row = Readonly<Record<string, unknown>> & { readonly id: number };
type Request = ListRequest & Values;

/**
 * Prepares a list with the columns that its query allows, and returns the function that reads it. A full page gets a
 * cursor for the next page, which becomes the `Link` of the response. A page after a cursor does not read the rows
 * before it, and skips or repeats no row when other rows are added or deleted.
 *
 * Rows are sorted by the bytes of a text, then by id. Null comes last, or first in descending order. Each combination
 * of filters and an order is prepared at its first use.
 * @param table its `id` is the primary key. Ids are positive and never reused.
 * @param query the schema that `listQuery` created.
 * @param select builds the query of all rows. Its rows contain the id and the columns of `sort`.
 */
export function prepareList<
  Query extends object,
  Filter extends string,
  Sort extends string,
  P extends Prepared & { all(values?: Values): readonly Readonly<Record<'id' | Sort, unknown>>[] },
>(
  database: Pick<Database, 'orm' | 'prepare' | 'oneOf'>,
  table: Readonly<Record<'id' | Filter | Sort, AnySQLiteColumn>>,
  query: ListQuerySchema<Query, Filter, Sort>,
  select: () => Selectable<P>,
): (query: Query) => Promise<Rows<P>> {
  const columns = readListColumns(query);
  const { id } = table;
  // The types of TypeScript show this mistake too, but `./run.sh generate` runs before the compiler.
  for (const name of [...columns.filter, ...columns.sort]) {
    if (table[name] !== undefined) continue;
    throw new DefinitionError(
      `the table ${getTableName(id.table)} has no column ${name}: add it to tables.ts, or correct listQuery`,
    );
  }
  const prepareStatement = createListStatements(database, table, select);
  const selectLargest = database.prepare(
    database.orm.select({ id }).from(id.table).orderBy(desc(id)).limit(1),
  );
  // Prepare these now, so that PostgreSQL reports a parameter with a wrong type at the start.
  prepareStatement('offset', 'id', []);
  for (const order of ['id', ...columns.sort]) prepareStatement('after', order, columns.filter);

  return async (query) => {
    const request = query as unknown as Request;
    const { after, offset, sort = 'id' } = request;
    // Validation keeps parameters that are not in the schema.
    const hasIds = columns.hasIds && request.ids !== undefined;
    const filters = columns.filter.filter((name) => request[name] !== undefined);
    if (after !== undefined && hasIds) throw invalidCursor('cannot be used together with ids');
    if (after !== undefined && offset > 0) throw invalidCursor('cannot be used together with offset');
    if (hasIds) return prepareStatement('ids', sort, filters).all(request);
    const rows = await (after === undefined
      ? readPage(request, sort, filters)
      : readAfter(request, after, sort, filters));
    setNextPage(rows as unknown as readonly Row[], request.limit, sort);
    return rows;
  };

  async function readPage(request: Request, order: string, filters: readonly string[]): Promise<Rows<P>> {
    const { offset } = request;
    // Read nothing past the end, because the database would read every row before `offset`. A table has at most as many
    // rows as its largest id.
    if (offset > 0 && offset >= Number((await selectLargest.get())?.id ?? 0)) return [] as Rows<P>;
    return prepareStatement('offset', order, filters).all(request);
  }

  async function readAfter(
    request: Request,
    after: string,
    order: string,
    filters: readonly string[],
  ): Promise<Rows<P>> {
    const { limit } = request;
    const { column, isDescending } = readOrder(table, order);
    const cursor = parseCursor(after, order, (value) => isValueOf(column, value));
    const read = (part: Part, from: number, limit: number): Promise<Rows<P>> =>
      prepareStatement(part, order, filters).all({
        ...{ ...request, limit },
        ...{ [afterId]: from, [afterValue]: cursor.value },
      });
    const isNull = cursor.value === null;
    const rows = await read(isNull ? 'nulls' : 'after', cursor.id, limit);
    const isLastPart = column.notNull || isNull !== isDescending;
    if (isLastPart || rows.length === limit) return rows;
    const others = await read(isDescending ? 'values' : 'nulls', 0, limit - rows.length);
    return [...rows, ...others] as Rows<P>;
  }

  /** Sets the cursor of the next page after a full page, and deletes it after any other page. */
  function setNextPage(rows: readonly Row[], limit: number, order: string): void {
    const last = rows[limit - 1];
    const request = currentContext()?.request;
    if (request === undefined) return;
    if (last === undefined) return void request.nextPages?.delete(columns);
    const { name, column } = readOrder(table, order);
    const value = name === 'id' ? undefined : last[name];
    const stored = value === undefined || value === null ? value : column.mapToDriverValue(value);
    request.nextPages ??= new Map();
    request.nextPages.set(columns, formatCursor(order, { id: last.id, value: stored as CursorValue }));
  }
}

/** Returns whether a column may contain a value. Drivers reject other values, or convert them. */
function isValueOf(column: AnySQLiteColumn, value: CursorValue): boolean {
  if (column.primary) return value === undefined;
  if (value === null) return !column.notNull;
  const type = column.getSQLType();
  if (type === 'text') return typeof value === 'string' && value.isWellFormed() && !value.includes('\0');
  return type === 'real' ? typeof value === 'number' : Number.isSafeInteger(value);
}
