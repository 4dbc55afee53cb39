/** The common parts of the commands that read services and their databases. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../src/framework/app/arguments.ts';
import { type Config, ConfigError } from '../../src/framework/config/config.ts';
import { isPostgresUrl, sqliteFile } from '../../src/framework/config/database-url.ts';
import { BackupError, type ServiceDatabase } from '../../src/framework/database/backup/manifest.ts';
import { DatabaseError } from '../../src/framework/database/database-error.ts';
import { DefinitionError } from '../../src/framework/errors/definition-error.ts';
import { MergeError } from '../../src/framework/openapi/merge.ts';
import type { Service } from '../../src/framework/service/define-service.ts';
import { CommandError, root, runCommand } from './command.ts';

/** Runs a command; see `runCommand`. Also prints one line for a wrong config, database, backup or contract. */
export function runServiceCommand(main: () => Promise<void>): Promise<void> {
  return runCommand(async () => {
    try {
      await main();
    } catch (error) {
      if (error instanceof ConfigError) throw new UsageError(error.message);
      const isKnown = [BackupError, DatabaseError, DefinitionError, MergeError].some(
        (known) => error instanceof known,
      );
      throw isKnown ? new CommandError((error as Error).message) : error;
    }
  });
}

/** Lists the folders of src/services in alphabetical order. Each folder is a service. */
export function listServiceFolders(): string[] {
  const folder = join(root, 'src/services');
  // Git does not keep an empty folder.
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** A service that has a database. */
export type Migrated = Service & { readonly migrations: URL };

/** Lists the services that have a database. */
export function listMigrated(services: ReadonlyMap<string, Service>): Migrated[] {
  return [...services.values()].filter((service): service is Migrated => service.migrations !== undefined);
}

/** @throws {CommandError} if a service declares migrations and has none yet. */
export function expectMigrations({ name, migrations }: Service): void {
  if (migrations === undefined || existsSync(new URL('sqlite/meta/_journal.json', migrations))) return;
  throw new CommandError(`src/services/${name} has no migration yet: run "./run.sh migrate create ${name}"`);
}

/**
 * Returns the database URL of a service.
 * @throws {UsageError} if the config does not run the service.
 */
export function databaseUrlOf({ name }: Migrated, config: Config): string {
  const url = config.services[name]?.database;
  if (url === undefined) throw new UsageError(`${name} is not among the services of ${config.file}`);
  return url;
}

/**
 * Lists the databases of a config.
 * @throws {UsageError} if a database is in memory, or if no service has a database.
 */
export function listDatabases(services: ReadonlyMap<string, Service>, config: Config): ServiceDatabase[] {
  const configured = listMigrated(services).filter(({ name }) => Object.hasOwn(config.services, name));
  if (configured.length === 0) throw new UsageError(`${config.file} has no service with a database`);
  return configured.map((service) => {
    const { name, migrations } = service;
    const url = databaseUrlOf(service, config);
    if (isPostgresUrl(url)) return { service: name, url, migrations, env: process.env };
    const file = sqliteFile(url);
    if (file === undefined) throw new UsageError(`services.${name}.database is in memory`);
    return { service: name, file, migrations };
  });
}
