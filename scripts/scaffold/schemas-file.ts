import type { Field } from './fields.ts';
import { constantOf, exampleOf, importOf, literal, type Plan } from './plan.ts';

/** Writes schemas.ts. */
export function writeSchemas({ names, fields, lists, hasEvents }: Plan): string {
  const { name, type, table, one } = names;
  const constants = fields.flatMap((field) => {
    const schema = schemaOf(field);
    return isShared(schema) ? [] : [`const ${constantOf(field, names)} = ${schema};\n`];
  });
  const refer = (field: Field) => (isShared(schemaOf(field)) ? schemaOf(field) : constantOf(field, names));
  const properties = fields.map((field) => `${field.name}: ${refer(field)}`);
  const given = fields.map((field) => {
    const { fallback } = field;
    if (fallback === undefined) return `${field.name}: ${refer(field)}`;
    return `${field.name}: defaulted({ ...${refer(field)}, default: ${literal(fallback)} })`;
  });
  const text = constants.join('');
  const imported = [
    fields.some(({ fallback }) => fallback !== undefined) && 'defaulted',
    hasEvents && 'type Emit',
    'Id',
    fields.some(({ type }) => type === 'instant') && 'Instant',
    'listQuery',
    /\bnullable\(/.test(text) && 'nullable',
    /\btext\(/.test(text) && 'text',
  ];
  const events = `/** The schema of the data of each event. */
export const ${one}Events = {
  '${name}.created': ${type},
  '${name}.updated': ${type},
  '${name}.deleted': Type.Object({ id: Id }),
};
export type Emit${type}Event = Emit<typeof ${one}Events>;
\n`;
  return `${importOf(['type Static', 'Type'], '@sinclair/typebox')}${importOf(imported, '#framework')}
${text}${text === '' ? '' : '\n'}export const ${type}Id = Type.Object({ ${table}_id: Id });

export const ${type} = Type.Object(
  {
${[...properties, 'id: Id'].join(',\n')}
  },
  { $id: '${type}' },
);
export type ${type} = Static<typeof ${type}>;

${hasEvents ? events : ''}export const ${type}Create = Type.Object({\n${given.join(',\n')}\n}, { $id: '${type}Create' });
export type ${type}Create = Static<typeof ${type}Create>;

export const ${type}Update = Type.Partial(
  Type.Object({ ${properties.join(', ')} }),
  { $id: '${type}Update' },
);
export type ${type}Update = Static<typeof ${type}Update>;

export const ${type}Query = listQuery(${type}, {
  ${listOf('filter', lists.filter)}${listOf('sort', lists.sort)}// The size of a batched call. A URL with 300 long ids has 6,400 characters; \`limits.url\` allows 8,192.
  ids: 300,
});
`;
}

/** Whether a schema is one of the framework, which needs no constant. */
function isShared(schema: string): boolean {
  return schema === 'Id' || schema === 'Instant';
}

/** The line of the fields that a list can be filtered or sorted by. */
function listOf(option: string, fields: readonly Field[]): string {
  return fields.length === 0 ? '' : `${option}: [${fields.map(({ name }) => literal(name)).join(', ')}],\n  `;
}

/** The schema of a field as it is stored. */
function schemaOf(field: Field): string {
  const examples = `examples: [${literal(exampleOf(field))}]`;
  const wrap = (schema: string) => (field.isNullable ? `nullable(${schema})` : schema);
  if (field.type === 'reference') return wrap('Id');
  if (field.type === 'instant') return wrap('Instant');
  if (field.type === 'boolean') return wrap(`Type.Boolean({ ${examples} })`);
  if (field.type === 'number') {
    const isRanged = field.max < Number.MAX_VALUE || field.min > -Number.MAX_VALUE;
    const range = isRanged ? `minimum: ${field.min}, maximum: ${field.max}, ` : '';
    return wrap(`Type.Number({ ${range}${examples} })`);
  }
  if (field.type === 'string')
    return wrap(`text({ minLength: ${field.min}, maxLength: ${field.max}, ${examples} })`);
  if (field.type === 'integer')
    return wrap(`Type.Integer({ minimum: ${field.min}, maximum: ${field.max}, ${examples} })`);
  const values = field.values.map((value) => literal(value));
  const [types, list, type] = field.isNullable
    ? [[...values, 'null'], [...values, 'null'], "['string', 'null']"]
    : [values, values, "'string'"];
  return `Type.Unsafe<${types.join(' | ')}>({ type: ${type}, enum: [${list.join(', ')}], ${examples} })`;
}
