import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** After this a folder is left over, also where its process cannot be asked for, in ms. */
const maxAge = 60 * 60 * 1000;

/** What a folder beside a database is for. */
type Purpose = 'look' | 'new' | 'restore';

/** Linux shows the processes that run as folders. Elsewhere age alone decides. */
const ownPid = tryTo(() => readlinkSync('/proc/self')) ?? 'x';
const host = hostname().replace(/[^\w.]/g, '_');

/** Makes a folder beside a file, named after this process, which removes it when it is done. */
export function makeWorkFolder(file: string, purpose: Purpose): string {
  return mkdtempSync(`${file}.${purpose}-${host}-${ownPid}-`);
}

/**
 * Removes the folders beside a file whose process was killed. They hold second names of the database and its log, so
 * that their space is never free. Call it before this process makes one. Several processes may do it at the same time.
 */
export function removeLeftFolders(file: string, purposes: readonly Purpose[]): void {
  for (const path of new Set([file, tryTo(() => realpathSync(file)) ?? file])) {
    for (const name of tryTo(() => readdirSync(dirname(path))) ?? []) {
      const folder = join(dirname(path), name);
      const isOurs = purposes.some((purpose) => name.startsWith(`${basename(path)}.${purpose}-`));
      // Another process may have removed it meanwhile.
      if (isOurs && isLeft(folder)) tryTo(() => rmSync(folder, { recursive: true, force: true }));
    }
  }
}

function isLeft(folder: string): boolean {
  const found = tryTo(() => statSync(folder));
  if (found?.isDirectory() !== true) return false;
  if (Date.now() - found.mtimeMs > maxAge) return true;
  const [, madeOn, pid] = /-([\w.]+)-(\d+)-[^-]{6}$/.exec(folder) ?? [];
  // Our own id is that of a process in a container that this one has replaced.
  return madeOn === host && ownPid !== 'x' && (pid === ownPid || !existsSync(`/proc/${pid}`));
}

function tryTo<Result>(fn: () => Result): Result | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}
