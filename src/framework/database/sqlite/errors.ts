import { InsufficientStorage, ServiceUnavailable } from '../../errors/problem.ts';
import { DatabaseError } from '../database-error.ts';

/** How long a start, a write or a backup waits while another process holds a lock, in ms. */
export const lockWaitMs = 5_000;

/** The message for a file whose content is not what SQLite wrote. */
export const damaged = 'the file is corrupt or truncated. Restore a backup';

/** Converts an error of a write to the problem that the client gets. Other errors stay as they are. */
export function toProblem(error: unknown): unknown {
  const code = sqliteCodeOf(error);
  if (code === 'SQLITE_FULL') return new InsufficientStorage('The disk is full', { cause: error });
  if (isBusy(error)) return new ServiceUnavailable('The database is busy', { cause: error });
  return isDiskError(error)
    ? new ServiceUnavailable('The database cannot be written', { cause: error })
    : error;
}

export function isDiskError(error: unknown): boolean {
  return /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB)/.test(sqliteCodeOf(error));
}

/** Whether a disk is full. SQLite and Node report it. */
export function isDiskFull(error: unknown): boolean {
  return /^(SQLITE_FULL|ENOSPC)$/.test(sqliteCodeOf(error));
}

export function isBusy(error: unknown): boolean {
  return sqliteCodeOf(error).startsWith('SQLITE_BUSY');
}

/** The code of an error of SQLite or Node. Empty for other errors. */
export function sqliteCodeOf(error: unknown): string {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** Converts an error of opening, copying or restoring a file to one line for the user. */
export function unusableDatabase(file: string, error: unknown): DatabaseError {
  return new DatabaseError(`database ${file}: ${explain(error)}`, { cause: error });
}

function explain(error: unknown): string {
  const { code = '', path = 'the file' } = error as { code?: string; path?: string };
  if (isBusy(error)) {
    return `another process has held its lock for ${lockWaitMs / 1000} s. Stop that process first`;
  }
  if (code.startsWith('SQLITE_NOTADB')) {
    return 'the file is not an SQLite database. Name another file in the config, or restore a backup';
  }
  if (code.startsWith('SQLITE_CORRUPT')) return damaged;
  if (isDiskFull(error)) return 'the disk is full. Free some space';
  if (/^SQLITE_(IOERR|CANTOPEN)/.test(code)) {
    return `the file cannot be read or written (${code}). Check the disk, its free space and the permissions`;
  }
  // For example, a restore has replaced the file. This process has the old file open, which a later start would not
  // find.
  if (code === 'SQLITE_READONLY_DBMOVED') return 'the file was replaced during the start. Start again';
  if (/^(EACCES|EPERM|EROFS|SQLITE_READONLY\w*)$/.test(code)) {
    return `${path} cannot be accessed (${code}). Give this user read and write permission, or mount the disk writable`;
  }
  if (code === 'ELOOP') {
    return 'its path is a loop of links. Fix the links, or name another file in the config';
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return 'a part of its path is a file, not a folder. Name another file in the config';
  }
  return error instanceof Error ? error.message : String(error);
}
