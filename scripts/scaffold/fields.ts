/** Reads the option `--fields`: `name:string(1..200), age:integer?, kind:enum(ball,doll)=ball, pet:pet.Pet?`. */
import { UsageError } from '../../src/framework/app/arguments.ts';
import { formatInstant, parseInstant } from '../../src/framework/database/instant.ts';
import { Instant } from '../../src/framework/openapi/schema.ts';
import { reservedWords } from './names.ts';

interface Common {
  /** The property, column and variable: in snake_case. */
  readonly name: string;
  readonly isNullable: boolean;
  /** The value of a request that leaves the field out. Undefined: the field is required. */
  readonly fallback: Value | null | undefined;
}

/** A value of a field in JSON. */
export type Value = string | number | boolean;

interface Ranged {
  readonly min: number;
  readonly max: number;
}

export type Field = Common &
  (
    | ({ readonly type: 'string' } & Ranged)
    | ({ readonly type: 'integer' } & Ranged)
    | ({ readonly type: 'number' } & Ranged)
    | { readonly type: 'boolean' }
    | { readonly type: 'instant' }
    | { readonly type: 'enum'; readonly values: readonly string[] }
    | { readonly type: 'reference'; readonly service: string; readonly schema: string }
  );

/** A longer text would not fit into a body of 65,536 bytes, which is the default of `limits.body`. */
const maxLength = 60_000;

export const grammar = `Expected --fields 'NAME:TYPE, …' with TYPE string(MIN..MAX), integer(MIN..MAX), number(MIN..MAX), boolean, instant, enum(A,B) or SERVICE.SCHEMA, then "?" if it may be null, then "=DEFAULT"`;

/** Names that the files of a service use for something else. */
const taken = [
  ...['id', 'ids', 'limit', 'offset', 'after', 'sort', 'emit', 'write', 'insert', 'change', 'remove'],
  ...['select', 'values', 'sql', 'placeholder', 'database'],
  // Every object has this property, so an update without the field would change it.
  'constructor',
  // An object with this property would look like a promise.
  'then',
  // PostgreSQL has columns of these names in every table.
  ...['tableoid', 'xmin', 'xmax', 'cmin', 'cmax', 'ctid'],
];

const part = /^([a-z][a-z0-9_]*)\s*:\s*([\w.-]+)(?:\(([^)]*)\))?(\?)?(?:=(.+))?$/s;

/**
 * @param item the variable of an item in the files of the service, which no field can have as its name.
 * @throws {UsageError} with the grammar, or with what is wrong with one field.
 */
export function parseFields(text: string, item?: string): Field[] {
  const fields = splitAtCommas(text).map(parseField);
  const plain = fields.map(({ name }) => name.replaceAll('_', ''));
  const repeated = fields.find((_, index) => plain.indexOf(plain[index] as string) < index);
  if (repeated !== undefined)
    throw wrong(repeated.name, 'the name is used twice; underscores make no difference');
  if (fields.some(({ name }) => name === item))
    throw wrong(String(item), 'it is the name of the service. Choose another name');
  if (fields.length > 40) throw new UsageError(`Expected at most 40 fields, not ${fields.length}`);
  return fields;
}

/** Splits at each comma that is not between parentheses. */
function splitAtCommas(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((one) => one.trim());
}

function parseField(text: string): Field {
  const match = part.exec(text);
  if (match === null) throw new UsageError(`${grammar}, not ${JSON.stringify(text)}`);
  const [, name = '', type = '', args, mark, given] = match;
  const isNullable = mark !== undefined;
  const common = { name, isNullable, fallback: isNullable ? null : undefined } as const;
  if (type.includes('.')) return parseReference(type, args, given, common);
  if (taken.includes(name) || reservedWords.has(name))
    throw wrong(name, 'the name is reserved. Choose another name');
  if (name.length > 60) throw wrong(name, 'the name is longer than 60 characters');
  if (type === 'enum') return parseEnum(args, given, common);
  if (type === 'boolean' || type === 'instant') return parsePlain(type, args, given, common);
  if (type !== 'string' && type !== 'integer' && type !== 'number')
    throw new UsageError(`${grammar}, not ${JSON.stringify(text)}`);
  const { min, max } = parseRange(name, type, args);
  if (given === undefined) return { ...common, type, min, max };
  const fallback = type === 'string' ? given.trim() : Number(given);
  const size = typeof fallback === 'string' ? [...fallback].length : fallback;
  if (!(type === 'number' ? Number.isFinite(size) : Number.isInteger(size)) || size < min || size > max)
    throw wrong(name, `the default ${given} is not within ${min}..${max}`);
  return { ...common, type, min, max, fallback };
}

