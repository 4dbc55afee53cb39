/** Migrations of the services' databases, for people: see --help. The server applies them by itself at its start. */
import { spawnSync } from 'node:child_process';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, readConfig } from '#app/config.ts';
import { loadServices } from '#app/services.ts';
import { DatabaseError, openDatabase, readMigrationStatus } from '#common/database.ts';
import { recordOf } from '#common/database-record.ts';
import {
  chooseMigrated,
  databaseOf,
  type Migrated,
  readArguments,
  runCommand,
  UsageError,
} from './command.ts';

const help = `Usage: npm run migrate -- create|apply|status [SERVICE] [--name NAME] [--config FILE]

  create   writes a migration from what has changed in src/services/SERVICE/tables.ts
  apply    applies to the databases of the config what they have not had
  status   says which migrations each database has had

  SERVICE         only this service (all that have a database)
  --name NAME     what the new migration is called (with create)
  --config FILE   the config file (config.yaml)
`;

const root = fileURLToPath(new URL('..', import.meta.url));
const commands = { create, apply, status };

await runCommand(main);

async function main(): Promise<void> {
  const { values, positionals } = readArguments({
    name: { type: 'string' },
    config: { type: 'string', default: 'config.yaml' },
    help: { type: 'boolean', default: false },
  });
  if (values.help) return console.log(help);
  const [command, name, ...rest] = positionals;
  if (command === undefined || !Object.hasOwn(commands, command) || rest.length > 0) {
    throw new UsageError('Say create, apply or status: see --help');
  }
  const services = await loadServices();
  const chosen = chooseMigrated(services, name);
  for (const service of chosen) {
    commands[command as keyof typeof commands](service, {
      ...(values.name !== undefined && { name: values.name }),
      config: () => readConfig(values.config, services, process.env),
    });
  }
}

interface Options {
  readonly name?: string;
  config(): Config;
}

function create(service: Migrated, { name }: Options): void {
  const folder = join(root, 'src/services', service.name);
  const drizzleKit = join(root, 'node_modules/drizzle-kit/bin.cjs');
  const { status } = spawnSync(
    process.execPath,
    [
      drizzleKit,
      'generate',
      '--dialect=sqlite',
      `--schema=${relative(root, join(folder, 'tables.ts'))}`,
      `--out=${relative(root, fileURLToPath(service.migrations))}`,
      ...(name === undefined ? [] : [`--name=${name}`]),
    ],
    { cwd: root, stdio: 'inherit' },
  );
  if (status !== 0) throw new DatabaseError(`${service.name}: drizzle-kit failed`);
}

function apply(service: Migrated, { config: read }: Options): void {
  const config = read();
  const { file } = databaseOf(service, config);
  const pending = readMigrationStatus(file, service.migrations).filter(({ applied }) => !applied);
  openDatabase(file, service.migrations, recordOf(config.file)).close();
  console.log(`${service.name}: ${pending.length} applied, ${file} is up to date`);
}

function status(service: Migrated, { config }: Options): void {
  for (const { name, applied } of readMigrationStatus(
    databaseOf(service, config()).file,
    service.migrations,
  )) {
    console.log(`${service.name}: ${name} ${applied ? 'applied' : 'pending'}`);
  }
}
