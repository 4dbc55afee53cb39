import { changeOf, importOf, type Plan } from './plan.ts';

/** Writes repository.ts. */
export function writeRepository(plan: Plan): string {
  const { names, fields, hasEvents } = plan;
  const { type, many, plural, article, words } = names;
  const placeholders = fields.map(({ name }) => `${name}: placeholder('${name}'),\n`);
  const changes = fields.map(({ name, type: kind, isNullable }) => {
    // In an expression a placeholder needs the column that converts its value.
    const isConverted = kind === 'boolean' || kind === 'instant';
    const given = isConverted
      ? `sql.param(placeholder('${name}'), ${many}.${name})`
      : `placeholder('${name}')`;
    if (!isNullable) return `${name}: sql\`coalesce(\${${given}}, \${${many}.${name}})\`,\n`;
    const flag = changeOf({ name });
    return `// Null is a valid ${name}, so \`${flag}\` says whether the ${name} changes.
${name}: sql\`CASE WHEN \${placeholder('${flag}')} = 1 THEN \${${given}} ELSE \${${many}.${name}} END\`,\n`;
  });
  const hasRequired = fields.some(({ isNullable }) => !isNullable);
  return `${importOf(['type Database', 'eq', 'prepareList', 'sql'], '#framework/database')}${importOf([hasEvents && `type Emit${type}Event`, ...['', 'Create', 'Update'].map((end) => `type ${type}${end}`), `${type}Query`], './schemas.ts')}${importOf([many], './tables.ts')}
export type ${type}Repository = ReturnType<typeof create${type}Repository>;

const { placeholder } = sql;

${describe(`Creates the queries for ${plural}. Queries for ${article} by id resolve with undefined if the ${words} does not exist.${hasEvents ? ' Each change emits its event in the same write.' : ''}`)}
export function create${type}Repository(database: Database${hasEvents ? `, emit: Emit${type}Event` : ''}) {
  const { orm, prepare${hasEvents ? ', write' : ''} } = database;
  const byId = eq(${many}.id, placeholder('id'));
  const selectAll = () => orm.select().from(${many});

  const select = prepare(selectAll().where(byId));
  const insert = prepare(
    orm
      .insert(${many})
      .values({
${placeholders.join('')}})
      .returning({ id: ${many}.id }),
  );
  const change = prepare(
    orm
      .update(${many})
      .set({
${changes.join('')}})
      .where(byId)
      .returning(),
  );
  const remove = prepare(orm.delete(${many}).where(byId));

  return {
    find: (id: number) => select.get({ id }),
    list: prepareList(database, ${many}, ${type}Query, selectAll),
    ${writeCreate(plan)}
    ${writeUpdate(plan)}
    ${writeRemove(plan)}
  };
}
${hasRequired ? '\ntype Nullable<Fields> = { [Name in keyof Fields]: Fields[Name] | null };\n' : ''}`;
}

/** Writes a doc comment of one line, or of lines with at most 120 characters. */
function describe(text: string): string {
  if (text.length <= 110) return `/** ${text} */`;
  const lines = text.match(/.{1,117}(?:\s|$)/g) ?? [];
  return `/**\n${lines.map((line) => ` * ${line.trim()}\n`).join('')} */`;
}

function writeCreate({ names, fields, hasEvents }: Plan): string {
  const { name, type, one } = names;
  const list = fields.map((field) => field.name).join(', ');
  if (!hasEvents)
    return `async create({ ${list} }: ${type}Create): Promise<${type}> {
      return { ...(await insert.get({ ${list} })), ${list} };
    },`;
  return `create({ ${list} }: ${type}Create): Promise<${type}> {
      return write(async () => {
        const { id } = await insert.get({ ${list} });
        const ${one} = { ${list}, id };
        await emit('${name}.created', { subject: id, data: ${one} });
        return ${one};
      });
    },`;
}

function writeUpdate({ names, fields, hasEvents }: Plan): string {
  const { name, type, one } = names;
  const given = fields.map((field) => (field.isNullable ? field.name : `${field.name} = null`));
  const values = [
    'id',
    ...fields.filter(({ isNullable }) => !isNullable).map((field) => field.name),
    ...fields
      .filter(({ isNullable }) => isNullable)
      .map(
        (field) =>
          `${changeOf(field)}: ${field.name} === undefined ? 0 : 1, ${field.name}: ${field.name} ?? null`,
      ),
  ];
  const isAllNullable = fields.every(({ isNullable }) => isNullable);
  const update = isAllNullable ? `${type}Update` : `Nullable<${type}Update>`;
  const run = hasEvents
    ? `write(async () => {
        const ${one} = await change.get(values);
        if (${one} !== undefined) await emit('${name}.updated', { subject: ${one}.id, data: ${one} });
        return ${one};
      })`
    : 'change.get(values)';
  return `update(id: number, { ${given.join(', ')} }: ${update}): Promise<${type} | undefined> {
      const values = { ${values.join(', ')} };
      return ${run};
    },`;
}

function writeRemove({ names, hasEvents }: Plan): string {
  const { name, words } = names;
  const comment = `/** Resolves with whether the ${words} existed. */`;
  if (!hasEvents) return `${comment}\nremove: async (id: number) => (await remove.run({ id })).changes > 0,`;
  return `${comment}
    remove: (id: number) =>
      write(async () => {
        const isRemoved = (await remove.run({ id })).changes > 0;
        if (isRemoved) await emit('${name}.deleted', { subject: id, data: { id } });
        return isRemoved;
      }),`;
}
