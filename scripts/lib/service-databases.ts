import { existsSync } from 'node:fs';
import { UsageError } from '../../src/framework/app/arguments.ts';
import type { Config } from '../../src/framework/config/config.ts';
import { isPostgresUrl, sqliteFile } from '../../src/framework/config/database-url.ts';
import type { Database } from '../../src/framework/database/database.ts';
import { DatabaseError } from '../../src/framework/database/database-error.ts';
import { openDatabase, readMigrationStatus } from '../../src/framework/database/open-database.ts';
import {
  createEventOperations,
  type EventOperations,
  hasPosition,
  readNewest,
} from '../../src/framework/events/operate.ts';
import { CommandError } from './command.ts';
import { databaseUrlOf, type Migrated } from './service-command.ts';

/** The databases of the config, opened when they are needed. */
export class ServiceDatabases {
  readonly #services: ReadonlyMap<string, Migrated>;
  readonly #config: Config;
  readonly #opened = new Map<string, Promise<Database>>();

  constructor(services: readonly Migrated[], config: Config) {
    const configured = services.filter(({ name }) => Object.hasOwn(config.services, name));
    this.#services = new Map(configured.map((service) => [service.name, service]));
    this.#config = config;
  }

  /** The services with a database; or the one that the user names. */
  names(only: string | undefined): readonly string[] {
    return only === undefined ? [...this.#services.keys()] : [this.#find(only).name];
  }

  async operations(service: string) {
    return createEventOperations(await this.open(service));
  }

  /**
   * Calls `fn` for each service with a database, or for the one that the user names. A database may be a file on another
   * machine: prints why it cannot be read, and goes on with the others.
   * @throws the reason if no database can be read.
   */
  async forEach(
    only: string | undefined,
    fn: (service: string, operations: EventOperations) => Promise<void>,
  ): Promise<void> {
    const names = this.names(only);
    const failures: Error[] = [];
    for (const name of names) {
      const operations = await this.operations(name).catch((error: unknown) => {
        if (!isReason(error)) throw error;
        failures.push(error);
      });
      if (operations !== undefined) await fn(name, operations);
    }
    const last = failures.length === names.length ? failures.pop() : undefined;
    for (const { message } of failures) console.error(message);
    if (last !== undefined) throw last;
  }

  /** Whether a feed has a position; true if the database of its service cannot be reached from here. */
  async hasPosition(producer: string, id: string): Promise<boolean> {
    const database = await this.open(producer).catch(() => undefined);
    return database === undefined || hasPosition(database, id);
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
    const service = this.#find(name);
    let database = this.#opened.get(name);
    if (database === undefined) {
      database = openCurrent(service, databaseUrlOf(service, this.#config));
      this.#opened.set(name, database);
    }
    return database;
  }

  #find(name: string): Migrated {
    const service = this.#services.get(name);
    if (service !== undefined) return service;
    const known = [...this.#services.keys()].join(', ') || 'none';
    throw new UsageError(`${name} is not a service with a database in ${this.#config.file}: it has ${known}`);
  }
}

/** Whether the message of an error is one line for the user. */
function isReason(error: unknown): error is Error {
  return [CommandError, DatabaseError, UsageError].some((known) => error instanceof known);
}

/** Opens a database without changing its schema. @throws {CommandError} if it is not there, or of another version. */
async function openCurrent({ name, migrations }: Migrated, url: string): Promise<Database> {
  const file = sqliteFile(url);
  if (file === undefined && !isPostgresUrl(url))
    throw new UsageError(`services.${name}.database is in memory: only its own process can read it`);
  const status = await readMigrationStatus(url, migrations, name);
  if (status.some(({ applied }) => !applied)) {
    throw new CommandError(
      file === undefined || existsSync(file)
        ? `the database of ${name} is older than this version: run ./run.sh migrate apply`
        : `the database of ${name} does not exist: start the server first`,
    );
  }
  return openDatabase(url, { migrations, service: name });
}
