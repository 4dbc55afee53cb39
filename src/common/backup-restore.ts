import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Client from 'better-sqlite3';
import {
  BackupError,
  type Copy,
  examine,
  hashFile,
  type Manifest,
  readManifest,
  type ServiceDatabase,
} from './backup-manifest.ts';
import { refuse } from './database-error.ts';
import { findFile, lookAt, refuseDanglingLink, sidecars, syncPath } from './database-file.ts';
import { listPending } from './database-migrations.ts';
import { readMigrationFiles } from './drizzle.ts';
import { isBusy } from './sqlite-error.ts';

/** A database on its way to its place. */
interface Replacement extends ServiceDatabase {
  /** Where it is to be, links followed. */
  readonly place: string;
  /** A folder of its own beside that: `db` is the new one, `old` the one that it replaces. */
  readonly aside: string;
  readonly isThere: boolean;
  /** Keeps a server from opening the old one; undefined where it is too damaged to be opened. */
  lock: Client.Database | undefined;
}

/**
 * Puts the databases of a backup in their places: all of them, or where that fails, none. Those that are there are
 * replaced only with `overwrite`, and only while no process has them open.
 * @returns what was restored. Databases that the backup does not have are left as they are.
 * @throws {BackupError} for a backup that is not whole, or does not fit; for databases that are there, or in use.
 */
export async function restore(
  databases: readonly ServiceDatabase[],
  folder: string,
  { overwrite }: { readonly overwrite: boolean },
): Promise<Manifest> {
  const manifest = readManifest(folder);
  const chosen = databases.filter(({ service }) => Object.hasOwn(manifest.services, service));
  const unknown = Object.keys(manifest.services).find(
    (name) => !chosen.some(({ service }) => service === name),
  );
  if (unknown !== undefined) throw new BackupError(`${unknown} is in the backup, and not in the config`);
  const replacements: Replacement[] = [];
  try {
    for (const database of chosen) replacements.push(prepare(database, overwrite));
    for (const replacement of replacements) takeLock(replacement);
    for (const replacement of replacements) {
      await bring(replacement, folder, manifest.services[replacement.service] as Copy);
    }
    replaceAll(replacements);
    return manifest;
  } finally {
    for (const { lock, aside } of replacements) {
      lock?.close();
      rmSync(aside, { recursive: true, force: true });
    }
  }
}

function prepare(database: ServiceDatabase, overwrite: boolean): Replacement {
  const { file } = database;
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) refuseDanglingLink(file);
    const place = found === undefined ? file : realpathSync(file);
    const left = ['', ...sidecars].map((end) => `${place}${end}`).find(existsSync);
    if (left !== undefined && !overwrite) {
      throw new BackupError(`${left} is there: stop the server and say --overwrite to replace it`);
    }
    const isThere = found !== undefined && ((found.isFile() && found.size === 0) || findFile(file));
    mkdirSync(dirname(place), { recursive: true });
    return { ...database, place, isThere, aside: mkdtempSync(`${place}.restore-`), lock: undefined };
  } catch (error) {
    throw error instanceof BackupError ? error : refuse(file, error);
  }
}

/**
 * Opens the old database as the only one who has it, and folds its log into it: all of it is in one file then, and
 * nothing is beside it that could be taken for the log of the new one. One that is too damaged has no lock.
 */
function takeLock(replacement: Replacement): void {
  const { place, isThere } = replacement;
  // Of an empty file SQLite would drop the log, and into a damaged one fold it.
  if (!isThere || statSync(place).size === 0 || isDamaged(place)) return;
  const client = new Client(place, { fileMustExist: true, timeout: 0 });
  try {
    client.pragma('locking_mode = EXCLUSIVE');
    client.prepare(anyRead).get();
    client.pragma('journal_mode = DELETE');
    client.exec('BEGIN EXCLUSIVE');
    replacement.lock = client;
  } catch (error) {
    client.close();
    if (isBusy(error)) throw new BackupError(`${place} is in use: stop the server first`);
    if (!isOfDamage(error)) throw refuse(place, error);
  }
}

/** What makes SQLite read the file and its log. */
const anyRead = 'SELECT count(*) FROM sqlite_schema';

function isDamaged(place: string): boolean {
  try {
    lookAt(place, (client) => void client.prepare(anyRead).get());
    return false;
  } catch (error) {
    if (isOfDamage(error)) return true;
    throw refuse(place, error);
  }
}

function isOfDamage(error: unknown): boolean {
  return /^SQLITE_(NOTADB|CORRUPT)/.test((error as { code?: string }).code ?? '');
}

/** Brings the copy to its disk and makes sure of it there: it is what the manifest says, sound, and not too new. */
async function bring({ aside, migrations }: Replacement, folder: string, copy: Copy): Promise<void> {
  const source = join(folder, copy.file);
  const path = join(aside, 'db');
  try {
    copyFileSync(source, path);
    const { size, sha256 } = await hashFile(path);
    if (size !== copy.size || sha256 !== copy.sha256) {
      throw new BackupError(`${source} is not what was backed up: its size or SHA-256 is another`);
    }
    const client = new Client(path, { fileMustExist: true });
    try {
      listPending(client, readMigrationFiles({ migrationsFolder: fileURLToPath(migrations) }));
      const { rows } = examine(client);
      if (JSON.stringify(rows) !== JSON.stringify(copy.rows)) {
        throw new BackupError(`${source} has not the rows that the manifest says`);
      }
    } finally {
      client.close();
    }
    syncPath(path);
  } catch (error) {
    throw error instanceof BackupError ? error : refuse(source, error);
  }
}

function replaceAll(replacements: readonly Replacement[]): void {
  const undo: (() => void)[] = [];
  try {
    for (const replacement of replacements) replace(replacement, undo);
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** There is never a moment without a database in its place, which a server that starts could fill with a new one. */
function replace({ place, aside, isThere }: Replacement, undo: (() => void)[]): void {
  const [made, old] = [join(aside, 'db'), join(aside, 'old')];
  if (isThere) linkSync(place, old);
  for (const end of sidecars.filter((end) => existsSync(`${place}${end}`))) {
    renameSync(`${place}${end}`, `${old}${end}`);
    undo.push(() => renameSync(`${old}${end}`, `${place}${end}`));
  }
  // On disk before the new one is: the log of the old one must never be found beside it.
  syncPath(dirname(place));
  if (isThere) renameSync(made, place);
  else linkSync(made, place);
  undo.push(() => (isThere ? renameSync(old, place) : rmSync(place)));
  syncPath(dirname(place));
}
