import { existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sidecars, syncPath } from '../sqlite/files.ts';
import type { RestoreNote } from './restore-note.ts';

/** A database on its way to its place. */
export type Replacement = RestoreNote['databases'][number];

const namesIn = (aside: string) => ({ made: join(aside, 'db'), old: join(aside, 'old') });

/** There is never a moment without a database in its place, which a server that starts could fill with a new one. */
export function replaceDatabase({ place, aside, isThere }: Replacement): void {
  const { made, old } = namesIn(aside);
  if (isThere) linkSync(place, old);
  for (const end of sidecars.filter((end) => existsSync(`${place}${end}`))) {
    renameSync(`${place}${end}`, `${old}${end}`);
  }
  // On disk before the new one is: the log of the old one must never be found beside it.
  syncPath(dirname(place));
  if (isThere) renameSync(made, place);
  else linkSync(made, place);
  syncPath(dirname(place));
}

/** Undoes what `replace` has done so far, wherever it was interrupted. It may be interrupted and called again itself. */
export function undoReplacement({ place, aside, isThere }: Replacement): void {
  const { made, old } = namesIn(aside);
  // A rename to another name of the same file does nothing, so this is right before the new one was in its place, too.
  if (isThere && existsSync(old)) renameSync(old, place);
  if (!isThere && isSameFile(made, place)) rmSync(place);
  // On disk before the log is: the log of the old one must never be found beside the new one.
  syncPath(dirname(place));
  for (const end of sidecars.filter((end) => existsSync(`${old}${end}`))) {
    renameSync(`${old}${end}`, `${place}${end}`);
  }
  syncPath(dirname(place));
}

function isSameFile(one: string, other: string): boolean {
  const [found, beside] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }));
  return found !== undefined && found.ino === beside?.ino && found.dev === beside.dev;
}