/** Parses a type without a range. */
function parsePlain(
  type: 'boolean' | 'instant',
  args: string | undefined,
  given: string | undefined,
  common: Common,
): Field {
  const { name } = common;
  if (args !== undefined) throw wrong(name, `expected ${type} without parentheses`);
  const text = given?.trim();
  if (text === undefined) return { ...common, type };
  if (type === 'instant') {
    if (!isInstant(text)) throw wrong(name, `expected a time such as ${Instant.examples?.[0]}, not ${text}`);
    return { ...common, type, fallback: text };
  }
  if (text !== 'true' && text !== 'false') throw wrong(name, `the default ${text} is not true or false`);
  return { ...common, type, fallback: text === 'true' };
}

function isInstant(text: string): boolean {
  return new RegExp(Instant.pattern as string).test(text) && formatInstant(parseInstant(text)) === text;
}

function parseReference(
  type: string,
  args: string | undefined,
  given: string | undefined,
  common: Common,
): Field {
  const [service = '', schema = '', ...more] = type.split('.');
  if (args !== undefined || more.length > 0) throw wrong(common.name, 'expected SERVICE.SCHEMA');
  if (given !== undefined) throw wrong(common.name, 'a reference has no default');
  const name = common.name.endsWith('_id') ? common.name : `${common.name}_id`;
  return { ...common, name, type: 'reference', service, schema };
}

function parseEnum(args: string | undefined, given: string | undefined, common: Common): Field {
  const values = (args ?? '').split(',').map((value) => value.trim());
  const invalid = values.find((value) => !/^[A-Za-z0-9][\w -]*$/.test(value));
  if (invalid !== undefined)
    throw wrong(common.name, 'expected enum(A,B) of letters, digits, "_", "-" and spaces');
  if (new Set(values).size < values.length) throw wrong(common.name, 'a value of the enum is there twice');
  const fallback = given?.trim();
  if (fallback === undefined) return { ...common, type: 'enum', values };
  if (!values.includes(fallback))
    throw wrong(common.name, `the default ${fallback} is not a value of the enum`);
  return { ...common, type: 'enum', values, fallback };
}

/** Strings without a range have 1 to 200 characters, integers and numbers every value that JavaScript holds exactly. */
function parseRange(name: string, type: 'string' | 'integer' | 'number', args: string | undefined) {
  if (args === undefined) {
    if (type === 'string') return { min: 1, max: 200 };
    const max = type === 'integer' ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE;
    return { min: -max, max };
  }
  const end = type === 'number' ? String.raw`(-?\d+(?:\.\d+)?)` : String.raw`(-?\d+)`;
  const [, from, to] = new RegExp(String.raw`^\s*${end}\s*\.\.\s*${end}\s*$`).exec(args) ?? [];
  const [min, max] = [Number(from), Number(to)];
  const isExact = type === 'number' ? Number.isFinite : Number.isSafeInteger;
  if (!isExact(min) || !isExact(max)) throw wrong(name, `expected ${type}(MIN..MAX)`);
  if (min > max) throw wrong(name, `${min} is above ${max}`);
  if (type === 'string' && (min < 0 || max < 1 || max > maxLength))
    throw wrong(name, `the length of a string is within 0..${maxLength}`);
  return { min, max };
}

function wrong(name: string, why: string): UsageError {
  return new UsageError(`Field ${name} of --fields: ${why}`);
}
