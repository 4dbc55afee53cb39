import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** A folder of this age is abandoned, even if it is not known whether its process runs. */
const maxAgeMs = 60 * 60 * 1000;

/** The purpose of a folder beside a database. */
type Purpose = 'look' | 'new' | 'restore';

/** Linux lists its processes in /proc. On other systems only the age of a folder counts. */
const ownPid = tryTo(() => readlinkSync('/proc/self')) ?? 'x';
const host = hostname().replace(/[^\w.]/g, '_');

/** Creates a folder beside a file, named after this process. The caller removes it. */
export function makeWorkFolder(file: string, purpose: Purpose): string {
  return mkdtempSync(`${file}.${purpose}-${host}-${ownPid}-`);
}

/**
 * Removes the work folders of killed processes. They hold links to the database and its log, so the disk space of those
 * would never be freed. Call it before this process creates a folder. Several processes may call it at the same time.
 */
export function removeLeftFolders(file: string, purposes: readonly Purpose[]): void {
  for (const path of new Set([file, tryTo(() => realpathSync(file)) ?? file])) {
    for (const name of tryTo(() => readdirSync(dirname(path))) ?? []) {
      const folder = join(dirname(path), name);
      const isWorkFolder = purposes.some((purpose) => name.startsWith(`${basename(path)}.${purpose}-`));
      // Another process may have removed it since.
      if (isWorkFolder && isAbandoned(folder)) tryTo(() => rmSync(folder, { recursive: true, force: true }));
    }
  }
}

function isAbandoned(folder: string): boolean {
  const found = tryTo(() => statSync(folder));
  if (found?.isDirectory() !== true) return false;
  if (Date.now() - found.mtimeMs > maxAgeMs) return true;
  const [, createdOn, pid] = /-([\w.]+)-(\d+)-[^-]{6}$/.exec(folder) ?? [];
  // A folder with the id of this process is from an earlier container, because this process has created none yet.
  return createdOn === host && ownPid !== 'x' && (pid === ownPid || !existsSync(`/proc/${pid}`));
}

function tryTo<Result>(fn: () => Result): Result | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}
