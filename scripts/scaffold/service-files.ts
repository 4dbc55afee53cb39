/** Writes the files of a new service: each function returns the text of a file, before it is formatted. */
import type { Field } from './fields.ts';
import type { ListFields } from './lists.ts';
import { capitalize } from './names.ts';
import type { PeerContract } from './peers.ts';
import { importOf, type Plan } from './plan.ts';
import { writeRepository } from './repository-file.ts';
import { writeRoutes } from './routes-file.ts';
import { writeSchemas } from './schemas-file.ts';
import { writeTest } from './test-file.ts';

/** Returns the content of each file by its path in the project. The migrations are not among them. */
export function writeServiceFiles(plan: Plan, testedWith: readonly string[]): Map<string, string> {
  const { name } = plan.names;
  const folder = `src/services/${name}`;
  return new Map([
    [`${folder}/index.ts`, writeIndex(plan)],
    [`${folder}/schemas.ts`, writeSchemas(plan)],
    [`${folder}/tables.ts`, writeTables(plan)],
    [`${folder}/repository.ts`, writeRepository(plan)],
    [`${folder}/routes.ts`, writeRoutes(plan)],
    [`${folder}/errors.ts`, writeErrors(plan)],
    ...plan.peers.map((peer): [string, string] => [
      `${folder}/${peer.names.name}-client.ts`,
      writeClient(plan, peer),
    ]),
    [`test/services/${name}/${name}.test.ts`, writeTest(plan, testedWith)],
  ]);
}

function writeIndex({ names, peers, hasEvents, isSecured }: Plan): string {
  const { name, type, one, plural } = names;
  const clients = peers.map(({ names: { type: peer, name: folder } }) =>
    importOf([`create${peer}Client`], `./${folder}-client.ts`),
  );
  const context = ['database', hasEvents && 'emit', peers.length > 0 && 'peers'].filter(
    (part) => part !== false,
  );
  const parts = [
    `create${type}Repository(database${hasEvents ? ', emit' : ''})`,
    ...peers.map(({ names: peer }) => `create${peer.type}Client(peers${toMember(peer.name)})`),
  ];
  const reads = hasEvents ? `${plural} and their events` : plural;
  const scopes = `scopes: { '${name}:read': 'Read ${reads}', '${name}:write': 'Create, change and delete ${plural}' },`;
  return `${importOf(['defineService'], '#framework')}${clients.join('')}${importOf([`create${type}Repository`], './repository.ts')}${importOf(['addRoutes'], './routes.ts')}${importOf([type, `${type}Create`, `${type}Update`, hasEvents && `${one}Events`], './schemas.ts')}
export default defineService({
  name: '${name}',
  description: '${capitalize(plural)}.',
  ${peers.length > 0 ? `peers: [${peers.map(({ names: peer }) => `'${peer.name}'`).join(', ')}],` : ''}
  ${isSecured ? scopes : ''}
  schemas: [${type}, ${type}Create, ${type}Update],
  ${hasEvents ? `events: ${one}Events,` : ''}
  migrations: new URL('./migrations/', import.meta.url),
  routes: (app, { ${context.join(', ')} }) => addRoutes(app, ${parts.join(', ')}),
});
`.replace(/^ +\n/gm, '');
}

function toMember(name: string): string {
  return /^\w+$/.test(name) ? `.${name}` : `['${name}']`;
}

function writeTables({ names, fields, lists }: Plan): string {
  const columns = fields.map((field) => {
    const [kind, options] = columnOf(field);
    return { kind, text: `  ${field.name}: ${kind}(${options})${field.isNullable ? '' : '.notNull()'},\n` };
  });
  const kinds = [
    ...new Set([
      'id',
      'sqliteTable',
      ...(lists.sort.length > 0 ? ['index'] : []),
      ...columns.map(({ kind }) => kind),
    ]),
  ];
  return `${importOf(kinds, '#framework/database')}
export const ${names.many} = sqliteTable('${names.table}', {
  id: id(),
${columns.map(({ text }) => text).join('')}}${writeIndexes(names.table, lists)});
`;
}

/** The builder of the column of a field, and its options. */
function columnOf(field: Field): [kind: string, options: string] {
  if (field.type === 'enum')
    return ['text', `{ enum: [${field.values.map((value) => `'${value}'`).join(', ')}] }`];
  if (field.type === 'boolean') return ['integer', "{ mode: 'boolean' }"];
  if (field.type === 'instant') return ['instant', ''];
  if (field.type === 'number') return ['real', ''];
  return [field.type === 'string' ? 'text' : 'integer', ''];
}

/** Writes an index for each order of the list: without it, each page would read the whole table. */
function writeIndexes(table: string, { sort }: ListFields): string {
  if (sort.length === 0) return '';
  const indexes = sort.map(({ name }) => `index('${table}_by_${name}').on(table.${name}, table.id),\n`);
  return `, (table) => [\n${indexes.join('')}]`;
}

function writeErrors({ names, peers }: Plan): string {
  const problems = [names, ...peers.map((peer) => peer.names)].map(
    ({ one, name, words }) =>
      `export const ${one}NotFound = defineProblem(404, '${name}-not-found', '${capitalize(words)} not found');\n`,
  );
  return `${importOf(['defineProblem'], '#framework')}\n${problems.join('')}`;
}

function writeClient({ names }: Plan, { names: peer, list }: PeerContract): string {
  return `${importOf(['type Peer'], '#framework')}
export type ${peer.type}Client = ReturnType<typeof create${peer.type}Client>;

/** Creates the operations of the ${peer.words} service that the ${names.words} service uses. */
export function create${peer.type}Client({ ${list} }: Peer<'${peer.name}'>) {
  return { find: ${list}.batchBy('ids') };
}
`;
}
