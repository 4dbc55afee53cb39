import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DatabaseError } from '../database-error.ts';
import { syncPath } from '../sqlite/files.ts';

/** A restore that has begun to replace databases, and what is needed to undo it. */
const RestoreNote = Type.Object({
  /** The folder of the backup. */
  backup: Type.String(),
  databases: Type.Array(
    Type.Object({
      service: Type.String(),
      /** The path in the config. */
      file: Type.String(),
      /** The same, links followed. */
      place: Type.String(),
      /** A folder beside that: `db` is the new database, `old` the one that it replaces. */
      aside: Type.String(),
      /** Whether there is a database to be replaced. */
      isThere: Type.Boolean(),
    }),
  ),
});
export type RestoreNote = Static<typeof RestoreNote>;

/** Where the databases of a config are noted while they are being replaced: beside the config file. */
export function restoreNoteOf(configFile: string): string {
  return join(dirname(configFile), '.restore');
}

/** Has the note on disk before the first database is replaced. */
export function writeRestoreNote(path: string, note: RestoreNote): void {
  writeFileSync(`${path}.part`, `${JSON.stringify(note, undefined, 2)}\n`, { flush: true, mode: 0o600 });
  renameSync(`${path}.part`, path);
  syncPath(dirname(path));
}

export function removeRestoreNote(path: string): void {
  rmSync(path, { force: true });
  syncPath(dirname(path));
}

/** @throws {DatabaseError} for a note that cannot be read. */
export function readRestoreNote(path: string): RestoreNote | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return Value.Parse(RestoreNote, JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const { code = 'it is not a note of a restore' } = error as NodeJS.ErrnoException;
    throw new DatabaseError(`${path}, which notes an interrupted restore, cannot be read: ${code}`);
  }
}

/**
 * Keeps a database from being used that a restore may have replaced while others of the same backup are still the old
 * ones.
 * @throws {DatabaseError} with what to do.
 */
export function assertNotHalfRestored(path: string, file: string): void {
  const note = readRestoreNote(path);
  if (note === undefined || !note.databases.some((database) => database.file === file)) return;
  throw new DatabaseError(
    `a restore was interrupted: finish it with "./run.sh restore ${note.backup} --overwrite", or undo it with "./run.sh restore --undo"`,
  );
}
