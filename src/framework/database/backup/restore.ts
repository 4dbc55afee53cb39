import { chmodSync, copyFileSync, existsSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Client from 'better-sqlite3';
import { makeFolder } from '../../logging/make-folder.ts';
import { readMigrations } from '../migration-files.ts';
import { isBusy, unusableDatabase } from '../sqlite/errors.ts';
import { assertNoDanglingLink, assertUsableFile, privateFile, sidecars, syncPath } from '../sqlite/files.ts';
import { inspectReadOnly } from '../sqlite/inspect.ts';
import { listPending } from '../sqlite/migrations.ts';
import { makeWorkFolder, removeLeftFolders } from '../sqlite/work-folder.ts';
import {
  BackupError,
  type Copy,
  examineBackup,
  hashFile,
  type Manifest,
  readManifest,
  type ServiceDatabase,
} from './manifest.ts';
import { type Replacement, replaceDatabase, undoReplacement } from './replace.ts';
import { readRestoreNote, removeRestoreNote, writeRestoreNote } from './restore-note.ts';

/** A database that is to be replaced. */
interface Target extends Replacement {
  readonly migrations: URL;
  /** Keeps a server from opening the old one; undefined where it is too damaged to be opened. */
  lock: Client.Database | undefined;
}

export interface RestoreOptions {
  /** Whether databases that are there may be replaced. */
  readonly overwrite: boolean;
  /** The path of the note that keeps servers from starting with some of the databases, see `restoreNoteOf`. */
  readonly note: string;
}

/**
 * Puts the databases of a backup in their places: all of them, or where that fails, none. Those that are there are
 * replaced only with `overwrite`, and only while no process has them open. A restore that was interrupted is undone first.
 * @returns what was restored. Databases that the backup does not have are left as they are.
 * @throws {BackupError} for a backup that is not whole, or does not fit; for databases that are there, or in use.
 */
export async function restoreBackup(
  databases: readonly ServiceDatabase[],
  folder: string,
  { overwrite, note }: RestoreOptions,
): Promise<Manifest> {
  const manifest = readManifest(folder);
  const chosen = databases.filter(({ service }) => Object.hasOwn(manifest.services, service));
  const unknown = Object.keys(manifest.services).find(
    (name) => !chosen.some(({ service }) => service === name),
  );
  if (unknown !== undefined) throw new BackupError(`${unknown} is in the backup, and not in the config`);
  undoInterrupted(note);
  const targets: Target[] = [];
  try {
    for (const database of chosen) targets.push(prepare(database, overwrite));
    for (const target of targets) takeLock(target);
    for (const target of targets) await bring(target, folder, manifest.services[target.service] as Copy);
    replaceAll(targets, folder, note);
    return manifest;
  } finally {
    for (const { lock } of targets) lock?.close();
    if (!existsSync(note)) removeFolders(targets);
  }
}

/**
 * Puts back what a restore had replaced when it was interrupted.
 * @returns the databases that are as they were before; none where no restore was interrupted.
 * @throws {BackupError} where one of them is in use.
 */
export function undoInterrupted(note: string): readonly Replacement[] {
  const databases = readRestoreNote(note)?.databases ?? [];
  for (const { place } of databases) if (existsSync(place)) lockAlone(place)?.close();
  for (const database of databases) undoReplacement(database);
  removeRestoreNote(note);
  removeFolders(databases);
  return databases;
}

function removeFolders(replacements: readonly Replacement[]): void {
  for (const { aside } of replacements) rmSync(aside, { recursive: true, force: true });
}

function prepare(database: ServiceDatabase, overwrite: boolean): Target {
  const { file } = database;
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) assertNoDanglingLink(file);
    const place = found === undefined ? file : realpathSync(file);
    const left = ['', ...sidecars].map((end) => `${place}${end}`).find(existsSync);
    if (left !== undefined && !overwrite) {
      throw new BackupError(`${left} is there: stop the server and say --overwrite to replace it`);
    }
    const isThere = found !== undefined && ((found.isFile() && found.size === 0) || assertUsableFile(file));
    makeFolder(dirname(place));
    removeLeftFolders(file, ['restore']);
    return { ...database, place, isThere, aside: makeWorkFolder(place, 'restore'), lock: undefined };
  } catch (error) {
    throw error instanceof BackupError ? error : unusableDatabase(file, error);
  }
}

