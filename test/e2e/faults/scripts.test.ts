import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { expect, type TestContext, test, vi } from 'vitest';
import { services } from '#generated/services.ts';
import { makeFolder } from '../../support/app.ts';
import { copyProject, outcome, root, startProcess, writeConfig } from '../process/helper.ts';

/** The services with a database. */
const known = Object.keys(services).join(', ');

// Each test starts up to five processes, which is slow while the cores are busy.
vi.setConfig({ testTimeout: 180_000 });

const generate = (t: Parameters<typeof startProcess>[0], cwd: string, ...args: string[]) =>
  outcome(startProcess(t, process.execPath, ['scripts/generate.ts', ...args], { cwd }));
const migrate = (t: Parameters<typeof startProcess>[0], cwd: string, ...args: string[]) =>
  outcome(startProcess(t, process.execPath, ['scripts/migrate.ts', ...args], { cwd }));

test('generate --check passes on the committed files, and prints the difference of a stale file', async (t) => {
  const project = copyProject(t);
  expect(await generate(t, project, '--check')).toEqual({ code: 0, output: '' });

  const document = join(project, 'generated/pet/openapi.json');
  writeFileSync(document, readFileSync(document, 'utf8').replace('Create a pet', 'Make a pet'));
  const stale = await generate(t, project, '--check');
  expect(stale.code).toBe(1);
  expect(stale.output).toContain('generated/pet/openapi.json is stale');
  expect(stale.output).toMatch(/-.*Make a pet[\s\S]*\+.*Create a pet/);
  expect(readFileSync(document, 'utf8')).toContain('Make a pet');

  expect(await generate(t, project)).toEqual({ code: 0, output: 'generated/pet/openapi.json\n' });
  expect(await generate(t, project)).toEqual({ code: 0, output: '' });
});

test('generate --check fails on stale types and on a file that belongs to no service', async (t) => {
  const project = copyProject(t);
  appendFileSync(join(project, 'generated/api.d.ts'), '// more\n');
  const stale = await generate(t, project, '--check');
  expect(stale.code).toBe(1);
  expect(stale.output).toContain('generated/api.d.ts is stale');

  cpSync(join(root, 'generated/api.d.ts'), join(project, 'generated/api.d.ts'));
  cpSync(join(project, 'generated/pet'), join(project, 'generated/toy'), { recursive: true });
  expect(await generate(t, project, '--check')).toEqual({
    code: 1,
    output: `generated/toy/openapi.json belongs to no service\nRun "npm run generate", and commit what it writes.\n`,
  });
});

test('generate prints each change that breaks a service once, and the remedy', async (t) => {
  const project = copyProject(t);
  const schemas = join(project, 'src/services/pet/schemas.ts');
  const before = readFileSync(schemas, 'utf8').replace("filter: ['species', 'mood']", "filter: ['mood']");
  writeFileSync(schemas, before.replaceAll('species: ', 'kind: '));
  const { code, output } = await generate(t, project);
  expect(code).toBe(0);
  expect(output.split('\n').slice(-3)).toEqual([
    'user uses GET /pet/pets/: response[].species is gone',
    'Run ./run.sh check: it names each place to adapt.',
    '',
  ]);
  expect(await generate(t, project)).toEqual({ code: 0, output: '' });

  // Another example breaks nothing.
  writeFileSync(schemas, before.replaceAll('species: ', 'kind: ').replaceAll("'Rex'", "'Max'"));
  const harmless = await generate(t, project);
  expect(harmless.output).toContain('generated/pet/openapi.json');
  expect(harmless.output).not.toContain('user uses');
});

