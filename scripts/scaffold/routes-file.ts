import { capitalize } from './names.ts';
import { importOf, type Plan } from './plan.ts';

/** Writes routes.ts. */
export function writeRoutes(plan: Plan): string {
  const { names, peers } = plan;
  const { type, types, many, words, plural, article, resource, table, one } = names;
  const hasPeers = peers.length > 0;
  const problems = peers.map(({ names: peer }) => `${peer.one}NotFound`);
  const errors = `[${problems.join(', ')}, ...peerProblems]`;
  const imported = ['found', 'OkResponse', 'ok', hasPeers && 'peerProblems', 'ref', 'type ServiceScope'];
  const clients = peers.map(({ names: peer }) =>
    importOf([`type ${peer.type}Client`], `./${peer.name}-client.ts`),
  );
  const parameters = [
    'app: ServiceScope',
    `${many}: ${type}Repository`,
    ...peers.map(({ names: peer }) => `${peer.many}: ${peer.type}Client`),
  ];
  const create = hasPeers
    ? `async ({ body }) => {
      await checkPeers(body);
      return ${many}.create(body);
    }`
    : `({ body }) => ${many}.create(body)`;
  const find = `found(await ${many}.update(params.${table}_id, body), ${one}NotFound)`;
  const update = hasPeers ? `{\n    await checkPeers(body);\n    return ${find};\n  }` : find;
  const path = `/${resource}/:${table}_id`;
  return `${importOf(['Type'], '@sinclair/typebox')}${importOf(imported, '#framework')}${importOf([...problems, `${one}NotFound`], './errors.ts')}${clients.join('')}${importOf([`type ${type}Repository`], './repository.ts')}${importOf(
    ['', 'Create', 'Id', 'Query', 'Update'].map((end) => type + end),
    './schemas.ts',
  )}
export function addRoutes(${parameters.join(', ')}): void {
${hasPeers ? writeCheck(plan) : ''}  const created = { 200: ref(${type}, 'The new ${words}') };
  app.post(
    '/${resource}/',
    {
      schema: { operationId: 'create${type}', summary: 'Create ${article}', body: ref(${type}Create), response: created${hasPeers ? `, errors: ${errors}` : ''} },
    },
    ${create},
  );

  const summary = 'List ${plural}: a page of all ${plural}, or the ${plural} with the given ids';
  const list = { 200: Type.Array(ref(${type}), { description: '${capitalize(plural)}, in the order of \`sort\`' }) };
  app.get(
    '/${resource}/',
    { schema: { operationId: 'list${types}', summary, querystring: ${type}Query, response: list } },
    ({ query }) => ${many}.list(query),
  );

  const one${type} = {
    params: ${type}Id,
    response: { 200: ref(${type}, 'The ${words} as it is now') },
    errors: [${one}NotFound],
  };
  const the${type} = { ...one${type}, response: { 200: ref(${type}, 'The ${words}') } };
  app.get(
    '${path}',
    { schema: { operationId: 'read${type}', summary: 'Read ${article}', ...the${type} } },
    async ({ params }) => found(await ${many}.find(params.${table}_id), ${one}NotFound),
  );

  const change = {
    operationId: 'update${type}',
    summary: 'Change the given fields of ${article}',
    body: ref(${type}Update),
    ${hasPeers ? `errors: [${one}NotFound, ${errors.slice(1)},` : ''}
  };
  app.patch('${path}', { schema: { ...one${type}, ...change } }, async ({ params, body }) => ${update});

  const description = 'Its id is never used again.';
  const remove = { operationId: 'delete${type}', summary: 'Delete ${article}', description };
  app.delete(
    '${path}',
    { schema: { ...remove, ...one${type}, response: { 200: OkResponse } } },
    async ({ params }) => ok(await ${many}.remove(params.${table}_id), ${one}NotFound),
  );
}
`.replace(/^ +\n/gm, '');
}

/** Writes the lookup of the items that a body refers to. */
function writeCheck({ names, fields, peers }: Plan): string {
  const references = fields.filter((field) => field.type === 'reference');
  const checks = references.map(({ name, service }) => {
    const peer = peers.find((one) => one.names.name === service)?.names;
    return `    if (typeof ${name} === 'number') found((await ${peer?.many}.find([${name}])).get(${name}), ${peer?.one}NotFound);\n`;
  });
  const given = references.map(({ name }) => name).join(', ');
  return `  /** Throws if an item that a body refers to does not exist. Lookups at the same time share a call. */
  async function checkPeers({ ${given} }: ${names.type}Update): Promise<void> {
${checks.join('')}  }

`;
}
