import { closeSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { makeFolder } from '../../logging/make-folder.ts';
import { DatabaseError } from '../database-error.ts';
import { copyKinds } from '../event-tables.ts';
import { isBusy, isDiskFull, lockWaitMs, unusableDatabase } from '../sqlite/errors.ts';
import { assertUsableFile, privateFile, syncPath } from '../sqlite/files.ts';
import {
  BackupError,
  type Copy,
  examineBackup,
  hashFile,
  isPostgres,
  type Manifest,
  type ServiceDatabase,
  type SqliteDatabase,
  unfinishedManifest,
  writeManifest,
} from './manifest.ts';
import { connectServers, type PostgresSnapshot } from './postgres-create.ts';

/** The number of pages that are copied in one step. Between two steps the process can handle a signal. */
const pagesPerStep = 1_000;

/** ms of a try to lock a file, and of the pause after it. Writes to the other databases wait behind a try. */
const tries = { tryMs: 50, pauseMs: 50 };

/**
 * Copies databases into a folder that is new or empty. Servers may read and write the databases meanwhile. All copies
 * are of the same point in time, so that references between services stay valid. After an error, no copy is left.
 * @param version the version of the program, for the manifest.
 * @throws {BackupError} if the folder is a file or not empty.
 * @throws {DatabaseError} if a database cannot be read, or is damaged.
 */
export async function createBackup(
  databases: readonly ServiceDatabase[],
  folder: string,
  version: string,
): Promise<Manifest> {
  const isNew = claimFolder(folder);
  let snapshot: Awaited<ReturnType<typeof openSnapshot>> | undefined;
  let servers: PostgresSnapshot | undefined;
  try {
    const onServers = databases.filter(isPostgres);
    if (onServers.length > 0) servers = await connectServers(onServers);
    const files = databases.filter((database) => 'file' in database);
    snapshot = await openSnapshot(files, servers);
    const services: Record<string, Copy> = {};
    for (const database of onServers)
      services[database.service] = await (servers as PostgresSnapshot).dump(database, folder);
    for (const [database, client] of snapshot.clients) {
      services[database.service] = await copy(client, folder, database).catch((error) => {
        throw unusableDatabase(
          isDiskFull(error) ? join(folder, `${database.service}.db`) : database.file,
          error,
        );
      });
    }
    const manifest: Manifest = { format: 1, time: snapshot.time, version, services };
    writeManifest(folder, manifest);
    return manifest;
  } catch (error) {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
    if (isNew) rmSync(folder, { recursive: true, force: true });
    throw error;
  } finally {
    snapshot?.close();
    await servers?.close();
  }
}

/** Claims the folder for this process, and returns whether it created the folder. */
function claimFolder(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) makeFolder(folder);
  else if (!found.isDirectory())
    throw new BackupError(`${folder} is a file: name a folder that is new or empty`);
  const claim = join(folder, unfinishedManifest);
  const isClaimed = tryToCreate(claim);
  // Look after the claim, because another process may back up to the same folder.
  if (isClaimed && readdirSync(folder).length === 1) return found === undefined;
  if (isClaimed) rmSync(claim);
  throw new BackupError(`${folder} is not empty: name a folder that is new or empty`);
}

/** Creates an empty file. Returns false if it exists. */
function tryToCreate(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', privateFile));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Opens connections that see the databases at the same point in time, however long reading takes. It locks all
 * databases for some ms, and each connection begins its transaction meanwhile. Writes wait for the lock; reads do not.
 */
async function openSnapshot(databases: readonly SqliteDatabase[], servers: PostgresSnapshot | undefined) {
  const locks: Client.Database[] = [];
  const clients: [SqliteDatabase, Client.Database][] = [];
  const closeClients = () => {
    for (const [, client] of clients) client.close();
  };
  // All processes lock in the same order, so that two concurrent backups do not wait for each other.
  const sorted = databases.toSorted((one, other) => (one.file < other.file ? -1 : 1));
  try {
    // Open all connections before the first lock, so that writes wait only briefly.
    for (const database of sorted) {
      inFile(database, (file) => {
        locks.push(new Client(file, { fileMustExist: true, timeout: tries.tryMs }));
        clients.push([database, new Client(file, { fileMustExist: true, timeout: lockWaitMs })]);
      });
    }
    await lockTogether(sorted, locks, servers);
    for (const [database, client] of clients) {
      inFile(database, () => {
        client.exec('BEGIN');
        client.prepare('SELECT count(*) FROM sqlite_schema').get();
      });
    }
    await servers?.begin();
    return { time: new Date().toISOString(), clients, close: closeClients };
  } catch (error) {
    closeClients();
    throw error;
  } finally {
    for (const lock of locks) lock.close();
  }
}

/** Locks the events on the servers, and all files. Tries again for `lockWaitMs`, without any lock between two tries. */
async function lockTogether(
  databases: readonly SqliteDatabase[],
  locks: readonly Client.Database[],
  servers: PostgresSnapshot | undefined,
): Promise<void> {
  const end = performance.now() + lockWaitMs;
  for (;;) {
    // Before the files are locked, because it may wait 2 s.
    await servers?.lockEvents();
    try {
      for (const [index, database] of databases.entries()) {
        inFile(database, () => locks[index]?.exec('BEGIN IMMEDIATE'));
      }
      return;
    } catch (error) {
      // `inFile` wraps the error of SQLite.
      if (!isBusy((error as Error).cause) || performance.now() > end) throw error;
    }
    for (const lock of locks) if (lock.inTransaction) lock.exec('ROLLBACK');
    await servers?.unlockEvents();
    await sleep(tries.pauseMs);
  }
}

function inFile({ file }: SqliteDatabase, fn: (file: string) => void): void {
  try {
    if (!assertUsableFile(file)) throw new DatabaseError('the file is missing: there is nothing to back up');
    fn(file);
  } catch (error) {
    throw unusableDatabase(file, error);
  }
}

async function copy(
  source: Client.Database,
  folder: string,
  { service, migrations }: SqliteDatabase,
): Promise<Copy> {
  const name = `${service}.db`;
  const path = join(folder, name);
  closeSync(openSync(path, 'wx', privateFile));
  await source.backup(path, { progress: () => pagesPerStep });
  const client = new Client(path, { fileMustExist: true });
  let found: ReturnType<typeof examineBackup>;
  try {
    // Without a write-ahead log, a plain copy of this file is complete.
    client.pragma('journal_mode = DELETE');
    // Mark the feed as a copy, so that a server that starts on the copy begins another history of its events. SQLite
    // gives ids in the order of commits. A database of an older version has no feed.
    if (client.prepare("SELECT 1 FROM sqlite_schema WHERE name = '__feed'").get() !== undefined)
      client.exec(`UPDATE __feed SET is_copy = ${copyKinds.ordered}`);
    found = examineBackup(client, migrations);
  } finally {
    client.close();
  }
  syncPath(path);
  return { file: name, ...(await hashFile(path)), ...found };
}
