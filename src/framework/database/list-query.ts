import { type Static, type TObject, type TSchema, type TUnsafe, Type } from '@sinclair/typebox';
import { DefinitionError } from '../errors/definition-error.ts';
import { Id, Page, text } from '../openapi/schema.ts';

/** The key of a list's columns in the schema of its query. */
const columnsOf = Symbol('columnsOf');

/** The columns that the query of a list may name, and whether it may have `ids`. */
export interface ListColumns<Filter extends string = string, Sort extends string = string> {
  readonly filter: readonly Filter[];
  readonly sort: readonly Sort[];
  readonly hasIds: boolean;
}

/** The schema of the query of a list, as `listQuery` creates it. */
export type ListQuerySchema<
  Query,
  Filter extends string = string,
  Sort extends string = string,
> = TUnsafe<Query> & { readonly [columnsOf]: ListColumns<Filter, Sort> };

/** The order of a list: by the id or by a column, and descending with `-`. */
export type Order<Sort extends string = string> = 'id' | '-id' | Sort | `-${Sort}`;

/** The validated query of a list, without its filters. */
export interface ListRequest<Sort extends string = string> extends Page {
  /** Default: `id`. */
  readonly sort?: Order<Sort>;
  readonly after?: string;
  readonly ids?: readonly number[];
}

type ListQuery<Item, Filter extends keyof Item, Sort extends string> = ListRequest<Sort> & {
  readonly [Name in Filter]?: NonNullable<Item[Name]>;
};

/** Each combination of filters and an order is a prepared statement, so their number is limited. */
const maxFilters = 5;
const maxSorts = 8;

/** The maximum length of a text to sort by. A cursor contains the text, and must fit into a URL. */
const maxSortedLength = 200;

/** 200 characters take up to 1,600 in a cursor. */
const maxCursorLength = 2000;

type Named<Item extends TObject> = Exclude<keyof Static<Item> & string, 'id'>;

/**
 * Creates the query of a list: `limit`, `offset`, the cursor `after`, `sort`, and a parameter for each filter. The
 * response to a full page has a link to the next page.
 * @param item the schema of an item. Its properties are the schemas of the filters.
 * @param options.filter the properties that a client may filter by: equality with one value that is not null.
 * @param options.sort the properties that a client may sort by, besides `id`. Each needs an index with the id.
 * @param options.ids the maximum number of ids of a lookup. Absent: no parameter `ids`.
 * @throws {DefinitionError} if a list cannot be filtered or sorted by a property.
 */
export function listQuery<
  Item extends TObject,
  const Filter extends Named<Item> = never,
  const Sort extends Named<Item> = never,
>(
  item: Item,
  options: {
    readonly filter?: readonly Filter[];
    readonly sort?: readonly Sort[];
    readonly ids?: number;
  } = {},
): ListQuerySchema<ListQuery<Static<Item>, Filter, Sort>, Filter, Sort> {
  const { filter = [], sort = [], ids } = options;
  if (filter.length > maxFilters)
    throw new DefinitionError(`a list has at most ${maxFilters} filters: remove some`);
  if (sort.length > maxSorts)
    throw new DefinitionError(`a list can be sorted by at most ${maxSorts} properties: remove some`);
  for (const name of sort) assertSortable(name, item.properties[name]);
  const filters = filter.map((name) => [name, createFilter(name, item.properties[name])]);
  const schema = Type.Object({
    ...Page.properties,
    after: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]+$',
        maxLength: maxCursorLength,
        description:
          'Only items after this cursor, which the `Link` of a page contains. With the same `sort`, and without `offset` and `ids`',
      }),
    ),
    sort: Type.Optional(createOrder(sort)),
    ...Object.fromEntries(filters),
    ...(ids !== undefined && { ids: createIds(ids) }),
  });
  return Object.assign(schema, { [columnsOf]: { filter, sort, hasIds: ids !== undefined } }) as never;
}

/** Returns the columns that a query may name. Undefined: it is not the query of a list. */
export function readListColumns<Filter extends string, Sort extends string>(
  schema: ListQuerySchema<unknown, Filter, Sort>,
): ListColumns<Filter, Sort>;
export function readListColumns(schema: unknown): ListColumns | undefined;
export function readListColumns(schema: unknown): ListColumns | undefined {
  return (Object(schema) as { [columnsOf]?: ListColumns })[columnsOf];
}

function createOrder(sort: readonly string[]) {
  const names = ['id', ...sort].flatMap((name) => [name, `-${name}`]);
  return Type.Unsafe<string>({
    type: 'string',
    enum: names,
    default: 'id',
    description: 'The order; `-` means descending. Null comes last, or first if descending',
  });
}

function createIds(maxItems: number) {
  return Type.Optional(
    Type.Array(Id, {
      minItems: 1,
      maxItems,
      description:
        'Only items with these ids, without `offset` and `limit`; ids that do not exist are left out',
    }),
  );
}

/** The values that a column can have. PostgreSQL rejects a query with another value, and the client would get a 500. */
const storable: Readonly<Record<string, object>> = {
  integer: { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  string: { pattern: text({}).pattern },
};

/** Creates the parameter for a property. Removes null, because a query string cannot contain it. */
function createFilter(name: string, schema: TSchema | undefined): TSchema {
  if (schema === undefined || Object.hasOwn(Page.properties, name) || ['after', 'sort', 'ids'].includes(name))
    throw new DefinitionError(`a list cannot be filtered by ${name}: choose another property`);
  const types = [schema.type].flat().filter((type) => type !== 'null');
  const isPlain = types.length === 1 && ['string', 'integer', 'number', 'boolean'].includes(types[0]);
  if (!isPlain || schema.format !== undefined)
    throw new DefinitionError(
      `a list cannot be filtered by ${name}: expected a string without a format, a number or a boolean`,
    );
  // Leave out the examples, because Swagger UI would filter by them.
  const { default: _default, examples: _examples, enum: values, ...rest } = schema;
  return Type.Optional(
    Type.Unsafe({
      ...(values === undefined
        ? storable[types[0]]
        : { enum: values.filter((value: unknown) => value !== null) }),
      ...rest,
      type: types[0],
      description: `Only items with this ${name}`,
    }),
  );
}

function assertSortable(name: string, schema: TSchema | undefined): void {
  const { type, maxLength, format, enum: values } = (schema ?? {}) as Partial<TSchema>;
  const isText = [type].flat().includes('string');
  if (isText && values === undefined && format === undefined && !(maxLength <= maxSortedLength))
    throw new DefinitionError(
      `a list cannot be sorted by ${name}: its texts may be longer than ${maxSortedLength}`,
    );
  if (!isText && ![type].flat().some((one) => ['integer', 'number', 'boolean'].includes(one)))
    throw new DefinitionError(`a list cannot be sorted by ${name}: expected a string, a number or a boolean`);
}
