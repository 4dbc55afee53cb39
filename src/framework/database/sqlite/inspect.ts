import { existsSync, linkSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { DatabaseError } from '../database-error.ts';
import { damaged, isBusy } from './errors.ts';
import { makeWorkFolder } from './work-folder.ts';

/** The maximum size of a file that a start checks completely. A check of this size takes a tenth of a second. */
const quickCheckMaxBytes = 64 * 1024 * 1024;

/**
 * Reads a database without changing its file or its log, and without creating anything beside them. Even a SELECT on a
 * read-only connection would create the log and its index, and the last connection to close folds the log into the file.
 * So this opens links to both in a separate folder, with an exclusive lock, which keeps the index in memory. It removes
 * the link before it closes the connection, because SQLite does not write to a file that has lost its name.
 * @returns the result of `read`; undefined, without reading, if another process has the database open or if links are
 * not supported.
 */
export function inspectReadOnly<Result>(
  file: string,
  read: (client: Client.Database) => Result,
): Result | undefined {
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
      return read(client);
    } finally {
      rmSync(link);
      client.close();
    }
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    if (isBusy(error) || syscall === 'link' || syscall === 'mkdtemp') return undefined;
    throw error;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Reports damage at the start that a request would meet later.
 * @param client a connection of `inspectReadOnly`.
 * @throws {DatabaseError}
 */
export function checkIntegrity(client: Client.Database): void {
  if (isTruncated(client, client.name)) throw new DatabaseError(damaged);
  if (statSync(client.name).size > quickCheckMaxBytes) return;
  if (client.pragma('quick_check(1)', { simple: true }) !== 'ok') throw new DatabaseError(damaged);
}

/** Returns which rows violate a foreign key, as a part of a message; undefined if none does. */
export function findOrphans(client: Client.Database): string | undefined {
  const [orphan] = client.pragma('foreign_key_check') as { table: string; parent: string }[];
  return orphan && `rows of ${orphan.table} refer to missing rows of ${orphan.parent}`;
}

/** Returns whether a page is neither in the file nor in its log. SQLite would read it as zeros. */
export function isTruncated(client: Client.Database, file: string): boolean {
  const pageSize = client.pragma('page_size', { simple: true }) as number;
  const pages = client.pragma('page_count', { simple: true }) as number;
  const complete = Math.floor(statSync(file).size / pageSize);
  if (pages <= complete) return false;
  // After a crash and before a checkpoint, the last pages are only in the log.
  const logged = listLoggedPages(`${file}-wal`, pageSize);
  for (let page = complete + 1; page <= pages; page += 1) if (!logged.has(page)) return true;
  return false;
}

/** The page numbers in a log: https://sqlite.org/fileformat.html#the_write_ahead_log. */
function listLoggedPages(wal: string, pageSize: number): Set<number> {
  const [headerSize, frameHeaderSize] = [32, 24];
  const log = existsSync(wal) ? readFileSync(wal) : Buffer.alloc(0);
  // A frame with another salt belongs to an earlier use of the log file.
  const salt = log.subarray(16, 24);
  const pages = new Set<number>();
  const end = log.length - frameHeaderSize - pageSize;
  for (let at = headerSize; at <= end; at += frameHeaderSize + pageSize) {
    if (log.subarray(at + 8, at + 16).equals(salt)) pages.add(log.readUInt32BE(at));
  }
  return pages;
}