test('adding or removing a folder adds or removes a service, and no database file changes', async (t) => {
  const project = copyProject(t);
  const services = join(project, 'src/services');
  cpSync(join(services, 'pet'), join(services, 'plant'), { recursive: true });
  const index = join(services, 'plant/index.ts');
  writeFileSync(index, readFileSync(index, 'utf8').replace("name: 'pet'", "name: 'plant'"));
  expect((await generate(t, project)).code).toBe(0);
  const merged = JSON.parse(readFileSync(join(project, 'generated/openapi.json'), 'utf8'));
  expect(merged.paths['/plant/pets/'].post.operationId).toBe('plant.createPet');
  expect(merged.paths['/pet/pets/'].post.operationId).toBe('pet.createPet');
  expect(readFileSync(join(project, 'generated/services.ts'), 'utf8')).toContain('"plant"');

  rmSync(join(services, 'plant'), { recursive: true });
  expect((await generate(t, project)).output).toContain('generated/plant/openapi.json removed');
  for (const file of ['openapi.json', 'api.d.ts', 'services.ts', 'pet/openapi.json']) {
    const generated = readFileSync(join(project, 'generated', file), 'utf8');
    expect(generated, file).toBe(readFileSync(join(root, 'generated', file), 'utf8'));
  }
  expect(existsSync(join(project, 'data'))).toBe(false);
});

test('a service whose name differs from its folder is an error that names both', async (t) => {
  const project = copyProject(t);
  const index = join(project, 'src/services/pet/index.ts');
  writeFileSync(index, readFileSync(index, 'utf8').replace("name: 'pet'", "name: 'pets'"));
  const { code, output } = await generate(t, project);
  expect(code).toBe(1);
  expect(output).toContain(
    'pet: its index.ts defines the service pets: give the service the name of its folder',
  );
});

test('generate prints one line for a document that cannot be merged', async (t) => {
  const project = copyProject(t);
  const routes = join(project, 'src/services/pet/routes.ts');
  const text = readFileSync(routes, 'utf8');
  writeFileSync(
    routes,
    text.replace("operationId: 'readPet',", "operationId: 'readPet', servers: [{ url: '/pets' }],"),
  );
  const { code, output } = await generate(t, project);
  expect(code).toBe(1);
  expect(output).toMatch(/^pet: [^\n]*servers[^\n]*\n$/);
});

test('migrate lists pending migrations, applies them, and lists them as applied', async (t) => {
  const { folder, file } = writeConfig(t);
  const listOf = (user: string) =>
    [
      'pet: 0000_initial pending',
      'pet: 0001_sort_indexes pending',
      `user: 0000_initial ${user}`,
      `user: 0001_adoption_in_order ${user}`,
      `user: 0002_adoption_of_pet ${user}`,
      `user: 0003_user_by_name ${user}\n`,
    ].join('\n');
  const status = await migrate(t, root, 'status', '--config', file);
  expect(status).toEqual({ code: 0, output: listOf('pending') });
  expect(existsSync(join(folder, 'data'))).toBe(false);

  const applied = await migrate(t, root, 'apply', 'user', '--config', file);
  expect(applied.code).toBe(0);
  expect(applied.output).toBe(`user: 4 applied, ${join(folder, 'data/user.db')} is up to date\n`);
  expect(readdirSync(join(folder, 'data'))).toEqual(['user.db']);
  expect((await migrate(t, root, 'status', '--config', file)).output).toBe(listOf('applied'));
  // The registry prevents a start from creating a missing database.
  expect(readFileSync(join(file, '../.databases'), 'utf8')).toContain('user.db');
});

test('migrate status and apply without a name skip services that are not in the config', async (t) => {
  const folder = makeFolder(t);
  const file = join(folder, 'config.yaml');
  writeFileSync(
    file,
    'services: { pet: { database: sqlite:pet.db } }\napps: { pets: { port: 0, services: [pet] } }\n',
  );
  expect(await migrate(t, root, 'status', '--config', file)).toEqual({
    code: 0,
    output: 'pet: 0000_initial pending\npet: 0001_sort_indexes pending\n',
  });
  expect((await migrate(t, root, 'apply', '--config', file)).code).toBe(0);
  expect((await migrate(t, root, 'status', '--config', file)).output).toBe(
    'pet: 0000_initial applied\npet: 0001_sort_indexes applied\n',
  );
  expect(await migrate(t, root, 'status', 'user', '--config', file)).toEqual({
    code: 2,
    output: `user is not among the services of ${file}\n`,
  });
});

