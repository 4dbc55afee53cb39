import type { Field, Value } from './fields.ts';
import { capitalize } from './names.ts';
import { exampleOf, literal, type Plan, variableOf } from './plan.ts';

/** Writes the test of a service. @param testedWith its peers and their peers. */
export function writeTest(plan: Plan, testedWith: readonly string[]): string {
  const { names, fields, lists, fixtures, hasEvents } = plan;
  const { name, resource, words, plural, article } = names;
  const services = [...testedWith, name];
  const imports = services.map((one) => importService(one));
  const path = `/${name}/${resource}/`;
  const required = fields.filter(({ fallback }) => fallback === undefined);
  const pairs = required.map((field) => `${field.name}: ${literal(exampleOf(field))}`);
  const defaults = fields.filter(({ fallback }) => fallback !== undefined);
  const stored = defaults.map(({ name, fallback }) => `${name}: ${literal(fallback ?? null)}`);
  const creations = fixtures.map(
    ({ path: to, body }) => `  await app.post('${to}', ${JSON.stringify(body)});\n`,
  );
  return `import { expect, type TestContext, test } from 'vitest';
import { createTestApp } from '#framework/testing';
${imports.join('')}
const path = '${path}';
/** A body with the fields that a client must send. */
const given = { ${pairs.join(', ')} };
/** The first ${words} of a database. */
const first = { ${['...given', ...stored, 'id: 1'].join(', ')} };

async function start(t: TestContext) {
  const app = await createTestApp(t, { services: [${services.map(variableOf).join(', ')}] });
${creations.join('')}  return app;
}

test('${article} is created with its defaults, and can be read', async (t) => {
  const app = await start(t);
  expect(await app.post(path, given)).toMatchObject({ status: 200, body: first });
  expect(await app.get(\`\${path}1\`)).toMatchObject({ status: 200, body: first });
});

test('a list is a page of all ${plural}, or has the ${plural} with the given ids', async (t) => {
  const app = await start(t);
  for (let count = 0; count < 3; count += 1) await app.post(path, given);
  const list = async (query: string) =>
    ((await app.get(\`\${path}\${query}\`)).body as { id: number }[]).map(({ id }) => id);
  expect(await list('')).toEqual([1, 2, 3]);
  expect(await list('?limit=1&offset=1')).toEqual([2]);
  expect(await list('?ids=3&ids=9&ids=1')).toEqual([1, 3]);
${lists.filter.map(expectFiltered).join('')}});

${writePagesTest(plan)}
${writeUpdateTest(plan)}
test('a deleted ${words} is gone, and its id is never used again', async (t) => {
  const app = await start(t);
  await app.post(path, given);
  expect(await app.delete(\`\${path}1\`)).toMatchObject({ status: 200, body: { ok: true } });
  expect(await app.get(\`\${path}1\`)).toMatchObject({ status: 404, body: { detail: '${capitalize(words)} not found' } });
  expect((await app.patch(\`\${path}1\`, {})).status).toBe(404);
  expect((await app.delete(\`\${path}1\`)).status).toBe(404);
  expect((await app.post(path, given)).body.id).toBe(2);
});

${writeInvalidTest(fields)}${writeReferenceTests(plan)}${hasEvents ? writeEventTest(plan) : ''}`;
}

/** Expects all items with the value that they have, and none with another one. */
function expectFiltered(field: Field): string {
  const { name, fallback } = field;
  const value = fallback === undefined ? exampleOf(field) : (fallback ?? exampleOf(field));
  const ids = fallback === null ? '' : '1, 2, 3';
  return `  expect(await list(\`?${name}=\${encodeURIComponent(${literal(value)})}\`)).toEqual([${ids}]);\n`;
}

function writePagesTest({ lists }: Plan): string {
  const orders = ['id', ...lists.sort.map(({ name }) => name)].flatMap((name) => [name, `-${name}`]);
  return `test.for([${orders.map((order) => literal(order)).join(', ')}])('the pages of a list sorted by %s link to each other', async (sort, t) => {
  const app = await start(t);
  for (let count = 0; count < 3; count += 1) await app.post(path, given);
  const ids: number[] = [];
  let next: string | undefined = \`\${path}?limit=2&sort=\${sort}\`;
  while (next !== undefined) {
    const page = await app.get(next);
    ids.push(...(page.body as { id: number }[]).map(({ id }) => id));
    [, next] = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '') ?? [];
  }
  // All fields are equal, so the ids decide.
  expect(ids).toEqual(sort.startsWith('-') ? [3, 2, 1] : [1, 2, 3]);
});

`;
}

function importService(name: string): string {
  return `import ${variableOf(name)} from '../../../src/services/${name}/index.ts';\n`;
}

