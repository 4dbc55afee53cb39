import { Column, is, SQL } from './drizzle.ts';

/**
 * The only use of Drizzle's private API: `prepared.fields`, the columns of a prepared query, and `decoder` of an SQL
 * expression. With them a row becomes an object without Drizzle's own `get` and `all`, which take 1.2 times as long for
 * one row and 3 times as long for a hundred. If Drizzle changes them (1.0 has no `fields`), `createRowReader` returns
 * undefined, queries run through Drizzle, and row-reader.test.ts fails and says so.
 */
interface PrivateQuery {
  readonly fields?: readonly { readonly path: readonly string[]; readonly field: unknown }[];
}
interface Decoder {
  mapFromDriverValue(value: unknown): unknown;
}

/** Makes an object of a row, which is an array. */
export type RowReader = (row: readonly unknown[]) => Record<string, unknown>;

/** Creates the reader of the rows of a prepared query. Undefined if it has to run through Drizzle. */
export function createRowReader(prepared: object): RowReader | undefined {
  const columns = (prepared as PrivateQuery).fields?.map(({ path, field }) => {
    const [name, ...nested] = path;
    if (name === undefined || nested.length > 0) return undefined;
    const decoder = decoderOf(field);
    return decoder && { name, decode: isIdentity(decoder) ? undefined : decoder };
  });
  if (columns === undefined || !columns.every((column) => column !== undefined)) return undefined;
  return (row) => {
    const object: Record<string, unknown> = {};
    for (let index = 0; index < columns.length; index += 1) {
      const { name, decode } = columns[index] as (typeof columns)[number];
      const value = row[index];
      object[name] = decode === undefined || value === null ? value : decode.mapFromDriverValue(value);
    }
    return object;
  };
}

function decoderOf(field: unknown): Decoder | undefined {
  if (is(field, Column)) return field;
  const expression = is(field, SQL) ? field : (field as { sql?: unknown }).sql;
  const { decoder } = Object(expression) as { decoder?: Decoder };
  return typeof decoder?.mapFromDriverValue === 'function' ? decoder : undefined;
}

/** Most columns take the value of the driver as it is. */
function isIdentity(decoder: Decoder): boolean {
  return is(decoder, Column) && decoder.mapFromDriverValue === Column.prototype.mapFromDriverValue;
}
