/** Reads framework.json: the paths that belong to the framework. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.ts';

export interface Framework {
  readonly version: string;
  /** The files and folders that an upgrade replaces. */
  readonly paths: readonly string[];
  /** Paths that only the repository of the framework has, for its own tests and benchmarks. */
  readonly development: {
    readonly paths: readonly string[];
    /** Files in these paths that a product needs. */
    readonly except: readonly string[];
    /** Development dependencies of package.json. */
    readonly packages: readonly string[];
    /** Scripts of package.json. */
    readonly scripts: readonly string[];
  };
}

/** The services that the framework's own tests use. */
const examples = ['auth', 'pet', 'user'];

/** Reads the framework.json of a folder. */
export function readFramework(folder: string = root): Framework {
  const { development, ...rest } = JSON.parse(readFileSync(join(folder, 'framework.json'), 'utf8'));
  return { development: { paths: [], except: [], packages: [], scripts: [], ...development }, ...rest };
}

/** Returns whether a file is one of these paths, or in one of these folders. */
export function isIn(paths: readonly string[], file: string): boolean {
  return paths.some((path) => file === path || file.startsWith(`${path}/`));
}

/** Returns whether a file of the framework is for its own tests and benchmarks only. */
export function isForDevelopment({ development }: Framework, file: string): boolean {
  return isIn(development.paths, file) && !isIn(development.except, file);
}

/**
 * Says whether the framework's own tests can run here. They are absent in a product, and they need the example services,
 * which an owner may delete.
 */
export function findFrameworkTests(): 'absent' | 'without examples' | 'present' {
  if (!existsSync(join(root, 'test/framework'))) return 'absent';
  const hasExamples = examples.every((name) => existsSync(join(root, 'src/services', name, 'index.ts')));
  return hasExamples ? 'present' : 'without examples';
}

/** Tells the user why tests are left out. */
export const withoutExamples = `The framework's own tests are left out, because they need the example services ${examples.join(', ')}`;

/** Returns the command that checks the types, without the framework's own tests if their examples are missing. */
export function typeCheck(): readonly ['tsc', ...string[]] {
  return findFrameworkTests() === 'without examples'
    ? ['tsc', '--project', 'tsconfig.product.json']
    : ['tsc'];
}
