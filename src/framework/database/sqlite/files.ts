import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Client from 'better-sqlite3';
import { makeFolder } from '../../logging/make-folder.ts';
import { DatabaseError } from '../database-error.ts';
import { makeWorkFolder } from './work-folder.ts';

/** The files that SQLite keeps beside a database: its log, the index of the log, and the rollback journal. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

/** The mode of created files: only the user of the server has access. Existing files keep their mode. */
export const privateFile = 0o600;

/**
 * Returns whether a database exists at the path. If it returns false, a new database may be created there.
 * @throws {DatabaseError} if the path is not a usable file, or if only remains of a database exist.
 */
export function assertUsableFile(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) {
    assertNoRemains(file);
    return false;
  }
  if (found.isDirectory()) throw new DatabaseError('it is a folder. Name a file in the config');
  if (!found.isFile()) throw new DatabaseError('it is not a regular file. Name another file in the config');
  if (found.size === 0) {
    // Databases are created atomically, so an empty file has lost its data. SQLite would discard its log.
    throw new DatabaseError(
      'the file is empty. Restore a backup, or move the file away to start with a new database',
    );
  }
  accessSync(file, constants.R_OK | constants.W_OK);
  accessSync(dirname(realpathSync(file)), constants.W_OK | constants.X_OK);
  return true;
}

/** @throws {DatabaseError} if the file is missing, but its log or a link to it exists. */
function assertNoRemains(file: string): void {
  assertNoDanglingLink(file);
  const left = sidecars.map((end) => `${file}${end}`).find(existsSync);
  // Another process may have created and opened the file since.
  if (left === undefined || existsSync(file)) return;
  throw new DatabaseError(
    `the file is missing, but ${basename(left)} exists. Put the file back, restore a backup, or move ${basename(left)} away to start with a new database`,
  );
}

/** @throws {DatabaseError} if the file, or a folder of its path, is a link without a target. */
export function assertNoDanglingLink(file: string): void {
  for (let path = file; path !== dirname(path); path = dirname(path)) {
    if (existsSync(path)) break;
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    // The target may have been created since.
    if (isLink && !existsSync(path)) {
      throw new DatabaseError(`${path} is a link to a missing file. Mount its target, or fix the link`);
    }
  }
}

/**
 * Creates a database atomically: an interrupted start leaves no incomplete and no empty file. If several processes
 * create it at the same time, the first one wins.
 */
export function createFile(file: string, fill: (client: Client.Database) => void): void {
  makeFolder(dirname(file));
  const folder = makeWorkFolder(file, 'new');
  try {
    const created = join(folder, 'db');
    const client = new Client(created);
    try {
      fill(client);
    } finally {
      client.close();
    }
    // SQLite creates the log and its index with the mode of the file.
    chmodSync(created, privateFile);
    // A link, unlike a rename, never replaces what another process has created since.
    linkSync(created, file);
    syncPath(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Flushes a file, or the names in a folder, to disk. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
