/** Decides what an upgrade of the framework changes in the files of a product. */
import { type Framework, isForDevelopment, isIn } from '../lib/framework-files.ts';
import type { GitFile, Source } from './source.ts';

export interface FilePlan {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
  /** Changed or deleted files whose text is in no version of the framework: the user edited them. */
  readonly byHand: readonly string[];
  /** Files of the product in the folders of the framework. */
  readonly kept: readonly string[];
}

/** @param files the files of the product that git has. */
export function planFiles(
  files: ReadonlyMap<string, GitFile>,
  framework: Framework,
  source: Source,
): FilePlan {
  const next = source.framework;
  const folders = next.development.paths.filter((path) =>
    [...files.keys()].some((file) => isIn([path], file) && isForDevelopment(next, file)),
  );
  /** Whether the product has this file in the newer version. A product without the framework's tests gets none. */
  const isWanted = (file: string) =>
    isIn(next.paths, file) && (!isForDevelopment(next, file) || isIn(folders, file));

  const wanted = [...source.files].filter(([file]) => isWanted(file));
  const changed = wanted.filter(([file, { id, mode }]) => {
    const mine = files.get(file);
    return mine !== undefined && (mine.id !== id || mine.mode !== mode);
  });
  const current = [...files.keys()].filter((file) => isIn([...framework.paths, ...next.paths], file));
  // A file that the newer version has outside its paths now belongs to the product.
  const extra = current.filter(
    (file) => !source.files.has(file) || (isIn(next.paths, file) && !isWanted(file)),
  );
  const deleted = extra.filter((file) => source.had(file));
  const replaced = [...changed.map(([file]) => file), ...deleted];
  return {
    added: wanted.map(([file]) => file).filter((file) => !files.has(file)),
    changed: changed.map(([file]) => file),
    deleted,
    byHand: replaced.filter((file) => !source.had(file, files.get(file)?.id)),
    kept: extra.filter((file) => !source.had(file)),
  };
}
