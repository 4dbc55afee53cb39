import { type Alternative, listOf, mapOf } from './alternatives.ts';
import { type Direction, type Finding, rejectKeyword, rejectPresence } from './findings.ts';
import { compareCount, tightest } from './scalars.ts';
import { type Schema, type SchemaObject, Uncomparable } from './schema-document.ts';

/** Compares what is sent in one place, all of these schemas holding, with what is accepted there. */
export type CompareChild = (place: string, sent: readonly Schema[], accepted: Schema) => Finding[];

/** Returns the arrays that an alternative may send and a schema does not accept. */
export function compareArray(
  direction: Direction,
  place: string,
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
    findings.push(...compareChild(`${place}[${index}]`, at(index), prefix[index] ?? rest));
  }
  if (max > Math.max(known, prefix.length)) {
    findings.push(...compareChild(`${place}[]`, at(Number.POSITIVE_INFINITY), rest));
  }
  const least = tightest(nodes, 'minItems', 'min');
  const most = Number.isFinite(max) ? max : undefined;
  findings.push(...compareCount(direction, place, accepted, 'minItems', least));
  findings.push(...compareCount(direction, place, accepted, 'maxItems', most));
  const isUnique = nodes.some(({ uniqueItems }) => uniqueItems === true) || max <= 1;
  if (accepted.uniqueItems === true && !isUnique) {
    findings.push(rejectKeyword(direction, place, 'uniqueItems', undefined, true));
  }
  return findings;
}

/** The items of an array: as draft 2020-12 has them, or as draft 7, which TypeBox still writes for a tuple. */
function readItems(node: SchemaObject): { readonly prefix: readonly Schema[]; readonly rest: Schema } {
  const { items, prefixItems, additionalItems } = node;
  if (Array.isArray(items)) return { prefix: items, rest: (additionalItems as Schema | undefined) ?? true };
  return { prefix: listOf(prefixItems), rest: (items as Schema | undefined) ?? true };
}

/** Returns the objects that an alternative may send and a schema does not accept. */
export function compareObject(
  direction: Direction,
  place: string,
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
    if (!isGone) findings.push({ place: `${place}.${name}`, reason });
  }
  for (const [name, schema] of Object.entries(promised)) {
    const own = propertySchemas(sent, name);
    if (isDeclared(sent, name)) findings.push(...compareChild(`${place}.${name}`, own, schema));
    // Callers use what was promised, also where it was not promised to be there always.
    else if (direction === 'response') findings.push({ place: `${place}.${name}`, reason: 'is gone' });
  }
  for (const name of names) {
    const matching = Object.keys(patterns).filter((pattern) => matches(pattern, name));
    const isOther = !Object.hasOwn(promised, name) && matching.length === 0;
    const schemas = [...matching.map((pattern) => patterns[pattern]), ...(isOther ? [rest] : [])];
    for (const schema of schemas.filter((one) => one !== undefined)) {
      findings.push(...compareChild(`${place}.${name}`, propertySchemas(sent, name), schema));
    }
  }
  for (const [pattern, schema] of Object.entries(patterns)) {
    findings.push(...compareOthers(`${place}.*`, schema, (other) => other === pattern));
  }
  if (rest !== undefined && rest !== true) {
    findings.push(...compareOthers(`${place}.*`, rest, () => false, Object.keys(patterns)));
  }
  const fewest = Math.max(tightest(nodes, 'minProperties', 'min') ?? 0, required.size);
  const most = Math.min(
    tightest(nodes, 'maxProperties', 'max') ?? Number.POSITIVE_INFINITY,
    othersOf(sent, direction).length === 0 ? names.size : Number.POSITIVE_INFINITY,
  );
  findings.push(...compareCount(direction, place, accepted, 'minProperties', fewest));
  const bound = Number.isFinite(most) ? most : undefined;
  findings.push(...compareCount(direction, place, accepted, 'maxProperties', bound));
  return findings;

  /** Compares the properties that are sent under names that no schema of theirs declares. */
  function compareOthers(
    where: string,
    schema: Schema,
    isCertain: (pattern: string) => boolean,
    passed: readonly string[] = [],
  ): Finding[] {
    const sources = othersOf(sent, direction);
    if (sources.length === 0) return [];
    // Each node holds, so one that proves it is enough; in it, whatever may apply must prove it.
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
 * Finds the properties that we send and that no schema of the receiver names any longer. It ignores them, so they
 * no longer do what they did. `accepted` are all of its schemas of this object.
 */
export function findUnread(
  direction: Direction,
  place: string,
  { type, nodes }: Alternative,
  accepted: readonly SchemaObject[],
): Finding[] {
  if (direction !== 'input' || type !== 'object') return [];
  if (accepted.every((node) => Object.keys(mapOf(node.properties)).length === 0)) return [];
  const sent = describeSent(nodes, direction);
  const names = new Set(sent.flatMap((node) => Object.keys(mapOf(node.properties))));
  return [...names]
    .filter((name) => isDeclared(sent, name) && propertySchemas(accepted, name).length === 0)
    .map((name) => rejectPresence(direction, `${place}.${name}`));
}

/** By node: which schemas hold of a property that no `properties` name; none where no such property is sent. */
function othersOf(sent: readonly SchemaObject[], direction: Direction) {
  const sources = sent.map((node) => ({
    byPattern: Object.entries(mapOf(node.patternProperties)),
    other: node.additionalProperties as Schema | undefined,
  }));
  const isOpen = sources.some(
    ({ byPattern, other }) => byPattern.length > 0 || (other !== undefined && other !== false),
  );
  // We send no property that our contract does not name; a peer may.
  const isClosed = sources.some(({ byPattern, other }) => byPattern.length === 0 && other === false);
  if (isClosed || (direction === 'input' && !isOpen)) return [];
  if (sources.length === 0) return [{ byPattern: [], other: true }];
  return sources.map(({ byPattern, other }) => ({
    byPattern,
    other: other ?? (direction === 'response' || byPattern.length === 0),
  }));
}

/** The schemas that say something of properties. An input that says nothing of them lets us send any. */
function describeSent(nodes: readonly SchemaObject[], direction: Direction): readonly SchemaObject[] {
  const keywords = ['properties', 'patternProperties', 'additionalProperties'];
  const describing = nodes.filter((node) => keywords.some((key) => node[key] !== undefined));
  return describing.length > 0 || direction === 'response' ? describing : [{ additionalProperties: true }];
}

/** Whether one of these schemas lets a property be there by a word of its own. */
function isDeclared(nodes: readonly SchemaObject[], name: string): boolean {
  const own = nodes.flatMap((node) => propertySchemas([node], name));
  return own.length > 0 && !own.includes(false);
}

/** The schemas that hold of a property, by its name. */
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
