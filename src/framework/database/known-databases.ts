import { appendFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reasonOf } from '../errors/reason.ts';
import { getLogger } from '../logging/logger.ts';
import { DatabaseError } from './database-error.ts';

/**
 * Returns the path of the registry of known databases: one path per line. A start does not create a missing database
 * that is listed there. The file is beside the config file, because the data folder may not be mounted.
 */
export function knownDatabasesFile(configFile: string): string {
  return join(dirname(configFile), '.databases');
}

/** @throws {DatabaseError} if the list cannot be read. */
export function isKnownDatabase(knownDatabases: string, file: string): boolean {
  return read(knownDatabases).split('\n').includes(file);
}

/** Adds a database to the list. Several processes may do so at the same time, because each appends a complete line. */
export function rememberDatabase(knownDatabases: string, file: string): void {
  const text = read(knownDatabases);
  if (text.split('\n').includes(file)) return;
  // A full disk may have cut off the last line, so the new entry begins on a new line.
  const start = text === '' || text.endsWith('\n') ? '' : '\n';
  appendFileSync(knownDatabases, `${start}${file}\n`, { flush: true });
}

/** Adds a database that was opened. The start continues if that fails, because the database exists. */
export function rememberOpened(knownDatabases: string | undefined, database: string): void {
  if (knownDatabases === undefined) return;
  try {
    rememberDatabase(knownDatabases, database);
  } catch (err) {
    getLogger().warn(
      { reason: reasonOf(err), database, knownDatabases },
      'the database is not listed as known: if it were missing, a new one would be created',
    );
  }
}

function read(knownDatabases: string): string {
  try {
    return readFileSync(knownDatabases, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new DatabaseError(
      `${knownDatabases}, the list of known databases, cannot be read (${code}). Check its permissions`,
    );
  }
}
