import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { PostgresSide } from '../copy/postgres-side.ts';
import { digestTable } from '../copy/table-digest.ts';
import { DatabaseError } from '../database-error.ts';
import { Connection } from '../postgres/connection.ts';
import { unusableDatabase } from '../postgres/errors.ts';
import { parsePostgresUrl } from '../postgres/url.ts';
import { quoteName } from '../quote-name.ts';
import { privateFile, syncPath } from '../sqlite/files.ts';
import { acquireTogether, EventLock, releaseTogether } from './event-lock.ts';
import { type Copy, hashFile, type PostgresDatabase } from './manifest.ts';
import { runProgram } from './postgres-programs.ts';

/** The time limits of a connection that only begins a transaction and exports its snapshot. */
const limits = { statementMs: 60_000, lockMs: 60_000 };

export interface PostgresSnapshot {
  /** Waits until no transaction with an event is open in any database, and blocks new ones until `begin` has run. */
  lockEvents(): Promise<void>;
  /** Lets transactions with events pass. `lockEvents` can follow. */
  unlockEvents(): Promise<void>;
  /** Begins a transaction in every database. The transactions fix the point in time of the copies. */
  begin(): Promise<void>;
  /** Writes the schema of a service, as of that point in time, to a file in the folder. */
  dump(database: PostgresDatabase, folder: string): Promise<Copy>;
  close(): Promise<void>;
}

/**
 * Connects to the databases of services. Services that share a database share a snapshot, so that their copies agree.
 * @throws {BackupError} if pg_dump is not installed.
 * @throws {DatabaseError} if a database cannot be used.
 */
export async function connectServers(databases: readonly PostgresDatabase[]): Promise<PostgresSnapshot> {
  await runProgram('pg_dump', ['--version']);
  const servers = new Map<string, Server>();
  const keyOf = ({ url, service }: PostgresDatabase) => parsePostgresUrl(url, service).connectionString;

  async function close(): Promise<void> {
    const all = [...servers.values()].flatMap(({ connection, lock }) => [connection, lock]);
    await Promise.allSettled(all.map((one) => one.close()));
  }

  try {
    for (const [key, sharing] of Map.groupBy(databases, keyOf)) {
      const options = { connectionString: key, schema: 'pg_catalog', application: 'backup', ...limits };
      const [database] = sharing as [PostgresDatabase];
      const server = { database, connection: new Connection(options), lock: new EventLock(sharing) };
      servers.set(key, server);
      await inDatabase(database, () => server.connection.ready());
    }
  } catch (error) {
    await close();
    throw error;
  }
  const snapshots = new Map<string, Snapshot>();
  const locks = [...servers.values()].map(({ lock }) => lock);
  return {
    lockEvents: () => acquireTogether(locks),
    unlockEvents: () => releaseTogether(locks),
    async begin() {
      for (const [key, { database, connection, lock }] of servers) {
        const name = await inDatabase(database, () => exportSnapshot(connection));
        snapshots.set(key, { name, hasOrderedEvents: lock.isHeld });
      }
      for (const lock of locks) await lock.close();
    },
    dump: (database, folder) => dump(database, folder, snapshots.get(keyOf(database)) as Snapshot),
    close,
  };
}

/** A database on a server, with one of its services for messages. */
interface Server {
  readonly database: PostgresDatabase;
  readonly connection: Connection;
  readonly lock: EventLock;
}

interface Snapshot {
  readonly name: string;
  /** Whether no transaction with an event was open. */
  readonly hasOrderedEvents: boolean;
}

/** Begins a transaction and returns the name of its snapshot. Other connections see the same rows by this name. */
async function exportSnapshot(connection: Connection): Promise<string> {
  await connection.run({ text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' });
  // The transaction is idle while pg_dump writes the copies.
  await connection.run({ text: 'SET LOCAL idle_in_transaction_session_timeout = 0' });
  const { rows } = await connection.run({ text: 'SELECT pg_export_snapshot()' });
  return rows[0]?.[0] as string;
}

async function dump(
  database: PostgresDatabase,
  folder: string,
  { name: snapshot, hasOrderedEvents }: Snapshot,
): Promise<Copy> {
  const { service, url } = database;
  const { schema } = parsePostgresUrl(url, service);
  const content = await readContent(database, snapshot);
  if (Object.keys(content.checksums).length === 0)
    throw unusableDatabase(url, new DatabaseError('it has no tables of this service to back up'));
  const file = `${service}.dump`;
  const path = join(folder, file);
  closeSync(openSync(path, 'wx', privateFile));
  await runProgram(
    'pg_dump',
    [
      ...['--format=custom', '--no-owner', '--no-privileges', `--schema=${quoteName(schema)}`],
      ...[`--snapshot=${snapshot}`, `--file=${path}`],
    ],
    database,
  );
  syncPath(path);
  return { file, schema, ...(await hashFile(path)), ...content, hasOrderedEvents };
}

/**
 * Reads the migrations, row counts and checksums of a schema. A restored schema must have the same.
 * @param snapshot the exported snapshot to read. Default: the current state.
 * @throws {DatabaseError} if the schema cannot be read.
 */
export async function readContent({ service, url }: PostgresDatabase, snapshot?: string) {
  const side = await PostgresSide.open(url, service, 'source', snapshot);
  try {
    const rows: Record<string, number> = {};
    const checksums: Record<string, string> = {};
    for (const { name, columns } of await side.listTables()) {
      // A restore marks the feed as a copy.
      if (name === '__feed') continue;
      const digest = await digestTable(side, name, columns);
      checksums[name] = digest.checksum;
      // Names with two underscores belong to the framework.
      if (!name.startsWith('__')) rows[name] = digest.rows;
    }
    return { migrations: await side.listMigrations(), rows, checksums };
  } finally {
    await side.close();
  }
}

async function inDatabase<Result>({ url }: PostgresDatabase, fn: () => Promise<Result>): Promise<Result> {
  try {
    return await fn();
  } catch (error) {
    throw unusableDatabase(url, error);
  }
}
