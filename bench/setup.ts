/** Installs the dependencies of the peers once. If that fails, their rows are not run. */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NotRun } from './result.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
export const venv = `${folder}.venv/bin/`;

/** Installs the npm packages of `package-lock.json`. */
export const installPackages = once('the packages of bench/', () => {
  const isInstalled = isNewer('node_modules/.package-lock.json', 'package-lock.json');
  if (!isInstalled) run('npm', ['ci', '--no-fund', '--no-audit']);
});

/** Compiles the NestJS peer, because Node cannot strip decorators and their types. */
export const compileNest = once('NestJS', () => {
  installPackages();
  run(process.execPath, ['../node_modules/typescript/bin/tsc', '-p', 'peers/nest']);
});

/** Installs FastAPI in a virtual environment, so that the system is not changed. */
export const installFastApi = once('FastAPI', () => {
  if (isNewer('.venv/done', 'peers/fastapi/requirements.txt')) return;
  run('python3', ['-m', 'venv', '.venv']);
  const requirements = ['-r', 'peers/fastapi/requirements.txt'];
  run(`${venv}pip`, ['install', '--quiet', '--disable-pip-version-check', ...requirements]);
  run('touch', ['.venv/done']);
});

function once(name: string, install: () => void): () => void {
  let state: 'new' | 'installed' | 'missing' = 'new';
  return () => {
    if (state === 'installed') return;
    try {
      if (state === 'missing') throw new Error('it failed before');
      state = 'missing';
      install();
      state = 'installed';
    } catch (error) {
      throw error instanceof NotRun ? error : new NotRun(`${name} could not be installed: ${explain(error)}`);
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