/**
 * Opens the old database as the only one who has it, and folds its log into it: all of it is in one file then, and
 * nothing is beside it that could be taken for the log of the new one. One that is too damaged has no lock.
 */
function takeLock(target: Target): void {
  const client = target.isThere ? lockAlone(target.place) : undefined;
  if (client === undefined) return;
  target.lock = client;
  client.pragma('journal_mode = DELETE');
  client.exec('BEGIN EXCLUSIVE');
}

/** Opens a database as the only one who has it; undefined where it is too damaged to be opened. */
function lockAlone(place: string): Client.Database | undefined {
  // Of an empty file SQLite would drop the log, and into a damaged one fold it.
  if (statSync(place).size === 0 || isDamaged(place)) return undefined;
  const client = new Client(place, { fileMustExist: true, timeout: 0 });
  try {
    client.pragma('locking_mode = EXCLUSIVE');
    client.prepare(anyRead).get();
    return client;
  } catch (error) {
    client.close();
    if (isBusy(error)) throw new BackupError(`${place} is in use: stop the server first`);
    if (isOfDamage(error)) return undefined;
    throw unusableDatabase(place, error);
  }
}

/** What makes SQLite read the file and its log. */
const anyRead = 'SELECT count(*) FROM sqlite_schema';

function isDamaged(place: string): boolean {
  try {
    inspectReadOnly(place, (client) => void client.prepare(anyRead).get());
    return false;
  } catch (error) {
    if (isOfDamage(error)) return true;
    throw unusableDatabase(place, error);
  }
}

function isOfDamage(error: unknown): boolean {
  return /^SQLITE_(NOTADB|CORRUPT)/.test((error as { code?: string }).code ?? '');
}

/** Brings the copy to its disk and makes sure of it there: it is what the manifest says, sound, and not too new. */
async function bring(
  { aside, migrations, isThere, place }: Target,
  folder: string,
  copy: Copy,
): Promise<void> {
  const source = join(folder, copy.file);
  const path = join(aside, 'db');
  try {
    copyFileSync(source, path);
    chmodSync(path, isThere ? statSync(place).mode & 0o777 : privateFile);
    const { size, sha256 } = await hashFile(path);
    if (size !== copy.size || sha256 !== copy.sha256) {
      throw new BackupError(`${source} is not what was backed up: its size or SHA-256 is another`);
    }
    const client = new Client(path, { fileMustExist: true });
    try {
      listPending(client, readMigrations(migrations, 'sqlite'));
      const { rows } = examineBackup(client, migrations);
      if (JSON.stringify(rows) !== JSON.stringify(copy.rows)) {
        throw new BackupError(`${source} has not the rows that the manifest says`);
      }
    } finally {
      client.close();
    }
    syncPath(path);
  } catch (error) {
    throw error instanceof BackupError ? error : unusableDatabase(source, error);
  }
}

/** All of them or none, also where this process is killed meanwhile: until the note is gone no server starts. */
function replaceAll(targets: readonly Target[], backup: string, note: string): void {
  const databases = targets.map(({ service, file, place, aside, isThere }) => ({
    ...{ service, file, place, aside, isThere },
  }));
  writeRestoreNote(note, { backup, databases });
  try {
    for (const database of databases) replaceDatabase(database);
  } catch (error) {
    // Where that fails too, the note stays.
    for (const database of databases) undoReplacement(database);
    removeRestoreNote(note);
    throw error;
  }
  removeRestoreNote(note);
}
