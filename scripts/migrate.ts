/** Migrations of the services' databases, for people: see --help. The server applies them by itself at its start. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { type Config, readConfig } from '../src/framework/config/config.ts';
import { parseDatabaseUrl } from '../src/framework/config/database-url.ts';
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

  create   writes a migration from what has changed in src/services/SERVICE/tables.ts
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
    // Without a name: of a config that runs only some of the services, those.
    if (name === undefined ? !Object.hasOwn(config.services, service.name) : service.name !== name) continue;
    expectMigrations(service);
    run(service, config);
  }
});

/** Needs nothing but tables.ts of the service, so that it works before a new service is complete. */
function create(service: string | undefined, name: string | undefined): void {
  const known = listServiceFolders().filter((folder) =>
    existsSync(join(root, 'src/services', folder, 'tables.ts')),
  );
  if (service !== undefined && !known.includes(service)) throw unknownService(service, known);
  for (const one of service === undefined ? known : [service]) {
    const folder = `src/services/${one}`;
    const isFirst = !existsSync(join(root, folder, 'migrations/meta/_journal.json'));
    const { status } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/drizzle-kit/bin.cjs'),
        ...['generate', '--dialect=sqlite', `--schema=${folder}/tables.ts`, `--out=${folder}/migrations`],
        `--name=${name ?? (isFirst ? 'initial' : 'change')}`,
      ],
      { cwd: root, stdio: 'inherit' },
    );
    if (status !== 0) throw new CommandError(`${one}: drizzle-kit failed`);
  }
}

function unknownService(name: string, known: readonly string[]): UsageError {
  return new UsageError(`${name} is not a service with a database (known: ${known.join(', ')})`);
}

function apply(service: Migrated, config: Config): void {
  const url = databaseUrlOf(service, config);
  const { migrations } = service;
  const pending = readMigrationStatus(url, migrations).filter(({ applied }) => !applied);
  openDatabase(url, { migrations, knownDatabases: knownDatabasesFile(config.file) }).close();
  console.log(`${service.name}: ${pending.length} applied, ${parseDatabaseUrl(url).file} is up to date`);
}

function status(service: Migrated, config: Config): void {
  for (const { name, applied } of readMigrationStatus(databaseUrlOf(service, config), service.migrations)) {
    console.log(`${service.name}: ${name} ${applied ? 'applied' : 'pending'}`);
  }
}
