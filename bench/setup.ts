/** Gets what the peers need, once; where that cannot be had, their rows say so. */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NotRun } from './result.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
export const venv = `${folder}.venv/bin/`;

/** What npm has for them, as `package-lock.json` says. */
export const installPackages = once('the packages of bench/', () => {
  const isThere = isNewer('node_modules/.package-lock.json', 'package-lock.json');
  if (!isThere) run('npm', ['ci', '--no-fund', '--no-audit']);
});

/** Nest needs decorators and their types, which Node does not strip. */
export const compileNest = once('NestJS', () => {
  installPackages();
  run(process.execPath, ['../node_modules/typescript/bin/tsc', '-p', 'peers/nest']);
});

/** In a virtual environment of its own: nothing of the system is changed. */
export const installFastApi = once('FastAPI', () => {
  if (isNewer('.venv/done', 'peers/fastapi/requirements.txt')) return;
  run('python3', ['-m', 'venv', '.venv']);
  const requirements = ['-r', 'peers/fastapi/requirements.txt'];
  run(`${venv}pip`, ['install', '--quiet', '--disable-pip-version-check', ...requirements]);
  run('touch', ['.venv/done']);
});

function once(what: string, get: () => void): () => void {
  let state: 'new' | 'there' | 'missing' = 'new';
  return () => {
    if (state === 'there') return;
    try {
      if (state === 'missing') throw new Error('it failed before');
      state = 'missing';
      get();
      state = 'there';
    } catch (error) {
      throw error instanceof NotRun ? error : new NotRun(`${what} could not be had: ${explain(error)}`);
    }
  };
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
}

function isNewer(made: string, source: string): boolean {
  const path = folder + made;
  return existsSync(path) && statSync(path).mtimeMs >= statSync(folder + source).mtimeMs;
}

function explain(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return stderr?.trim().split('\n').at(-1) ?? message;
}
