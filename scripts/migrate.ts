/** Creates, applies and lists migrations: see --help. The server applies pending migrations when it starts. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { type Config, readConfig } from '../src/framework/config/config.ts';
import { describeDatabaseUrl } from '../src/framework/config/database-url.ts';
import { knownDatabasesFile } from '../src/framework/database/known-databases.ts';
import { openDatabase, readMigrationStatus } from '../src/framework/database/open-database.ts';
import { CommandError, root } from './lib/command.ts';
import { copy } from './lib/copy-command.ts';
import { describeUnfillable, listMigrations } from './lib/new-columns.ts';
import {
  databaseUrlOf,
  expectMigrations,
  listMigrated,
  listServiceFolders,
  type Migrated,
  runServiceCommand,
} from './lib/service-command.ts';

const help = `Usage: ./run.sh migrate create|apply|status [SERVICE] [--name NAME] [--config FILE]
       ./run.sh migrate copy SERVICE --from URL --to URL

  create   writes a migration for each database from the changes of src/services/SERVICE/tables.ts
  apply    applies the pending migrations to the databases of the config
  status   prints which migrations each database has
  copy     copies the database of a service to an empty one, for example from SQLite to PostgreSQL

  SERVICE         only this service (all that have a database)
  --name NAME     the name of the new migration (the first is "initial", others "change")
  --config FILE   the config file (config.yaml)
  --from URL      the database to copy: sqlite:FILE or postgres://user@host/database
  --to URL        the database to copy to
  --help          this text

The server applies pending migrations when it starts. Stop it before you copy: what it writes later is not copied.
A copy contains the ids and the idempotency keys, and is compared with the source before it is committed. If it
fails or is killed, the target has no rows.
`;

/** The name is a part of the name of a file. */
const migrationName = /^[\w-]+$/;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    {
      name: { type: 'string' },
      config: { type: 'string', default: 'config.yaml' },
      from: { type: 'string' },
      to: { type: 'string' },
    },
    2,
  );
  if (values.help) return console.log(help);
  const [command, name] = positionals;
  if (values.name !== undefined && command !== 'create') throw usageError('Expected --name only with create');
  if ((values.from ?? values.to) !== undefined && command !== 'copy')
    throw usageError('Expected --from and --to only with copy');
  if (values.name !== undefined && !migrationName.test(values.name))
    throw usageError('Expected --name with letters, digits, "_" and "-" only');
  if (command === 'create') return create(name, values.name);
  if (command !== 'apply' && command !== 'status' && command !== 'copy')
    throw usageError('Expected create, apply, status or copy');

  const services = await loadServices();
  const migrated = listMigrated(services);
  const known = migrated.map((service) => service.name);
  if (name !== undefined && !known.includes(name)) throw unknownService(name, known);
  if (command === 'copy') {
    const service = migrated.find((one) => one.name === name);
    if (service === undefined) throw usageError('Missing SERVICE to copy');
    expectMigrations(service);
    return copy(service, values.from, values.to);
  }
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
    const tables = writePostgresTables(folder);
    let written: string[];
    try {
      // PostgreSQL comes first, because it has more rules for tables. After an error nothing is written.
      written = writeMigration(one, 'postgres', tables, name);
    } finally {
      rmSync(dirname(tables), { recursive: true });
    }
    written.unshift(...writeMigration(one, 'sqlite', `${folder}/tables.ts`, name));
    for (const line of describeUnfillable(join(root, folder, 'migrations'), written))
      console.error(`${one}: ${line}`);
  }
}

/**
 * Runs drizzle-kit, which compares the tables with the last migration of one dialect. Returns the new files, as paths in the
 * folder of all migrations.
 */
function writeMigration(
  service: string,
  dialect: 'sqlite' | 'postgres',
  tables: string,
  name: string | undefined,
): string[] {
  const out = `src/services/${service}/migrations/${dialect}`;
  const isFirst = !existsSync(join(root, out, 'meta/_journal.json'));
  const before = isFirst ? [] : listMigrations(join(root, out));
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/drizzle-kit/bin.cjs'),
      ...['generate', `--dialect=${dialect === 'sqlite' ? 'sqlite' : 'postgresql'}`],
      ...[`--schema=${tables}`, `--out=${out}`, `--name=${name ?? (isFirst ? 'initial' : 'change')}`],
    ],
    { cwd: root, stdio: ['inherit', 'inherit', 'pipe'], encoding: 'utf8' },
  );
  // drizzle-kit 0.31 ends with 0 after an error, for example if it has to ask and there is no terminal.
  if (status !== 0 || /^\w*Error: /m.test(stderr))
    throw new CommandError(`${service}: drizzle-kit failed: ${stderr.trim().split(/\n +at /)[0]}`);
  if (dialect === 'postgres') removeSchemaNames(join(root, out));
  const added = listMigrations(join(root, out)).filter((file) => !before.includes(file));
  return added.map((file) => `${dialect}/${file}`);
}

/**
 * Writes a file with the tables of a service for PostgreSQL, since drizzle-kit reads tables from a file. Its imports are
 * absolute, because node_modules may be a link to a folder elsewhere.
 */
function writePostgresTables(folder: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'tables-')), 'tables.ts');
  const tables = join(root, folder, 'tables.ts');
  writeFileSync(
    file,
    `import * as tables from ${JSON.stringify(tables)};
import { toPostgresTables } from ${JSON.stringify(join(root, 'scripts/lib/postgres-tables.ts'))};
export const { ${listExports(tables).join(', ')} } = toPostgresTables(tables);
`,
  );
  return file;
}

function listExports(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^export const (\w+)/gm)].map(([, name]) => name as string);
}

/** Removes the schema `public`, which drizzle-kit writes into foreign keys, because a service may use another schema. */
function removeSchemaNames(folder: string): void {
  for (const name of listMigrations(folder)) {
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
