import { InsufficientStorage, ServiceUnavailable } from '../../errors/problem.ts';

/** What the disk or another process does wrong, as the client may know it. */
export function toDatabaseError(error: unknown): unknown {
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

export function isBusy(error: unknown): boolean {
  return sqliteCodeOf(error).startsWith('SQLITE_BUSY');
}

/** The code of an error of SQLite, which Drizzle may have wrapped in one of its own; else ''. */
export function sqliteCodeOf(error: unknown): string {
  const { code, cause } = Object(error) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return cause instanceof Error ? sqliteCodeOf(cause) : '';
}
