/** Creates, applies and lists migrations: see --help. The server applies pending migrations when it starts. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { type Config, readConfig } from '../src/framework/config/config.ts';
import { describeDatabaseUrl } from '../src/framework/config/database-url.ts';
import { knownDatabasesFile } from '../src/framework/database/known-databases.ts';
import { openDatabase, readMigrationStatus } from '../src/framework/database/open-database.ts';
import { CommandError, root } from './lib/command.ts';
import {
  databaseUrlOf,
  expectMigrations,
  listMigrated,
  listServiceFolders,
  type Migrated,
  runServiceCommand,
} from './lib/service-command.ts';

const help = `Usage: ./run.sh migrate create|apply|status [SERVICE] [--name NAME] [--config FILE]

  create   writes a migration for each database from the changes of src/services/SERVICE/tables.ts
  apply    applies the pending migrations to the databases of the config
  status   prints which migrations each database has

  SERVICE         only this service (all that have a database)
  --name NAME     the name of the new migration (the first is "initial", others "change")
  --config FILE   the config file (config.yaml)
  --help          this text

The server applies pending migrations when it starts.
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    { name: { type: 'string' }, config: { type: 'string', default: 'config.yaml' } },
    2,
  );
  if (values.help) return console.log(help);
  const [command, name] = positionals;
  if (command === 'create') return create(name, values.name);
  if (command !== 'apply' && command !== 'status') throw usageError('Expected create, apply or status');
  if (values.name !== undefined) throw usageError('Expected --name only with create');

  const services = await loadServices();
  const migrated = listMigrated(services);
  const known = migrated.map((service) => service.name);
  if (name !== undefined && !known.includes(name)) throw unknownService(name, known);
  const config = readConfig(values.config, services, process.env);
  const run = command === 'apply' ? apply : status;
  for (const service of migrated) {
    // Without a name, skip the services that the config does not run.
    if (name === undefined ? !Object.hasOwn(config.services, service.name) : service.name !== name) continue;
    expectMigrations(service);
    await run(service, config);
  }
});

/** Creates migrations. It needs only tables.ts of the service, so that it works for an incomplete service. */
function create(service: string | undefined, name: string | undefined): void {
  const known = listServiceFolders().filter((folder) =>
    existsSync(join(root, 'src/services', folder, 'tables.ts')),
  );
  if (service !== undefined && !known.includes(service)) throw unknownService(service, known);
  for (const one of service === undefined ? known : [service]) {
    const folder = `src/services/${one}`;
    writeMigration(one, 'sqlite', `${folder}/tables.ts`, name);
    writeMigration(one, 'postgres', writePostgresTables(folder), name);
  }
}

/** Runs drizzle-kit, which compares the tables with the last migration of one dialect. */
function writeMigration(
  service: string,
  dialect: 'sqlite' | 'postgres',
  tables: string,
  name: string | undefined,
): void {
  const out = `src/services/${service}/migrations/${dialect}`;
  const isFirst = !existsSync(join(root, out, 'meta/_journal.json'));
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/drizzle-kit/bin.cjs'),
      ...['generate', `--dialect=${dialect === 'sqlite' ? 'sqlite' : 'postgresql'}`],
      ...[`--schema=${tables}`, `--out=${out}`, `--name=${name ?? (isFirst ? 'initial' : 'change')}`],
    ],
    { cwd: root, stdio: 'inherit' },
  );
  if (status !== 0) throw new CommandError(`${service}: drizzle-kit failed`);
  if (dialect === 'postgres') removeSchemaNames(join(root, out));
}

/** Writes a file with the tables of a service for PostgreSQL, since drizzle-kit reads tables from a file. */
function writePostgresTables(folder: string): string {
  const file = 'node_modules/.cache/postgres-tables.ts';
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
  const names = listExports(join(root, folder, 'tables.ts'));
  writeFileSync(
    join(root, file),
    `import * as tables from '../../${folder}/tables.ts';
import { toPostgresTables } from '../../scripts/lib/postgres-tables.ts';
export const { ${names.join(', ')} } = toPostgresTables(tables);
`,
  );
  return file;
}

function listExports(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^export const (\w+)/gm)].map(([, name]) => name as string);
}

/** Removes the schema `public`, which drizzle-kit writes into foreign keys, because a service may use another schema. */
function removeSchemaNames(folder: string): void {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.sql'))) {
    const file = join(folder, name);
    const text = readFileSync(file, 'utf8');
    if (text.includes('"public".')) writeFileSync(file, text.replaceAll('"public".', ''));
  }
}

function unknownService(name: string, known: readonly string[]): UsageError {
  return new UsageError(`${name} is not a service with a database (known: ${known.join(', ')})`);
}

async function apply(service: Migrated, config: Config): Promise<void> {
  const url = databaseUrlOf(service, config);
  const { migrations } = service;
  const all = await readMigrationStatus(url, migrations, service.name);
  const pending = all.filter(({ applied }) => !applied);
  const options = { migrations, knownDatabases: knownDatabasesFile(config.file), service: service.name };
  await (await openDatabase(url, options)).close();
  console.log(`${service.name}: ${pending.length} applied, ${describeDatabaseUrl(url)} is up to date`);
}

async function status(service: Migrated, config: Config): Promise<void> {
  const url = databaseUrlOf(service, config);
  for (const { name, applied } of await readMigrationStatus(url, service.migrations, service.name)) {
    console.log(`${service.name}: ${name} ${applied ? 'applied' : 'pending'}`);
  }
}