/** Another valid value of a field, or undefined if there is none that a test can be sure of. */
function anotherValue(field: Field): Value | undefined {
  if (field.type === 'reference') return undefined;
  const value = exampleOf(field);
  if (field.type === 'boolean') return !value;
  if (field.type === 'instant') return '1999-12-31T23:59:59.999999Z';
  if (field.type === 'enum') return field.values.find((other) => other !== value);
  if (field.type === 'number') return [field.min, field.max].find((other) => other !== value);
  if (typeof value === 'number')
    return value < field.max ? value + 1 : value > field.min ? value - 1 : undefined;
  const characters = [...String(value)];
  const last = characters.pop();
  return last === undefined ? undefined : `${characters.join('')}${last === 'X' ? 'Y' : 'X'}`;
}

function writeUpdateTest({ fields }: Plan): string {
  const changes = fields.flatMap((field) => {
    const value = anotherValue(field);
    return value === undefined ? [] : [`[{ ${field.name}: ${literal(value)} }]`];
  });
  const nulls = fields.filter(({ isNullable }) => isNullable).map(({ name }) => `[{ ${name}: null }]`);
  return `test.for([[{}], ${[...changes, ...nulls].join(', ')}])('an update with %j changes only that', async ([change], t) => {
  const app = await start(t);
  await app.post(path, given);
  const expected = { status: 200, body: { ...first, ...change } };
  expect(await app.patch(\`\${path}1\`, change)).toMatchObject(expected);
  expect(await app.get(\`\${path}1\`)).toMatchObject(expected);
});
`;
}

/** Writes the test of values that the schemas reject. */
function writeInvalidTest(fields: readonly Field[]): string {
  const invalid = fields.flatMap((field): [string, string][] => {
    const cases: string[] = [];
    if (field.type === 'string') cases.push('7', `'x'.repeat(${field.max + 1})`);
    if (field.type === 'string' && field.min > 0) cases.push(literal('x'.repeat(field.min - 1)));
    if (field.type === 'integer') cases.push(String(1.5));
    if (field.type === 'integer' || field.type === 'number') cases.push("'7'", ...beyond(field));
    if (field.type === 'boolean') cases.push("'true'", '1');
    // No such day, and no microseconds.
    if (field.type === 'instant') cases.push("'2023-02-29T00:00:00.000000Z'", "'2024-12-18T21:03:51Z'");
    if (field.type === 'enum') cases.push("'none of the enum!'");
    if (field.type === 'reference') cases.push('0');
    if (!field.isNullable) cases.push('null');
    return cases.map((value) => [field.name, value]);
  });
  const rows = invalid.map(([name, value]) => `['${name}', ${value}],\n`);
  return `test.for<[field: string, value: unknown]>([
${rows.join('')}])('%s: %j is rejected, and nothing is stored', async ([field, value], t) => {
  const app = await start(t);
  const { status, body } = await app.post(path, { ...given, [field]: value });
  expect([status, body.errors[0].pointer]).toEqual([422, \`/\${field}\`]);
  expect((await app.get(path)).body).toEqual([]);
});
`;
}

/** The numbers beside a range, if a number holds them exactly. */
function beyond({ min, max }: { readonly min: number; readonly max: number }): string[] {
  return [min - 1, max + 1].filter((value) => Math.abs(value) <= Number.MAX_SAFE_INTEGER).map(String);
}

/** Writes a test for each reference: the item that it refers to must exist. */
function writeReferenceTests({ fields, names, peers }: Plan): string {
  return fields
    .map((field) => {
      if (field.type !== 'reference') return '';
      const peer = peers.find((one) => one.names.name === field.service);
      const detail = capitalize(`${peer?.names.words} not found`);
      const accepted = `
  const change = await app.patch(\`\${path}1\`, { ${field.name}: 1 });
  expect(change).toMatchObject({ status: 200, body: { ...first, ${field.name}: 1 } });`;
      return `
test('${names.article} whose ${field.name} does not exist is rejected, and nothing is stored', async (t) => {
  const app = await start(t);
  const missing = { status: 404, body: { detail: '${detail}' } };
  expect(await app.post(path, { ...given, ${field.name}: 99 })).toMatchObject(missing);
  expect((await app.get(path)).body).toEqual([]);
  await app.post(path, given);
  expect(await app.patch(\`\${path}1\`, { ${field.name}: 99 })).toMatchObject(missing);
  expect((await app.get(\`\${path}1\`)).body).toEqual(first);${peer?.create === undefined ? '' : accepted}
});
`;
    })
    .join('');
}

function writeEventTest({ names }: Plan): string {
  const { name, article } = names;
  return `
test('each change of ${article} emits its event', async (t) => {
  const app = await start(t);
  await app.post(path, given);
  await app.patch(\`\${path}1\`, {});
  await app.delete(\`\${path}1\`);
  expect((await app.get('/${name}/events')).body).toMatchObject([
    { type: '${name}.created', subject: '1', data: first },
    { type: '${name}.updated', subject: '1', data: first },
    { type: '${name}.deleted', subject: '1', data: { id: 1 } },
  ]);
});
`;
}
