import { type Alternative, listOf, mapOf } from './alternatives.ts';
import { type Direction, type Finding, rejectKeyword, rejectPresence } from './findings.ts';
import { compareCount, tightest } from './scalars.ts';
import { type Schema, type SchemaObject, Uncomparable } from './schema-document.ts';

/** Compares the values that match all `sent` schemas with the `accepted` schema, at a location. */
export type CompareChild = (location: string, sent: readonly Schema[], accepted: Schema) => Finding[];

/** Finds arrays that match an alternative and that `accepted` does not accept. */
export function compareArray(
  direction: Direction,
  location: string,
  { nodes }: Alternative,
  accepted: SchemaObject,
  compareChild: CompareChild,
): Finding[] {
  const sent = nodes.map(readItems);
  const { prefix, rest } = readItems(accepted);
  const known = Math.max(0, ...sent.map((items) => items.prefix.length));
  const max = Math.min(
    tightest(nodes, 'maxItems', 'max') ?? Number.POSITIVE_INFINITY,
    ...sent.filter((items) => items.rest === false).map((items) => items.prefix.length),
  );
  const findings: Finding[] = [];
  const at = (index: number) => sent.map((items) => items.prefix[index] ?? items.rest);
  for (let index = 0; index < Math.min(max, Math.max(known, prefix.length)); index += 1) {
    findings.push(...compareChild(`${location}[${index}]`, at(index), prefix[index] ?? rest));
  }
  if (max > Math.max(known, prefix.length)) {
    findings.push(...compareChild(`${location}[]`, at(Number.POSITIVE_INFINITY), rest));
  }
  const min = tightest(nodes, 'minItems', 'min');
  findings.push(...compareCount(direction, location, accepted, 'minItems', min));
  findings.push(...compareCount(direction, location, accepted, 'maxItems', max));
  const isUnique = nodes.some(({ uniqueItems }) => uniqueItems === true) || max <= 1;
  if (accepted.uniqueItems === true && !isUnique) {
    findings.push(rejectKeyword(direction, location, 'uniqueItems', undefined, true));
  }
  return findings;
}

/** Reads the items of an array in the form of draft 2020-12, or of draft 7, which TypeBox 0.34 writes for a tuple. */
function readItems(node: SchemaObject): { readonly prefix: readonly Schema[]; readonly rest: Schema } {
  const { items, prefixItems, additionalItems } = node;
  if (Array.isArray(items)) return { prefix: items, rest: (additionalItems as Schema | undefined) ?? true };
  return { prefix: listOf(prefixItems), rest: (items as Schema | undefined) ?? true };
}

/** Finds objects that match an alternative and that `accepted` does not accept. */
export function compareObject(
  direction: Direction,
  location: string,
  { nodes }: Alternative,
  accepted: SchemaObject,
  compareChild: CompareChild,
): Finding[] {
  const sent = describeSent(nodes, direction);
  const names = new Set(sent.flatMap((node) => Object.keys(mapOf(node.properties))));
  const required = new Set(nodes.flatMap((node) => listOf<string>(node.required)));
  const promised = mapOf(accepted.properties);
  const patterns = mapOf(accepted.patternProperties);
  const rest = accepted.additionalProperties as Schema | undefined;
  const findings: Finding[] = [];

  for (const name of listOf<string>(accepted.required).filter((one) => !required.has(one))) {
    const isGone = direction === 'response' && Object.hasOwn(promised, name) && !isDeclared(sent, name);
    const reason = direction === 'response' ? 'may now be missing' : 'is newly required';
    if (!isGone) findings.push({ location: `${location}.${name}`, reason });
  }
  for (const [name, schema] of Object.entries(promised)) {
    const own = propertySchemas(sent, name);
    if (isDeclared(sent, name)) findings.push(...compareChild(`${location}.${name}`, own, schema));
    // A missing optional property is a finding too, because callers may use every promised property.
    else if (direction === 'response') findings.push({ location: `${location}.${name}`, reason: 'is gone' });
  }
  for (const name of names) {
    const matching = Object.keys(patterns).filter((pattern) => matches(pattern, name));
    const isOther = !Object.hasOwn(promised, name) && matching.length === 0;
    const schemas = [...matching.map((pattern) => patterns[pattern]), ...(isOther ? [rest] : [])];
    for (const schema of schemas.filter((one) => one !== undefined)) {
      findings.push(...compareChild(`${location}.${name}`, propertySchemas(sent, name), schema));
    }
  }
  for (const [pattern, schema] of Object.entries(patterns)) {
    findings.push(...compareUndeclared(`${location}.*`, schema, (other) => other === pattern));
  }
  if (rest !== undefined && rest !== true) {
    findings.push(...compareUndeclared(`${location}.*`, rest, () => false, Object.keys(patterns)));
  }
  const min = Math.max(tightest(nodes, 'minProperties', 'min') ?? 0, required.size);
  const max = Math.min(
    tightest(nodes, 'maxProperties', 'max') ?? Number.POSITIVE_INFINITY,
    undeclaredOf(sent, direction).length === 0 ? names.size : Number.POSITIVE_INFINITY,
  );
  findings.push(...compareCount(direction, location, accepted, 'minProperties', min));
  findings.push(...compareCount(direction, location, accepted, 'maxProperties', max));
  return findings;

  /** Compares the properties that are sent and that no `properties` of the sender declare. */
  function compareUndeclared(
    where: string,
    schema: Schema,
    isCertain: (pattern: string) => boolean,
    passed: readonly string[] = [],
  ): Finding[] {
    const sources = undeclaredOf(sent, direction);
    if (sources.length === 0) return [];
    // The value matches every node, so a proof from one node is enough. All schemas of that node must prove it.
    const attempts = sources.map(({ byPattern, other }) => {
      const certain = byPattern.filter(([pattern]) => isCertain(pattern));
      const possible =
        certain.length > 0 ? certain : byPattern.filter(([pattern]) => !passed.includes(pattern));
      const schemas = possible.map(([, one]) => one);
      if (certain.length === 0 && other !== false) schemas.push(other);
      return schemas.flatMap((one) => compareChild(where, [one], schema));
    });
    return attempts.sort((one, other) => one.length - other.length)[0] ?? [];
  }
}

