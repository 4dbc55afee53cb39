import { closeSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { makeFolder } from '../../logging/make-folder.ts';
import { DatabaseError } from '../database-error.ts';
import { unusableDatabase } from '../sqlite/errors.ts';
import { assertUsableFile, privateFile, syncPath } from '../sqlite/files.ts';
import {
  type AnyDatabase,
  BackupError,
  type Copy,
  examineBackup,
  hashFile,
  isServerDatabase,
  type Manifest,
  type ServiceDatabase,
  writeManifest,
} from './manifest.ts';
import type { ServerSnapshot } from './postgres-create.ts';

/** How long to wait for a moment in which no database is written, in ms. A busy server leaves many. */
const patience = 5_000;
/** How many pages are copied before a signal is looked at. */
const pagesAtOnce = 1_000;

/**
 * Copies databases, which may be served and written meanwhile, into a folder that is new or empty. All copies are of
 * one instant: what one service knew of another then, the other's copy has. Where it fails, nothing is left.
 * @param version of the program, for the manifest.
 * @throws {BackupError} for a folder that is in use.
 * @throws {DatabaseError} for a database that cannot be read, or is damaged.
 */
export async function createBackup(
  databases: readonly AnyDatabase[],
  folder: string,
  version: string,
): Promise<Manifest> {
  const isNew = claimFolder(folder);
  let snapshot: Awaited<ReturnType<typeof openSnapshot>> | undefined;
  let servers: ServerSnapshot | undefined;
  try {
    const onServers = databases.filter(isServerDatabase);
    if (onServers.length > 0) {
      const { connectServers } = await import('./postgres-create.ts');
      servers = await connectServers(onServers);
    }
    const files = databases.filter((one): one is ServiceDatabase => !isServerDatabase(one));
    snapshot = await openSnapshot(files, async () => servers?.begin());
    const services: Record<string, Copy> = {};
    for (const database of onServers)
      services[database.service] = await (servers as ServerSnapshot).dump(database, folder);
    for (const [database, client] of snapshot.clients) {
      services[database.service] = await copy(client, folder, database).catch((error) => {
        throw unusableDatabase(database.file, error);
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

/** Whether the folder was made. */
function claimFolder(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) {
    makeFolder(folder);
    return true;
  }
  if (!found.isDirectory()) throw new BackupError(`${folder} is a file: name a folder that is new or empty`);
  if (readdirSync(folder).length > 0) {
    throw new BackupError(`${folder} is not empty: name a folder that is new or empty`);
  }
  return false;
}

/**
 * Connections that all see one instant, however long it takes to read them: for some ms nobody may write, wherever,
 * and in that pause each begins its transaction. Writes wait for so long; reads don't.
 * @param whileQuiet is called in that pause.
 */
async function openSnapshot(databases: readonly ServiceDatabase[], whileQuiet: () => Promise<void>) {
  const gates: Client.Database[] = [];
  const clients: [ServiceDatabase, Client.Database][] = [];
  const closeClients = () => {
    for (const [, client] of clients) client.close();
  };
  // The same order in each process, so that two backups at once do not wait for each other.
  const sorted = databases.toSorted((one, other) => (one.file < other.file ? -1 : 1));
  try {
    // Opened before anybody has to wait.
    for (const database of sorted) {
      inFile(database, (file) => {
        gates.push(new Client(file, { fileMustExist: true, timeout: patience }));
        clients.push([database, new Client(file, { fileMustExist: true, timeout: patience })]);
      });
    }
    for (const [index, database] of sorted.entries()) {
      inFile(database, () => gates[index]?.exec('BEGIN IMMEDIATE'));
    }
    for (const [database, client] of clients) {
      inFile(database, () => {
        client.exec('BEGIN');
        client.prepare('SELECT count(*) FROM sqlite_schema').get();
      });
    }
    await whileQuiet();
    return { time: new Date().toISOString(), clients, close: closeClients };
  } catch (error) {
    closeClients();
    throw error;
  } finally {
    for (const gate of gates) gate.close();
  }
}

function inFile({ file }: ServiceDatabase, fn: (file: string) => void): void {
  try {
    if (!assertUsableFile(file)) throw new DatabaseError('it is not there, so there is nothing to back up');
    fn(file);
  } catch (error) {
    throw unusableDatabase(file, error);
  }
}

async function copy(
  source: Client.Database,
  folder: string,
  { service, migrations }: ServiceDatabase,
): Promise<Copy> {
  const name = `${service}.db`;
  const path = join(folder, name);
  closeSync(openSync(path, 'wx', privateFile));
  await source.backup(path, { progress: () => pagesAtOnce });
  const client = new Client(path, { fileMustExist: true });
  let found: ReturnType<typeof examineBackup>;
  try {
    // One file and nothing beside it, which a copy of that file has whole.
    client.pragma('journal_mode = DELETE');
    found = examineBackup(client, migrations);
  } finally {
    client.close();
  }
  syncPath(path);
  return { file: name, ...(await hashFile(path)), ...found };
}
