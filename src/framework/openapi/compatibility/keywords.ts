import { isAnnotation, type SchemaObject } from './schema-document.ts';

/** Keywords that the comparison has rules for. */
const ruled = new Set([
  ...['$ref', 'allOf', 'anyOf', 'oneOf', 'not', 'type', 'nullable', 'const', 'enum'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'format'],
  ...['minLength', 'maxLength', 'pattern'],
  ...['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
  ...['properties', 'required', 'patternProperties', 'additionalProperties', 'unevaluatedProperties'],
  ...['minProperties', 'maxProperties'],
]);
/** Keywords that have a meaning only together. */
const groups = [
  ['if', 'then', 'else'],
  ['contains', 'minContains', 'maxContains'],
];

/** Lists the validating keywords of a schema without a rule, in groups that have a meaning only together. */
export function listUnruled(node: SchemaObject): ReadonlySet<readonly string[]> {
  const unruled = Object.keys(node).filter((key) => !ruled.has(key) && !isAnnotation(key));
  return new Set(unruled.map((key) => groups.find((group) => group.includes(key)) ?? [key]));
}
