import { isIP } from 'node:net';
import type { TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';
import formats from 'ajv-formats';

const ajv = new Ajv({
  verbose: true,
  useDefaults: true,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
  // A config is checked once, and optimizing the check takes longer than the check itself.
  code: { optimize: false },
});
formats.default(ajv, { mode: 'fast' });
ajv.addFormat('address', (text) => URL.canParse(text));
ajv.addFormat('network', (text) => {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && (bits === undefined || Number(bits) <= (version === 4 ? 32 : 128));
});

type Values = Record<string, unknown>;

/**
 * Fills in the defaults of `value`, and describes the first value that does not match the schema.
 * @param texts the strings that `expandVariables` has converted. A value stays a string if the schema needs one.
 */
export function findConfigError(
  schema: TSchema,
  value: unknown,
  root = '',
  texts: ReadonlyMap<string, string> = new Map(),
): string | undefined {
  const check = ajv.compile(schema);
  const replaced = new Set<string>();
  while (!check(value)) {
    const errors = check.errors ?? [];
    // The error of a union is better than those of its constants.
    const error = (errors.find(({ parentSchema }) => parentSchema?.const === undefined) ??
      errors[0]) as ErrorObject;
    const keys = error.instancePath.split('/').slice(1);
    const path = [root, ...keys].filter((part) => part !== '').join('.');
    const text = error.keyword === 'type' && error.schema === 'string' ? texts.get(path) : undefined;
    if (text === undefined || replaced.has(path)) return describeError(error, path);
    replaced.add(path);
    const last = keys.pop() as string;
    const parent = keys.reduce((node, key) => node[key] as Values, value as Values);
    parent[last] = text;
  }
  return undefined;
}

function describeError(error: ErrorObject, path: string): string {
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  const known = Object.keys(error.parentSchema?.properties ?? {});
  // A misspelled key is missing under its right name, too. Name the key that the user wrote.
  const unknown = error.keyword === 'required' ? findUnknownKey(error, known) : undefined;
  if (error.keyword === 'required' && unknown === undefined)
    return `${at(error.params.missingProperty)} is missing`;
  if (error.keyword === 'additionalProperties' || unknown !== undefined) {
    const key = unknown ?? String(error.params.additionalProperty);
    if (known.length === 0) return `${at(key)} is not a name: lower-case letters, digits and "-"`;
    return `${at(key)} is not a known key (known: ${known.join(', ')})`;
  }
  if (error.keyword === 'minProperties') return `${path} must have at least one entry`;
  return `${path === '' ? 'the file' : path} ${describeRequirement(error)}`;
}

function findUnknownKey({ data, parentSchema }: ErrorObject, known: readonly string[]): string | undefined {
  if (parentSchema?.additionalProperties !== false) return undefined;
  return Object.keys(data as object).find((key) => !known.includes(key));
}

/** Returns "must be <description>", or the possible values, or the message of Ajv. */
function describeRequirement({ parentSchema = {}, message }: ErrorObject): string {
  const { description, enum: listed, anyOf = [parentSchema] } = parentSchema;
  if (description !== undefined) return `must be ${description}`;
  const values = listed ?? anyOf.map((one: { const?: unknown }) => one.const);
  if (values.includes(undefined)) return String(message);
  return `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`;
}