/**
 * Finds the properties that callers send and that no schema of the receiver names any more. The receiver ignores them,
 * so they lost their effect. `accepted` are all schemas of the receiver for this object.
 */
export function findUnread(
  direction: Direction,
  location: string,
  { type, nodes }: Alternative,
  accepted: readonly SchemaObject[],
): Finding[] {
  if (direction !== 'input' || type !== 'object') return [];
  if (accepted.every((node) => Object.keys(mapOf(node.properties)).length === 0)) return [];
  const sent = describeSent(nodes, direction);
  const names = new Set(sent.flatMap((node) => Object.keys(mapOf(node.properties))));
  return [...names]
    .filter((name) => isDeclared(sent, name) && propertySchemas(accepted, name).length === 0)
    .map((name) => rejectPresence(direction, `${location}.${name}`));
}

/** Returns, for each node, the schemas of properties that no `properties` name. Empty if none are sent. */
function undeclaredOf(sent: readonly SchemaObject[], direction: Direction) {
  const sources = sent.map((node) => ({
    byPattern: Object.entries(mapOf(node.patternProperties)),
    other: node.additionalProperties as Schema | undefined,
  }));
  const isOpen = sources.some(
    ({ byPattern, other }) => byPattern.length > 0 || (other !== undefined && other !== false),
  );
  // A caller sends no property that its contract does not name, but a peer may.
  const isClosed = sources.some(({ byPattern, other }) => byPattern.length === 0 && other === false);
  if (isClosed || (direction === 'input' && !isOpen)) return [];
  if (sources.length === 0) return [{ byPattern: [], other: true }];
  return sources.map(({ byPattern, other }) => ({
    byPattern,
    other: other ?? (direction === 'response' || byPattern.length === 0),
  }));
}

/** Returns the schemas that constrain properties. An input without constraints lets callers send any property. */
function describeSent(nodes: readonly SchemaObject[], direction: Direction): readonly SchemaObject[] {
  const keywords = ['properties', 'patternProperties', 'additionalProperties'];
  const describing = nodes.filter((node) => keywords.some((key) => node[key] !== undefined));
  return describing.length > 0 || direction === 'response' ? describing : [{ additionalProperties: true }];
}

/** Whether these schemas name a property and none of them forbids it. */
function isDeclared(nodes: readonly SchemaObject[], name: string): boolean {
  const schemas = propertySchemas(nodes, name);
  return schemas.length > 0 && !schemas.includes(false);
}

/** Returns the schemas of a property. */
export function propertySchemas(nodes: readonly SchemaObject[], name: string): Schema[] {
  return nodes.flatMap(({ properties, patternProperties, additionalProperties }) => {
    const own = Object.hasOwn(mapOf(properties), name) ? [mapOf(properties)[name] as Schema] : [];
    for (const [pattern, schema] of Object.entries(mapOf(patternProperties))) {
      if (matches(pattern, name)) own.push(schema);
    }
    return own.length > 0 || additionalProperties === undefined ? own : [additionalProperties as Schema];
  });
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(name);
  } catch {
    throw new Uncomparable(`the pattern ${pattern} is not valid`);
  }
}
