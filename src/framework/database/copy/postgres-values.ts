import { DatabaseError } from '../database-error.ts';
import { quoteName } from '../quote-name.ts';
import type { Value } from './side.ts';

/** A column of a table in PostgreSQL. */
export interface Column {
  readonly name: string;
  readonly type: string;
  /** The sequence of its ids. */
  readonly sequence: string | null;
}

/** Reads the values of a column. */
export interface Reader {
  readonly expression: string;
  decode(value: string): Value;
}

/** Reads a column exactly: the driver would round integers. Types that SQLite does not have are text there. */
export function createReader({ name, type }: Column): Reader {
  const column = quoteName(name);
  if (/^(bigint|integer|smallint)$/.test(type)) return { expression: `${column}::text`, decode: BigInt };
  if (type === 'boolean') return { expression: `${column}::int::text`, decode: BigInt };
  if (type === 'double precision' || type === 'real') return { expression: column, decode: Number };
  if (type.startsWith('numeric')) return { expression: `${column}::text`, decode: decodeNumeric };
  return { expression: type === 'bytea' ? column : `${column}::text`, decode: (value) => value };
}

/** A number as SQLite holds it: an integer of 64 bits, or a double. */
function decodeNumeric(text: string): Value {
  return /^-?\d{1,18}$/.test(text) ? BigInt(text) : Number(text);
}

/** Returns the value for a parameter. The parameter has the type of the column, or text. */
export function encode(value: Value, { name, type }: Column): unknown {
  if (value === null || type === 'bytea') return value;
  if (typeof value === 'object') throw new DatabaseError(`${name} holds bytes, which ${type} cannot hold`);
  return String(value);
}
