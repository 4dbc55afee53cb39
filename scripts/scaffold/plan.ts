/** A service to write: its names, fields, peers and options, and the text of parts that several files share. */
import { Instant } from '../../src/framework/openapi/schema.ts';
import type { Field, Value } from './fields.ts';
import type { ListFields } from './lists.ts';
import { type Names, toCamelCase, toPascalCase } from './names.ts';
import type { Fixture, PeerContract } from './peers.ts';

export interface Plan {
  readonly names: Names;
  readonly fields: readonly Field[];
  readonly lists: ListFields;
  readonly peers: readonly PeerContract[];
  /** The requests that create, in an empty database, the item with the id 1 of each peer. */
  readonly fixtures: readonly Fixture[];
  readonly hasEvents: boolean;
  readonly isSecured: boolean;
}

/** A value of a field that its schema accepts. */
export function exampleOf(field: Field): Value {
  if (field.type === 'reference') return 1;
  if (field.type === 'boolean') return true;
  if (field.type === 'enum') return field.fallback ?? (field.values[0] as string);
  if (typeof field.fallback === 'string') return field.fallback;
  if (field.type === 'instant') return Instant.examples?.[0] as string;
  if (field.type === 'integer') return Math.min(Math.max(3, field.min), field.max);
  if (field.type === 'number') return Math.min(Math.max(2.5, field.min), field.max);
  const word = field.name.replaceAll('_', ' ');
  return word.repeat(Math.ceil(field.min / word.length) || 1).slice(0, field.max);
}

/** The name of the constant with the schema of a field. It must not hide an import or a schema of the service. */
export function constantOf({ name }: Field, { type }: Names): string {
  const constant = toPascalCase(name);
  const used = [
    ...['Type', 'Static', 'Emit', 'Id', 'Instant'],
    ...['', 'Id', 'Create', 'Update', 'Query'].map((end) => type + end),
  ];
  // A constant `Date` would hide the global one.
  return used.includes(constant) || constant in globalThis ? `${constant}Value` : constant;
}

/** The variable of a service in a test. It must not be a name that the test uses for something else. */
export function variableOf(name: string): string {
  const variable = toCamelCase(name);
  const used = ['expect', 'first', 'given', 'path', 'start', 't', 'test'];
  return used.includes(variable) ? `${variable}Service` : variable;
}

/** The variable of an update that says whether a field changes whose value may be null: `hasAge`. */
export function changeOf({ name }: Pick<Field, 'name'>): string {
  return `has${toPascalCase(name)}`;
}

/** A value in the source of a program. */
export function literal(value: Value | null): string {
  if (typeof value !== 'string') return String(value);
  return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/** An import, or nothing if it has no names. The formatter sorts the names. */
export function importOf(names: readonly (string | false)[], from: string): string {
  const some = names.filter((name) => name !== false);
  if (some.length === 0) return '';
  if (some.every((name) => name.startsWith('type ')))
    return `import type { ${some.map((name) => name.slice('type '.length)).join(', ')} } from '${from}';\n`;
  return `import { ${some.join(', ')} } from '${from}';\n`;
}