test('a new service with a database: generate names the missing migration, migrate create writes it', async (t) => {
  const project = copyProject(t);
  const services = join(project, 'src/services');
  cpSync(join(services, 'pet'), join(services, 'plant'), { recursive: true });
  rmSync(join(services, 'plant/migrations'), { recursive: true });
  const index = join(services, 'plant/index.ts');
  writeFileSync(index, readFileSync(index, 'utf8').replace("name: 'pet'", "name: 'plant'"));
  expect(await generate(t, project)).toEqual({
    code: 1,
    output: 'src/services/plant has no migration yet: run "./run.sh migrate create plant"\n',
  });

  expect((await migrate(t, project, 'create', 'plant')).code).toBe(0);
  const sql = readFileSync(join(services, 'plant/migrations/sqlite/0000_initial.sql'), 'utf8');
  expect(sql).toContain('CREATE TABLE `pet`');
  const postgres = readFileSync(join(services, 'plant/migrations/postgres/0000_initial.sql'), 'utf8');
  expect(postgres).toContain('CREATE TABLE "pet"');
  expect((await generate(t, project)).code).toBe(0);

  const tables = join(services, 'plant/tables.ts');
  appendFileSync(tables, "export const pots = sqliteTable('pot', { id: integer().primaryKey() });\n");
  expect((await migrate(t, project, 'create', 'plant')).code).toBe(0);
  expect(readdirSync(join(services, 'plant/migrations/sqlite'))).toContain('0001_change.sql');
});

test('migrate create writes a migration for the changes of the tables', async (t) => {
  const project = copyProject(t);
  const tables = join(project, 'src/services/user/tables.ts');
  writeFileSync(
    tables,
    readFileSync(tables, 'utf8').replace(
      'name: text().notNull(),',
      'name: text().notNull(),\n  email: text(),',
    ),
  );
  expect((await migrate(t, project, 'create', 'user', '--name', 'email')).code).toBe(0);
  const sql = readFileSync(join(project, 'src/services/user/migrations/sqlite/0004_email.sql'), 'utf8');
  expect(sql).toContain('ALTER TABLE `user` ADD `email` text');
});

