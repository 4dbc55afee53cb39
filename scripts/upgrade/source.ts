/** A newer framework: a repository, cloned with its history into a temporary folder. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../../src/framework/app/arguments.ts';
import { caller } from '../lib/command.ts';
import { type Framework, isIn, readFramework } from '../lib/framework-files.ts';

/** A file as git has it. */
export interface GitFile {
  readonly mode: string;
  /** The hash of its content. */
  readonly id: string;
}

export interface Source {
  readonly folder: string;
  readonly framework: Framework;
  readonly files: ReadonlyMap<string, GitFile>;
  /** Returns whether a file, or one with this content, was in any version of the framework. */
  had(path: string, id?: string): boolean;
  /** Returns the package.json of the last commit with a version of the framework. Undefined: it is not in the history. */
  readManifestOf(version: string): string | undefined;
  remove(): void;
}

/** Paths that belong to the product. A framework that claims one of them is rejected. */
const ofProduct = ['src/services', 'src/main.ts', 'test/services', 'generated', 'package.json', 'README.md'];

/**
 * Clones a framework. Call `remove` in the end.
 * @param from a folder or an address that git can clone.
 * @throws {UsageError} if it cannot be cloned, or is no framework.
 */
export function fetchSource(from: string): Source {
  const folder = mkdtempSync(join(tmpdir(), 'upgrade-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    clone(from, folder);
    return { folder, framework: readValidFramework(from, folder), ...readFiles(folder), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Runs git. @throws {UsageError} with its last message. */
export function git(folder: string, ...args: string[]): string {
  // Without a terminal, git would wait for a password that no user can enter.
  const env = { ...process.env, ...(!process.stdin.isTTY && { GIT_TERMINAL_PROMPT: '0' }) };
  const options = { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 30, env } as const;
  const { status, stdout, stderr, error } = spawnSync(
    'git',
    ['-c', 'core.quotePath=false', ...args],
    options,
  );
  if (error !== undefined) throw new UsageError(`git cannot be started: ${error.message}`);
  if (status !== 0) throw new UsageError(stderr.trim().split('\n').at(-1) ?? '');
  return stdout;
}

function clone(from: string, folder: string): void {
  const path = resolve(caller, from);
  const source = existsSync(path) ? path : from;
  if (existsSync(source) && !existsSync(join(source, '.git')) && !existsSync(join(source, 'HEAD')))
    throw new UsageError(`${from} is not a git repository: name a clone of the framework, or its address`);
  try {
    git(folder, 'clone', '--quiet', '--no-tags', '--single-branch', '--', source, '.');
  } catch (error) {
    throw new UsageError(`Cannot fetch ${from}: ${(error as Error).message}`);
  }
  // The history tells which files were changed by hand.
  if (git(folder, 'rev-parse', '--is-shallow-repository').trim() === 'true')
    throw new UsageError(`${from} has no complete history: run git fetch --unshallow there`);
}

function readValidFramework(from: string, folder: string): Framework {
  if (!existsSync(join(folder, 'framework.json')))
    throw new UsageError(`${from} has no framework.json: it is not the repository of the framework`);
  let framework: Framework | undefined;
  try {
    framework = readFramework(folder);
  } catch {
    // The check below reports it.
  }
  const isValid =
    /^\d+\.\d+\.\d+$/.test(framework?.version ?? '') &&
    Array.isArray(framework?.paths) &&
    framework.paths.every(
      (path: unknown) => typeof path === 'string' && !/^\/|(^|\/)\.\.?(\/|$)|^\.git$|^$/.test(path),
    ) &&
    !ofProduct.some(
      (path) => isIn(framework?.paths ?? [], path) || framework?.paths.some((one) => isIn([path], one)),
    );
  if (framework === undefined || !isValid)
    throw new UsageError(`${from} has a framework.json that is not valid: expected a version, and paths`);
  return framework;
}

function readFiles(folder: string): Pick<Source, 'files' | 'had' | 'readManifestOf'> {
  const known = new Set<string>();
  const args = ['-m', '--format=', '--raw', '--no-abbrev', '--no-renames', 'HEAD'];
  for (const line of git(folder, 'log', ...args).split('\n')) {
    const [, id, path] = /^:\d+ \d+ \w+ (\w+) \w\t(.*)$/.exec(line) ?? [];
    if (path !== undefined) known.add(path).add(`${path}\t${id}`);
  }
  return {
    files: parseFiles(git(folder, 'ls-tree', '-r', 'HEAD')),
    had: (path, id) => known.has(id === undefined ? path : `${path}\t${id}`),
    readManifestOf: (version) => readManifestOf(folder, version),
  };
}

/** Parses the output of `git ls-tree -r` or `git ls-files --stage`. */
export function parseFiles(output: string): Map<string, GitFile> {
  return new Map(
    [...output.matchAll(/^(\d+) (?:blob )?(\w+)(?: \d)?\t(.*)$/gm)].map(
      ([, mode = '', id = '', path = '']) => [path, { mode, id }] as const,
    ),
  );
}

function readManifestOf(folder: string, version: string): string | undefined {
  let newer = 'HEAD';
  for (const commit of git(folder, 'log', '--format=%H', 'HEAD', '--', 'framework.json').trim().split('\n')) {
    const text = git(folder, 'show', `${commit}:framework.json`);
    if (text.includes(`"version": "${version}"`)) return git(folder, 'show', `${newer}:package.json`);
    // This commit begins a newer version, so the searched version ends before it.
    newer = `${commit}^`;
  }
  return undefined;
}
