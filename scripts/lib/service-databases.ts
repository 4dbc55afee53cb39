import { existsSync } from 'node:fs';
import { UsageError } from '../../src/framework/app/arguments.ts';
import type { Config } from '../../src/framework/config/config.ts';
import { isPostgresUrl, sqliteFile } from '../../src/framework/config/database-url.ts';
import type { Database } from '../../src/framework/database/database.ts';
import { openDatabase, readMigrationStatus } from '../../src/framework/database/open-database.ts';
import { createEventOperations, readNewest } from '../../src/framework/events/operate.ts';
import { CommandError } from './command.ts';
import { databaseUrlOf, type Migrated } from './service-command.ts';

/** The databases of the config, opened when they are needed. */
export class ServiceDatabases {
  readonly #services: readonly Migrated[];
  readonly #config: Config;
  readonly #opened = new Map<string, Promise<Database>>();

  constructor(services: readonly Migrated[], config: Config) {
    this.#services = services.filter(({ name }) => Object.hasOwn(config.services, name));
    this.#config = config;
  }

  /** The services with a database; or the one that the user names. */
  names(only: string | undefined): readonly string[] {
    const names = this.#services.map(({ name }) => name);
    if (only === undefined) return names;
    if (names.includes(only)) return [only];
    throw new UsageError(
      `${only} is not a service with a database in ${this.#config.file}: it has ${names.join(', ') || 'none'}`,
    );
  }

  async operations(service: string) {
    return createEventOperations(await this.open(service));
  }

  /** The newest position of a feed; "unknown" if the database of its service cannot be reached from here. */
  async newestOf(producer: string): Promise<string> {
    try {
      return (await readNewest(await this.open(producer))) ?? 'unknown';
    } catch {
      return 'unknown';
    }
  }

  async close(): Promise<void> {
    for (const database of this.#opened.values()) await database.then((one) => one.close()).catch(() => {});
  }

  /** Opens the database of a service, once. */
  open(name: string): Promise<Database> {
    const [service] = this.names(name).map((one) => this.#services.find((other) => other.name === one));
    let database = this.#opened.get(name);
    if (database === undefined) {
      database = openCurrent(service as Migrated, databaseUrlOf(service as Migrated, this.#config));
      this.#opened.set(name, database);
    }
    return database;
  }
}

/** Opens a database without changing its schema. @throws {CommandError} if it is not there, or of another version. */
async function openCurrent({ name, migrations }: Migrated, url: string): Promise<Database> {
  const file = sqliteFile(url);
  if (file === undefined && !isPostgresUrl(url))
    throw new UsageError(`services.${name}.database is in memory: only its own process can read it`);
  if (file !== undefined && !existsSync(file))
    throw new CommandError(`the database of ${name} does not exist: start the server first`);
  const status = await readMigrationStatus(url, migrations, name);
  if (status.some(({ applied }) => !applied))
    throw new CommandError(`the database of ${name} is older than this version: run ./run.sh migrate apply`);
  return openDatabase(url, { migrations, service: name });
}
