/** Decides which files change when a service gets another name. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../src/framework/app/arguments.ts';
import { root } from '../lib/command.ts';
import { exists, read } from './changes.ts';
import { type Names, pluralize } from './names.ts';
import { listExports, renamePeer } from './rename-peer.ts';
import { findNewName, listColumns, type Renaming, renameSource, renameWords } from './rename-words.ts';

export interface RenamePlan {
  /** The text of each file to write, by its new path. */
  readonly written: ReadonlyMap<string, string>;
  /** Folders and files to remove. */
  readonly removed: readonly string[];
  /** Files of other services to write or to remove. */
  readonly peers: readonly string[];
  /** The services that call the service. */
  readonly users: readonly string[];
  readonly hasEvents: boolean;
}

/**
 * Plans the renaming of a service.
 * @param known the names of all services.
 * @throws {UsageError} if the words of the service are also those of a column, or if its files have the new name already.
 */
export function planRename(from: Names, to: Names, known: readonly string[]): RenamePlan {
  const folder = `src/services/${from.name}`;
  const tables = `${folder}/tables.ts`;
  const kept = exists(tables) ? listColumns(read(tables)) : new Set<string>();
  for (const word of [from.table, from.one, from.many, from.resource.replaceAll('-', '_')])
    if (kept.has(word))
      throw new UsageError(
        `${tables} has a column ${word}, which cannot be told from the service: rename by hand`,
      );
  const others = known.filter((name) => name !== from.name);
  const renaming: Renaming = { from, to, others: others.flatMap((name) => [pluralize(name), name]), kept };

  const written = new Map<string, string>();
  const folders = [folder, `test/services/${from.name}`].filter(exists);
  for (const path of folders.flatMap(listFiles)) {
    const text = read(path);
    const isSource = path.endsWith('.ts');
    if (isSource) expectNoName(path, text, renaming);
    const [, base, rest = ''] = /^((?:src|test)\/services\/)[^/]+\/(.*)$/.exec(path) ?? [];
    const isMigration = rest.startsWith('migrations/');
    const target = `${base}${to.name}/${isMigration ? rest : renameWords(rest, renaming)}`;
    written.set(target, isSource ? renameSource(path, text, renaming) : text);
  }

  const client = (user: string) => `src/services/${user}/${from.name}-client.ts`;
  const users = others.filter((user) => exists(client(user)) || usesPeer(user, from.name));
  const removed = [...folders, `generated/${from.name}`];
  const peers: string[] = [];
  for (const path of others.flatMap((name) =>
    [`src/services/${name}`, `test/services/${name}`].filter(exists).flatMap(listFiles),
  )) {
    if (!path.endsWith('.ts')) continue;
    const owner = path.split('/')[2] as string;
    const exported = exists(client(owner)) ? listExports(read(client(owner))) : [];
    const identifiers = new Set([...listOperations(from.name), ...exported]);
    const target = path === client(owner) ? `src/services/${owner}/${to.name}-client.ts` : path;
    const text = read(path);
    const renamed = renamePeer(path, text, { ...renaming, identifiers });
    if (renamed === text && target === path) continue;
    written.set(target, renamed);
    peers.push(...new Set([path, target]));
    if (target !== path) removed.push(path);
  }
  const hasEvents = exists(`${folder}/index.ts`) && /\bevents:/.test(read(`${folder}/index.ts`));
  return { written, removed, peers, users, hasEvents };
}

function usesPeer(user: string, name: string): boolean {
  const file = `src/services/${user}/index.ts`;
  return exists(file) && new RegExp(`peers:\\s*\\[[^\\]]*['"]${name}['"]`).test(read(file));
}

/** @throws {UsageError} if the file has the new name already, because both names would be equal after the renaming. */
function expectNoName(path: string, text: string, renaming: Renaming): void {
  const line = findNewName(path, text, renaming);
  if (line === 0) return;
  throw new UsageError(
    `${path}:${line} has the name ${renaming.to.name} already: choose another, or rename it there first`,
  );
}

function listOperations(service: string): string[] {
  const file = `generated/${service}/openapi.json`;
  if (!exists(file)) return [];
  return [...read(file).matchAll(/"operationId": "([^"]+)"/g)].map(([, id]) => id as string);
}

/** Lists the files of a folder of the project, in all of its folders. */
export function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();
}

/** Returns the lines of a config that have a name as a word. @param isCode whether comments and databases do not count. */
export function findName(text: string, name: string, isCode = false): number[] {
  return text.split('\n').flatMap((line, index) => {
    const code = isCode ? line.replace(/#.*/, '').replace(/\bdatabase:.*/, '') : line;
    return new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(code) ? [index + 1] : [];
  });
}
