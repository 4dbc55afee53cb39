import { chmodSync, copyFileSync, existsSync, linkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Client from 'better-sqlite3';
import { makeFolder } from '../../logging/make-folder.ts';
import { rememberDatabase } from '../known-databases.ts';
import { readMigrations } from '../migration-files.ts';
import { isDiskFull, unusableDatabase } from '../sqlite/errors.ts';
import { assertNoDanglingLink, privateFile, sidecars, syncPath } from '../sqlite/files.ts';
import { listPending } from '../sqlite/migrations.ts';
import { makeWorkFolder, removeLeftFolders } from '../sqlite/work-folder.ts';
import {
  BackupError,
  type Copy,
  examineBackup,
  isEqualToCopy,
  isPostgres,
  type Manifest,
  readManifest,
  type ServiceDatabase,
  type SqliteDatabase,
} from './manifest.ts';
import { findPostgresTarget, type PostgresTarget, restorePostgresTarget } from './postgres-restore.ts';

/** A database that is to be restored. */
interface Target extends SqliteDatabase {
  readonly copy: Copy;
  /** The path of the database, links followed. */
  readonly path: string;
}

/** A target with a verified copy in a folder beside its path. */
interface StagedTarget extends Target {
  readonly workFolder: string;
}

/**
 * Restores the databases of a backup to their paths. It replaces nothing: a database that exists must be moved away
 * first. A database that is equal to its copy is already restored, so an interrupted restore can run again.
 * @param knownDatabases the registry of known databases. It prevents a server that starts meanwhile from creating
 * an empty database instead of a missing one.
 * @returns the manifest of the backup. Databases that are not in the backup stay as they are.
 * @throws {BackupError} if the backup is incomplete or does not match the config, or if a database exists.
 */
export async function restoreBackup(
  databases: readonly ServiceDatabase[],
  folder: string,
  knownDatabases: string,
): Promise<Manifest> {
  const manifest = readManifest(folder);
  assertMatching(databases, manifest);
  const files = databases.filter((database) => 'file' in database);
  const targets = await findTargets(files, manifest);
  const onServers = await findPostgresTargets(databases, manifest, folder);
  const staged: StagedTarget[] = [];
  try {
    for (const target of targets) staged.push(await stage(target, folder));
    for (const { file } of staged) rememberDatabase(knownDatabases, file);
    for (const { knownAs } of onServers) rememberDatabase(knownDatabases, knownAs);
    for (const target of onServers) await restorePostgresTarget(target, folder);
    linkAll(staged);
    return manifest;
  } finally {
    for (const { workFolder } of staged) rmSync(workFolder, { recursive: true, force: true });
  }
}

/** @throws {BackupError} if the backup has a service that the config does not have, or has in another kind of database. */
function assertMatching(databases: readonly ServiceDatabase[], { services }: Manifest): void {
  for (const [name, copy] of Object.entries(services)) {
    const database = databases.find(({ service }) => service === name);
    if (database === undefined) throw new BackupError(`${name} is in the backup, but not in the config`);
    if (isPostgres(database) === (copy.schema !== undefined)) continue;
    const [of, other] = copy.schema === undefined ? ['SQLite', 'PostgreSQL'] : ['PostgreSQL', 'SQLite'];
    throw new BackupError(
      `${name} was in ${of} when it was backed up, and the config names ${other}. Restore it to ${of}, then run "./run.sh migrate copy ${name}"`,
    );
  }
}

/** Returns the schemas that are not restored yet. */
async function findPostgresTargets(
  databases: readonly ServiceDatabase[],
  { services }: Manifest,
  folder: string,
): Promise<PostgresTarget[]> {
  const targets: PostgresTarget[] = [];
  for (const database of databases.filter(isPostgres)) {
    const copy = services[database.service];
    if (copy === undefined) continue;
    const target = await findPostgresTarget(database, copy, folder);
    if (target !== undefined) targets.push(target);
  }
  return targets;
}

/** Returns the files that are not restored yet. */
async function findTargets(databases: readonly SqliteDatabase[], { services }: Manifest): Promise<Target[]> {
  const targets: Target[] = [];
  const existing: string[] = [];
  for (const database of databases) {
    const copy = services[database.service];
    if (copy === undefined) continue;
    const path = resolvePath(database.file);
    removeLeftFolders(path, ['restore']);
    const files = ['', ...sidecars].map((end) => `${path}${end}`).filter(existsSync);
    if (files.length === 0) targets.push({ ...database, copy, path });
    else if (!(await isRestored(files, path, copy))) existing.push(...files);
  }
  if (existing.length === 0) return targets;
  throw new BackupError(
    `a restore replaces nothing, and these files exist: ${existing.join(', ')}. Stop the server, move them away, and run the restore again`,
  );
}

function resolvePath(file: string): string {
  try {
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) return realpathSync(file);
    assertNoDanglingLink(file);
    return file;
  } catch (error) {
    throw unusableDatabase(file, error);
  }
}

async function isRestored(files: readonly string[], path: string, copy: Copy): Promise<boolean> {
  if (files.length > 1 || !statSync(path).isFile()) return false;
  return isEqualToCopy(path, copy);
}

/** Copies a database to a folder beside its path, and verifies the copy there. */
async function stage(target: Target, backup: string): Promise<StagedTarget> {
  const { copy, path, migrations } = target;
  const source = join(backup, copy.file);
  let workFolder: string | undefined;
  try {
    makeFolder(dirname(path));
    workFolder = makeWorkFolder(path, 'restore');
    const staged = join(workFolder, 'db');
    copyFileSync(source, staged);
    chmodSync(staged, privateFile);
    if (!(await isEqualToCopy(staged, copy))) {
      throw new BackupError(`${source} has another size or SHA-256 than its manifest says`);
    }
    verify(staged, migrations, copy, source);
    syncPath(staged);
    return { ...target, workFolder };
  } catch (error) {
    if (workFolder !== undefined) rmSync(workFolder, { recursive: true, force: true });
    if (error instanceof BackupError) throw error;
    // Until the work folder exists, the error is not about the copy.
    throw unusableDatabase(workFolder === undefined || isDiskFull(error) ? path : source, error);
  }
}

/** @throws if the integrity, the migrations, the schema or the rows of a copy are wrong. */
function verify(staged: string, migrations: URL, copy: Copy, source: string): void {
  const client = new Client(staged, { fileMustExist: true });
  try {
    listPending(client, readMigrations(migrations, 'sqlite'));
    const { rows } = examineBackup(client, migrations);
    if (JSON.stringify(rows) === JSON.stringify(copy.rows)) return;
    throw new BackupError(`${source} has other rows than its manifest says`);
  } finally {
    client.close();
  }
}

/** Links all databases to their paths, or none. A link never replaces a file that another process creates meanwhile. */
function linkAll(targets: readonly StagedTarget[]): void {
  const linked: string[] = [];
  try {
    for (const { path, workFolder } of targets) {
      linkSync(join(workFolder, 'db'), path);
      linked.push(path);
      syncPath(dirname(path));
    }
  } catch (error) {
    for (const path of linked) rmSync(path);
    throw error;
  }
}