test('migrate create warns of a new column that rows cannot have, and names the fix', async (t) => {
  const project = copyProject(t);
  const service = join(project, 'src/services/user');
  const tables = join(service, 'tables.ts');
  const { folder, file } = writeConfig(t);
  const apply = () => migrate(t, project, 'apply', 'user', '--config', file);
  expect((await apply()).code).toBe(0);
  const client = new Client(join(folder, 'data/user.db'));
  client.exec("INSERT INTO user (name) VALUES ('Alice')");
  client.close();
  const columns = "email: text().notNull(),\n  city: text().notNull().default('Rome'),\n  street: text(),";
  writeFileSync(
    tables,
    readFileSync(tables, 'utf8').replace('name: text().notNull(),', `name: text().notNull(),\n  ${columns}`),
  );
  const { code, output } = await migrate(t, project, 'create', 'user', '--name', 'email');
  expect(code).toBe(0);
  expect(output.match(/^user: .*$/gm)).toEqual([
    'user: the new column email of the table user is NOT NULL and has no default, so the migration fails if the table has rows. Add DEFAULT and a value to it in sqlite/0004_email.sql and postgres/0003_email.sql',
  ]);
  expect((await apply()).code).toBe(1);
  // With the fix, a database with rows takes the migration.
  for (const path of ['sqlite/0004_email.sql', 'postgres/0003_email.sql']) {
    const sql = join(service, 'migrations', path);
    const text = readFileSync(sql, 'utf8');
    writeFileSync(sql, text.replace(/(["`]email["`] .*NOT NULL)/, "$1 DEFAULT ''"));
    expect(readFileSync(sql, 'utf8')).toMatch(/email["`] text.* NOT NULL DEFAULT ''/);
  }
  expect(await apply()).toMatchObject({ code: 0, output: expect.stringContaining('user: 1 applied') });
});

test('migrate create writes a unique index of some rows for both databases', async (t) => {
  const project = copyProject(t);
  const service = join(project, 'src/services/user');
  const tables = join(service, 'tables.ts');
  const text = readFileSync(tables, 'utf8')
    .replace("} from '#framework/database'", ", sql, uniqueIndex } from '#framework/database'")
    .replace(
      "index('adoption_of_pet')",
      "uniqueIndex('one_owner').on(table.pet_id).where(sql`user_id > 7`),\n    $&",
    );
  writeFileSync(tables, text);
  expect(await migrate(t, project, 'create', 'user', '--name', 'owner')).toMatchObject({ code: 0 });
  const read = (path: string) => readFileSync(join(service, 'migrations', path), 'utf8');
  expect(read('sqlite/0004_owner.sql')).toBe(
    'CREATE UNIQUE INDEX `one_owner` ON `adoption` (`pet_id`) WHERE user_id > 7;',
  );
  expect(read('postgres/0003_owner.sql')).toBe(
    'CREATE UNIQUE INDEX "one_owner" ON "adoption" USING btree ("pet_id") WHERE user_id > 7;',
  );
});

test('migrate create rejects two names that PostgreSQL shortens to the same name, and writes nothing', async (t) => {
  const project = copyProject(t);
  const service = join(project, 'src/services/user');
  const tables = join(service, 'tables.ts');
  const long = `adoption_by_${'x'.repeat(51)}`;
  const text = readFileSync(tables, 'utf8').replace(
    "index('adoption_of_pet')",
    `index('${long}_pet').on(table.pet_id),\n    index('${long}_user').on(table.user_id),\n    $&`,
  );
  writeFileSync(tables, text);
  const before = readdirSync(join(service, 'migrations/sqlite'));
  expect(await migrate(t, project, 'create', 'user')).toMatchObject({
    code: 1,
    output: expect.stringContaining(
      `TypeError: PostgreSQL keeps the first 63 bytes of a name, so ${long}_pet and ${long}_user are the same: rename one of them\n`,
    ),
  });
  expect(readdirSync(join(service, 'migrations/sqlite'))).toEqual(before);
});

test('migrate create fails with the reason if drizzle-kit fails, which ends with 0', async (t) => {
  const project = copyProject(t);
  const tables = join(project, 'src/services/user/tables.ts');
  const before = readFileSync(tables, 'utf8');
  // A rename or a new column: drizzle-kit asks, and there is no terminal.
  writeFileSync(tables, before.replace('name: text()', 'title: text()').replaceAll('.name', '.title'));
  expect(await migrate(t, project, 'create', 'user')).toMatchObject({
    code: 1,
    output: expect.stringMatching(
      /user: drizzle-kit failed: Error: Interactive prompts require a TTY [^\n]*\n$/,
    ),
  });
  writeFileSync(tables, `${before}export const x = ;\n`);
  expect(await migrate(t, project, 'create', 'user')).toMatchObject({
    code: 1,
    output: expect.stringMatching(
      /drizzle-kit failed: Error: Transform failed[\s\S]*tables\.ts:\d+:\d+: ERROR: Unexpected ";"\n$/,
    ),
  });
});

const events = (t: TestContext, file: string, ...args: string[]) =>
  outcome(startProcess(t, process.execPath, ['scripts/events.ts', ...args, '--config', file], { cwd: root }));

test('events says why a database file cannot be reached, and goes on with the others', async (t) => {
  const { folder, file } = writeConfig(t);
  const missing = (service: string) => `the database of ${service} does not exist: start the server first\n`;
  expect(await events(t, file, 'status')).toEqual({ code: 1, output: missing('pet') + missing('user') });
  await migrate(t, root, 'apply', 'user', '--config', file);
  const data = new Client(join(folder, 'data/user.db'));
  data.exec("INSERT INTO __consumer (producer, lease_until) VALUES ('pet', 0)");
  data.close();
  for (const [command, output] of [
    ['status', 'user consumes pet: at the oldest event, newest unknown, run by no process, 0 parked\n'],
    ['parked', 'no event is parked\n'],
  ] as const)
    expect(await events(t, file, command)).toEqual({ code: 0, output: missing('pet') + output });
  expect(await events(t, file, 'status', 'pet')).toEqual({ code: 1, output: missing('pet') });
});

test('events says why the folder of a database cannot be used', async (t) => {
  const { folder, file } = writeConfig(t);
  writeFileSync(join(folder, 'data'), 'a file');
  expect(await events(t, file, 'status', 'pet')).toEqual({
    code: 1,
    output: `database ${join(folder, 'data/pet.db')}: a part of its path is a file, not a folder. Name another file in the config\n`,
  });
});

test('events replay rejects an id that the producer has not given', async (t) => {
  const { folder, file } = writeConfig(t);
  await migrate(t, root, 'apply', '--config', file);
  const fill = (service: string, text: string) => {
    const client = new Client(join(folder, `data/${service}.db`));
    client.exec(text);
    client.close();
  };
  fill('user', "INSERT INTO __consumer (producer, lease_until) VALUES ('pet', 0)");
  fill(
    'pet',
    "INSERT INTO __feed VALUES (1, 'newepoch', 5, 0, 0); INSERT INTO __feed_fork VALUES ('oldepoch', 3)",
  );
  const replay = (id: string) => events(t, file, 'replay', 'user', 'pet', '--from', id);
  for (const id of ['newepoch-5', 'oldepoch-3', 'oldest']) expect((await replay(id)).code, id).toBe(0);
  for (const id of ['newepoch-6', 'oldepoch-4', 'aaaaaaaa-1'])
    expect(await replay(id)).toEqual({
      code: 1,
      output: `${id} is not an event of pet: its newest is newepoch-5. After a restore, an event that was lost has no position\n`,
    });
});

test.for([
  { script: 'generate', args: ['--nope'], message: 'Unknown option --nope: see --help\n' },
  { script: 'generate', args: ['pet'], message: 'Unknown argument pet: see --help\n' },
  { script: 'check', args: ['--nope'], message: 'Unknown option --nope: see --help\n' },
  { script: 'dev', args: ['--nope'], message: 'Unknown option --nope: see --help\n' },
])('$script ends with 2 and one line on $args', async ({ script, args, message }, t) => {
  expect(await outcome(startProcess(t, process.execPath, [`scripts/${script}.ts`, ...args]))).toEqual({
    code: 2,
    output: message,
  });
});

test.for([
  { args: [], message: 'Expected create, apply, status or copy: see --help\n' },
  { args: ['drop'], message: 'Expected create, apply, status or copy: see --help\n' },
  { args: ['create', 'nope'], message: `nope is not a service with a database (known: ${known})\n` },
  {
    args: ['create', 'pet', '--name', 'a/b'],
    message: 'Expected --name with letters, digits, "_" and "-" only: see --help\n',
  },
  { args: ['status', 'pet', 'user'], message: 'Unknown argument user: see --help\n' },
  { args: ['status', '--name', 'x'], message: 'Expected --name only with create: see --help\n' },
  { args: ['status', 'nope'], message: `nope is not a service with a database (known: ${known})\n` },
  { args: ['status', '--nope'], message: 'Unknown option --nope: see --help\n' },
  { args: ['status', '--config', '/nowhere.yaml'], message: '/nowhere.yaml: there is no such file\n' },
])('migrate ends with 2 and one line on $args', async ({ args, message }, t) => {
  expect(await migrate(t, root, ...args)).toEqual({ code: 2, output: message });
});
