/** Reads the option `--fields`: `name:string(1..200), age:integer?, kind:enum(ball,doll)=ball, pet:pet.Pet?`. */
import { UsageError } from '../../src/framework/app/arguments.ts';
import { reservedWords } from './names.ts';

interface Common {
  /** The property, column and variable: in snake_case. */
  readonly name: string;
  readonly isNullable: boolean;
  /** The value of a request that leaves the field out. Undefined: the field is required. */
  readonly fallback: string | number | null | undefined;
}

export type Field =
  | (Common & { readonly type: 'string'; readonly min: number; readonly max: number })
  | (Common & { readonly type: 'integer'; readonly min: number; readonly max: number })
  | (Common & { readonly type: 'enum'; readonly values: readonly string[] })
  | (Common & { readonly type: 'reference'; readonly service: string; readonly schema: string });

export const grammar = `Expected --fields 'NAME:TYPE, …' with TYPE string(MIN..MAX), integer(MIN..MAX), enum(A,B) or SERVICE.SCHEMA, then "?" if it may be null, then "=DEFAULT"`;

/** Names that the files of a service use for something else. */
const taken = [
  ...['id', 'ids', 'limit', 'offset', 'emit', 'write', 'insert', 'change', 'remove', 'select', 'values'],
  ...['sql', 'placeholder', 'database'],
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
  if (type !== 'string' && type !== 'integer')
    throw new UsageError(`${grammar}, not ${JSON.stringify(text)}`);
  const { min, max } = parseRange(name, type, args);
  if (given === undefined) return { ...common, type, min, max };
  const fallback = type === 'string' ? given.trim() : Number(given);
  const size = typeof fallback === 'string' ? [...fallback].length : fallback;
  if (!Number.isInteger(size) || size < min || size > max)
    throw wrong(name, `the default ${given} is not within ${min}..${max}`);
  return { ...common, type, min, max, fallback };
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

/** Strings without a range have 1 to 200 characters, integers every value that a JavaScript number holds exactly. */
function parseRange(name: string, type: 'string' | 'integer', args: string | undefined) {
  if (args === undefined)
    return type === 'string'
      ? { min: 1, max: 200 }
      : { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  const [, from, to] = /^\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*$/.exec(args) ?? [];
  const [min, max] = [Number(from), Number(to)];
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max))
    throw wrong(name, `expected ${type}(MIN..MAX)`);
  if (min > max) throw wrong(name, `${min} is above ${max}`);
  if (type === 'string' && (min < 0 || max < 1 || max > 100_000))
    throw wrong(name, 'the length of a string is within 0..100000');
  return { min, max };
}

function wrong(name: string, why: string): UsageError {
  return new UsageError(`Field ${name} of --fields: ${why}`);
}
