import { isBusy } from './sqlite/errors.ts';

/** What keeps a database from being opened: one line for the person who starts the process. */
export class DatabaseError extends Error {}

/** How long a start waits while another process holds a lock, in ms. */
export const lockWait = 5_000;

/** The error that a person is told: which file, what is wrong with it, and what to do. */
export function unusableDatabase(file: string, error: unknown): DatabaseError {
  return new DatabaseError(`database ${file}: ${explain(error)}`, { cause: error });
}

/** What is wrong, and what to do, in words. */
function explain(error: unknown): string {
  const { code = '', path = 'it' } = error as { code?: string; path?: string };
  if (isBusy(error)) return `another process has held its lock for ${lockWait / 1000} s: stop that one first`;
  if (code.startsWith('SQLITE_NOTADB')) {
    return 'the file is not an SQLite database: name another in the config, or restore a backup';
  }
  if (code.startsWith('SQLITE_CORRUPT')) return damaged;
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') return 'the disk is full: make room';
  if (/^SQLITE_(IOERR|CANTOPEN)/.test(code)) {
    return `it cannot be read or written (${code}): look at the disk, whether it is full, and at the rights`;
  }
  // As by a restore, which had the lock: what is open is the old one, which nobody would find again.
  if (code === 'SQLITE_READONLY_DBMOVED') return 'it was replaced meanwhile: start again';
  if (/^(EACCES|EPERM|EROFS|SQLITE_READONLY\w*)$/.test(code)) {
    return `${path} may not be written (${code}): give this user the right to, or mount the disk for writing`;
  }
  if (code === 'ELOOP')
    return 'its path is a loop of links: mend the links, or name another file in the config';
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return 'a part of its path is a file, no folder: name another in the config';
  }
  return error instanceof Error ? error.message : String(error);
}

export const damaged = 'the file is damaged or cut off: restore a backup';
