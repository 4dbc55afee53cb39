import { appendFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseError } from './database-error.ts';

/**
 * Where the databases of a config are recorded: beside the config file, one path a line. Not in their own folder,
 * since that is what is away with a mount that is away.
 */
export function knownDatabasesFile(configFile: string): string {
  return join(dirname(configFile), '.databases');
}

/**
 * Whether this database has been there before.
 * @throws {DatabaseError} where that cannot be told.
 */
export function isKnownDatabase(record: string, file: string): boolean {
  return read(record).split('\n').includes(file);
}

/** Remembers that this database has been there. Several processes may do so at once: a line is appended whole. */
export function rememberDatabase(record: string, file: string): void {
  const text = read(record);
  if (text.split('\n').includes(file)) return;
  // What a full disk has cut must not swallow the next line.
  const start = text === '' || text.endsWith('\n') ? '' : '\n';
  appendFileSync(record, `${start}${file}\n`, { flush: true });
}

function read(record: string): string {
  try {
    return readFileSync(record, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new DatabaseError(`${record}, which says what databases there were, cannot be read (${code})`);
  }
}
