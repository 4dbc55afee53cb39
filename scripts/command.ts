/** What the commands for people have in common: arguments, the databases of a config, errors of one line. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { type Config, ConfigError } from '#app/config.ts';
import { BackupError, type ServiceDatabase } from '#common/backup-manifest.ts';
import { DatabaseError } from '#common/database.ts';
import type { Service } from '#common/service.ts';

/** A wrong argument: one line, exit code 2. */
export class UsageError extends Error {}

/** Runs a command: what a person did wrong, or can mend, is one line. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const isMistake = error instanceof UsageError || error instanceof ConfigError;
    const isTold = isMistake || error instanceof DatabaseError || error instanceof BackupError;
    // What the system refuses: no room, no right.
    const isOfSystem = (error as NodeJS.ErrnoException).syscall !== undefined;
    console.error(isTold || isOfSystem ? (error as Error).message : error);
    process.exitCode = isMistake ? 2 : 1;
  }
}

/** @throws {UsageError} */
export function readArguments<Options extends ParseArgsOptionsConfig>(options: Options) {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ', 1)[0]}: see --help`);
  }
}

/** A service that has a database. */
export type Migrated = Service & { readonly migrations: URL };

/** Those of the services that have a database, or the one of that name. */
export function chooseMigrated(services: ReadonlyMap<string, Service>, name?: string): Migrated[] {
  const migrated = [...services.values()].filter(
    (service): service is Migrated => service.migrations !== undefined,
  );
  const chosen = migrated.filter((service) => name === undefined || service.name === name);
  if (chosen.length > 0) return chosen;
  const known = migrated.map((service) => service.name).join(', ');
  throw new UsageError(`${name} is not a service with a database (known: ${known})`);
}

/** Where the database of a service is, as the config has it. */
export function databaseOf({ name: service, migrations }: Migrated, config: Config): ServiceDatabase {
  const database = config.services[service]?.database;
  if (database === undefined) throw new UsageError(`${service} is not among the services of ${config.file}`);
  return { service, file: database.slice('sqlite:'.length), migrations };
}

/** The databases of all services of a config. @throws {UsageError} for one that is in memory. */
export function listDatabases(services: ReadonlyMap<string, Service>, config: Config): ServiceDatabase[] {
  const configured = chooseMigrated(services).filter(({ name }) => Object.hasOwn(config.services, name));
  const databases = configured.map((service) => databaseOf(service, config));
  const inMemory = databases.find(({ file }) => file === ':memory:');
  if (inMemory !== undefined) throw new UsageError(`services.${inMemory.service}.database is in memory`);
  return databases;
}
