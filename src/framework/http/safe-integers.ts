/** Keywords whose value is data or a name, not a schema. */
const data = new Set(['enum', 'const', 'default', 'examples']);
/** Keywords whose members are schemas. The names of the members are free. */
const namedSchemas = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);

/**
 * Limits the integers of a request schema to those that a JavaScript number holds exactly. JSON.parse rounds larger ones.
 * PostgreSQL rejects such a value in an integer column, and SQLite stores it as a real number.
 */
export function limitIntegers(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(limitIntegers);
  const limited = Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (data.has(keyword)) return [keyword, value];
      return [keyword, namedSchemas.has(keyword) ? limitMembers(value) : limitIntegers(value)];
    }),
  );
  const types = [limited.type].flat();
  if (!types.includes('integer') || types.includes('number')) return limited;
  if (limited.exclusiveMaximum === undefined) limited.maximum ??= Number.MAX_SAFE_INTEGER;
  if (limited.exclusiveMinimum === undefined) limited.minimum ??= Number.MIN_SAFE_INTEGER;
  return limited;
}

function limitMembers(schemas: object): object {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, limitIntegers(schema)]));
}
