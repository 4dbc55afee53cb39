import { InsufficientStorage, Unavailable } from '../../errors/problem.ts';

/** What the disk or another process does wrong, as the client may know it. */
export function translate(error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'SQLITE_FULL') return new InsufficientStorage('The disk is full', { cause: error });
  if (isBusy(error)) return new Unavailable('The database is busy', { cause: error });
  return isOfDisk(error) ? new Unavailable('The database cannot be written', { cause: error }) : error;
}

export function isOfDisk(error: unknown): boolean {
  return /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB)/.test(codeOf(error));
}

export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY');
}

/** The code of an error of SQLite, which Drizzle may have wrapped in one of its own; else ''. */
export function codeOf(error: unknown): string {
  const { code, cause } = Object(error) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return cause instanceof Error ? codeOf(cause) : '';
}
