import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresSide } from '../copy/postgres-side.ts';
import { quoteName } from '../copy/side.ts';
import { digestTable } from '../copy/table-digest.ts';
import { DatabaseError } from '../database-error.ts';
import { Connection } from '../postgres/connection.ts';
import { isConflict, isDisconnected, unusableDatabase } from '../postgres/errors.ts';
import { parsePostgresUrl } from '../postgres/url.ts';
import { privateFile, syncPath } from '../sqlite/files.ts';
import { type Copy, hashFile, type ServerDatabase } from './manifest.ts';
import { runProgram } from './postgres-programs.ts';

/** The time limits of a connection that only begins a transaction and exports its snapshot. */
const limits = { statementMs: 60_000, lockMs: 60_000 };

/**
 * The tries to lock the events, and ms for each try. Writes that emit events wait behind a try. By default a try is
 * shorter than the time that a write may wait for a lock, and the pause between two tries lets the writes pass.
 */
const eventLock = { tries: 20, ms: 50, pauseMs: 50 };

export interface ServerSnapshot {
  /** Begins a transaction in every database. The transactions fix the point in time of the copies. */
  begin(): Promise<void>;
  /** Writes the schema of a service, as of that point in time, to a file in the folder. */
  dump(database: ServerDatabase, folder: string): Promise<Copy>;
  close(): Promise<void>;
}

/**
 * Connects to the databases of services. Services that share a database share a snapshot, so that their copies agree.
 * @throws {BackupError} if pg_dump is not installed.
 * @throws {DatabaseError} if a database cannot be used.
 */
export async function connectServers(databases: readonly ServerDatabase[]): Promise<ServerSnapshot> {
  await runProgram('pg_dump', ['--version']);
  const connections = new Map<string, Connection>();
  const snapshots = new Map<string, Snapshot>();
  const keyOf = ({ url, service }: ServerDatabase) => parsePostgresUrl(url, service).connectionString;

  async function close(): Promise<void> {
    await Promise.allSettled([...connections.values()].map((connection) => connection.close()));
  }

  try {
    for (const database of databases) {
      const key = keyOf(database);
      if (connections.has(key)) continue;
      const options = { connectionString: key, schema: 'pg_catalog', application: 'backup', ...limits };
      const connection = new Connection(options);
      connections.set(key, connection);
      await inDatabase(database, () => connection.ready());
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async begin() {
      for (const database of databases) {
        const key = keyOf(database);
        if (snapshots.has(key)) continue;
        const connection = connections.get(key) as Connection;
        const sharing = databases.filter((other) => keyOf(other) === key);
        const schemas = sharing.map(({ url, service }) => parsePostgresUrl(url, service).schema);
        snapshots.set(key, await inDatabase(database, () => exportInOrder(key, schemas, connection)));
      }
    },
    dump: (database, folder) => dump(database, folder, snapshots.get(keyOf(database)) as Snapshot),
    close,
  };
}

interface Snapshot {
  readonly name: string;
  /** Whether no transaction with an event was open. */
  readonly hasOrderedEvents: boolean;
}

/**
 * Exports a snapshot while no transaction with an event is open. Events get ids before COMMIT and positions later. So an
 * event that is committed after the snapshot could get a position before one that is in the snapshot. A restored history
 * would then differ from the lost one at positions that seem to be the same.
 */
async function exportInOrder(
  connectionString: string,
  schemas: readonly string[],
  connection: Connection,
): Promise<Snapshot> {
  const options = { connectionString, schema: 'pg_catalog', application: 'backup', ...limits };
  const locking = new Connection({ ...options, lockMs: eventLock.ms });
  try {
    await locking.ready();
    const hasOrderedEvents = await lockEvents(locking, schemas);
    return { name: await exportSnapshot(connection), hasOrderedEvents };
  } finally {
    await locking.close();
  }
}

/** Waits until no transaction with an event is open, and blocks new ones. Returns false if that takes too long. */
async function lockEvents(connection: Connection, schemas: readonly string[]): Promise<boolean> {
  const { rows } = await connection.run({
    text: "SELECT schemaname FROM pg_tables WHERE tablename = '__event' AND schemaname = ANY($1::text[])",
    values: [schemas],
  });
  if (rows.length === 0) return true;
  const tables = rows.map(([schema]) => `${quoteName(schema as string)}.__event`).sort();
  for (let left = eventLock.tries; left > 0; left -= 1) {
    await connection.run({ text: 'BEGIN' });
    try {
      await connection.run({ text: `LOCK TABLE ${tables.join(', ')} IN SHARE MODE` });
      return true;
    } catch (error) {
      if (isDisconnected(error)) throw error;
      await connection.run({ text: 'ROLLBACK' });
      // A standby server, or missing rights.
      if (!isConflict(error)) break;
      await sleep(eventLock.pauseMs);
    }
  }
  // Without the lock, for example during a long transaction or VACUUM, the backup is complete, and consumers may handle
  // its last events again after a restore.
  return false;
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
  database: ServerDatabase,
  folder: string,
  { name: snapshot, hasOrderedEvents }: Snapshot,
): Promise<Copy> {
  const { service, url } = database;
  const { schema } = parsePostgresUrl(url, service);
  const content = await readContent(database, snapshot);
  const file = `${service}.dump`;
  const path = join(folder, file);
  closeSync(openSync(path, 'wx', privateFile));
  const pattern = `"${schema.replaceAll('"', '""')}"`;
  await runProgram(
    'pg_dump',
    [
      ...['--format=custom', '--no-owner', '--no-privileges', `--schema=${pattern}`],
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
 * @throws {DatabaseError} if the schema has no tables of a service.
 */
export async function readContent({ service, url }: ServerDatabase, snapshot?: string) {
  const side = await PostgresSide.open(url, service, false, snapshot);
  try {
    const tables = await side.listTables();
    if (tables.length === 0)
      throw unusableDatabase(url, new DatabaseError('it has no tables of this service to back up'));
    const rows: Record<string, number> = {};
    const checksums: Record<string, string> = {};
    for (const { name, columns } of tables) {
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

async function inDatabase<Result>({ url }: ServerDatabase, fn: () => Promise<Result>): Promise<Result> {
  try {
    return await fn();
  } catch (error) {
    throw unusableDatabase(url, error);
  }
}
