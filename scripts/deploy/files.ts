import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Document } from 'yaml';
import { CommandError } from '../lib/command.ts';

/** Texts by the names of their files. */
export type Files = Readonly<Record<string, string>>;

const firstLine = '# Written by ./run.sh deploy; do not change it by hand.\n';

/** Writes objects as documents of one YAML file. */
export function toYaml(...objects: readonly object[]): string {
  return withFirstLine(
    objects
      .map((object) => new Document(object, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 }))
      .join('---\n'),
  );
}

export function withFirstLine(text: string): string {
  return `${firstLine}${text}`;
}

/** Joins texts of `toYaml` into one stream of documents. */
export function joinYaml(texts: readonly string[]): string {
  return withFirstLine(texts.map((text) => text.slice(firstLine.length)).join('---\n'));
}

/**
 * Writes files into a folder, and deletes those that an earlier run wrote and that are no longer needed.
 * @throws {CommandError} if a file would be replaced that this command has not written. Nothing is written then.
 */
export function writeFiles(folder: string, files: Files): void {
  mkdirSync(folder, { recursive: true });
  const paths = Object.keys(files).map((name) => join(folder, name));
  const foreign = paths.find((path) => existsSync(path) && !isWritten(path));
  if (foreign !== undefined)
    throw new CommandError(
      `${foreign} is not a file of ./run.sh deploy: move it away, or choose another --out`,
    );
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  for (const name of listSuperfluous(folder, files)) rmSync(join(folder, name));
}

/** Lists the files that `writeFiles` would change or delete. */
export function listDifferences(folder: string, files: Files): string[] {
  const changed = Object.entries(files)
    .filter(([name, text]) => {
      const path = join(folder, name);
      return !existsSync(path) || readFileSync(path, 'utf8') !== text;
    })
    .map(([name]) => name);
  return [...changed, ...listSuperfluous(folder, files)];
}

function listSuperfluous(folder: string, files: Files): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !Object.hasOwn(files, entry.name))
    .map(({ name }) => name)
    .filter((name) => isWritten(join(folder, name)))
    .sort();
}

function isWritten(path: string): boolean {
  return readFileSync(path, 'utf8').startsWith(firstLine);
}
