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
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Client from 'better-sqlite3';
import { makeFolder } from '../../logging/make-folder.ts';
import { DatabaseError, damaged } from '../database-error.ts';
import { isBusy } from './errors.ts';
import { makeWorkFolder } from './work-folder.ts';

/** What SQLite keeps beside a database: its log, the index of that, and the journal of the other mode. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

/** The modes of what is made: for the user of the server alone. What is there keeps its own. */
export const privateFile = 0o600;

/** Up to this size, in bytes, a file is read whole at a start: a tenth of a second. */
const readWhole = 64 * 1024 * 1024;

/**
 * Whether a database is at the path. Only where nothing at all speaks for it may a new one be made.
 * @throws {DatabaseError} where something is there that cannot be used, or where only a part is.
 */
export function assertUsableFile(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) {
    refuseTraces(file);
    return false;
  }
  if (found.isDirectory()) throw new DatabaseError('it is a folder: name a file in the config');
  if (!found.isFile()) throw new DatabaseError('it is no plain file: name another in the config');
  if (found.size === 0) {
    // A new one appears whole, so this one has lost all it had. SQLite would take it for new, and drop its log.
    throw new DatabaseError('it is empty: restore a backup, or move it away to begin anew');
  }
  accessSync(file, constants.R_OK | constants.W_OK);
  accessSync(dirname(realpathSync(file)), constants.W_OK | constants.X_OK);
  return true;
}

/** A file that is missing while there are signs that it should be there. */
function refuseTraces(file: string): void {
  refuseDanglingLink(file);
  const left = sidecars.map((end) => `${file}${end}`).find(existsSync);
  // Another process may have made it meanwhile, and opened it.
  if (left === undefined || existsSync(file)) return;
  throw new DatabaseError(
    `it is missing, and its ${basename(left)} is there: bring it back or restore a backup, or move that away to begin anew`,
  );
}

/** @throws {DatabaseError} where the file, or a folder of its path, is a link to nothing. */
export function refuseDanglingLink(file: string): void {
  for (let path = file; path !== dirname(path); path = dirname(path)) {
    if (existsSync(path)) break;
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    // What has been made since is none to nothing.
    if (isLink && !existsSync(path)) {
      throw new DatabaseError(`${path} is a link to what is not there: mount it, or mend the link`);
    }
  }
}

/**
 * Makes a database that appears at its path whole or not at all: an interrupted start leaves nothing that could be
 * taken for a database, and an empty file is never ours. Of several processes one makes it.
 */
export function createFile(file: string, fill: (client: Client.Database) => void): void {
  makeFolder(dirname(file));
  const folder = makeWorkFolder(file, 'new');
  try {
    const made = join(folder, 'db');
    const client = new Client(made);
    try {
      fill(client);
    } finally {
      client.close();
    }
    // SQLite gives its log and the index of that the same mode.
    chmodSync(made, privateFile);
    // Unlike a rename, this never replaces what another process has made meanwhile.
    linkSync(made, file);
    syncPath(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Has it on disk: of a file its bytes, of a folder the names in it. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a database so that nothing of it changes, its log and the index of that included, and nothing appears
 * beside it. A mere SELECT, also by a connection that may not write, makes both and renews the index; the last one to
 * close folds the log into the file. So it is opened by links to it and to its log in a folder of their own: locked,
 * which keeps the index in memory, and unlinked before it is closed, since SQLite writes no file that has lost its name.
 * @returns false, with nothing read, where another process has it open, or where no links can be made.
 */
export function inspectReadOnly(file: string, read: (client: Client.Database) => void): boolean {
  const real = realpathSync(file);
  let folder: string | undefined;
  try {
    folder = makeWorkFolder(real, 'look');
    const link = join(folder, 'db');
    linkSync(real, link);
    if (existsSync(`${real}-wal`)) linkSync(`${real}-wal`, `${link}-wal`);
    const client = new Client(link, { fileMustExist: true, timeout: 0 });
    try {
      client.pragma('locking_mode = EXCLUSIVE');
      read(client);
    } finally {
      rmSync(link);
      client.close();
    }
    return true;
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    if (isBusy(error) || syscall === 'link' || syscall === 'mkdtemp') return false;
    throw error;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Has all that can be told of damage in passing be told at the start, and not by the first request that meets it.
 * @param client as `lookAt` gives it.
 */
export function checkIntegrity(client: Client.Database): void {
  if (isTruncated(client, client.name)) throw new DatabaseError(damaged);
  if (statSync(client.name).size > readWhole) return;
  if (client.pragma('quick_check(1)', { simple: true }) !== 'ok') throw new DatabaseError(damaged);
}

/** Whether pages are neither in the file nor in its log. SQLite would read them as zeros. */
export function isTruncated(client: Client.Database, file: string): boolean {
  const pageSize = client.pragma('page_size', { simple: true }) as number;
  const pages = client.pragma('page_count', { simple: true }) as number;
  const whole = Math.floor(statSync(file).size / pageSize);
  if (pages <= whole) return false;
  // After a crash, and before a checkpoint, the last pages are in the log alone.
  const logged = listLogged(`${file}-wal`, pageSize);
  for (let page = whole + 1; page <= pages; page += 1) if (!logged.has(page)) return true;
  return false;
}

/** The numbers of the pages that a log has; https://sqlite.org/fileformat.html#the_write_ahead_log. */
function listLogged(wal: string, pageSize: number): Set<number> {
  const [headerSize, frameHeaderSize] = [32, 24];
  const log = existsSync(wal) ? readFileSync(wal) : Buffer.alloc(0);
  const salt = log.subarray(16, 24);
  const pages = new Set<number>();
  const end = log.length - frameHeaderSize - pageSize;
  for (let at = headerSize; at <= end; at += frameHeaderSize + pageSize) {
    if (log.subarray(at + 8, at + 16).equals(salt)) pages.add(log.readUInt32BE(at));
  }
  return pages;
}
