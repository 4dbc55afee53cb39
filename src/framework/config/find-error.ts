import { isIP } from 'node:net';
import type { TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';

const ajv = new Ajv({
  verbose: true,
  useDefaults: true,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
  // A config is checked once, and optimizing the check takes longer than the check itself.
  code: { optimize: false },
});
ajv.addFormat('address', (text) => URL.canParse(text));
ajv.addFormat('network', (text) => {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && (bits === undefined || Number(bits) <= (version === 4 ? 32 : 128));
});

/** Fills in the defaults of `value`, and describes the first value that does not match the schema. */
export function findConfigError(schema: TSchema, value: unknown, root = ''): string | undefined {
  const check = ajv.compile(schema);
  if (check(value)) return undefined;
  const error = (check.errors ?? []).find(({ keyword }) => keyword !== 'const') as ErrorObject;
  const path = [root, ...error.instancePath.split('/').slice(1)].filter((part) => part !== '').join('.');
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

/** Returns "must be <description>", or the message of Ajv if the schema has no description. */
function describeRequirement({ parentSchema, message }: ErrorObject): string {
  return parentSchema?.description === undefined ? String(message) : `must be ${parentSchema.description}`;
}
