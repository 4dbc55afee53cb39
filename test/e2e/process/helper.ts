import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { makeFolder } from '../../support/app.ts';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
export const main = join(root, 'src/main.ts');

/** A process that runs, or ran. */
export interface Running {
  readonly child: ChildProcess;
  /** All that it has printed, stdout and stderr as they came. */
  output(): string;
  /** Resolves with the first match in what it prints; rejects when it ends without. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts a command; it is killed at the latest when the test ends. */
export function run(
  t: TestContext,
  command: string,
  args: readonly string[],
  {
    cwd = root,
    env = {},
    detached = false,
  }: { cwd?: string; env?: NodeJS.ProcessEnv; detached?: boolean } = {},
): Running {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
  t.onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of waiting) look();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    child,
    output: () => output,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          waiting.delete(look);
          resolve(match);
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended without saying ${pattern}:\n${output}`)));
      }),
  };
}

/** A config file in a folder of its own, for one app on a free port. */
export function writeConfig(
  t: TestContext,
  { port = 0 as number | string, host = '127.0.0.1', instances = 1, logs = 'logs', extra = '' } = {},
) {
  const folder = makeFolder(t);
  const file = join(folder, 'config.yaml');
  // A busy machine would have the server reject requests that a test sends at the same time.
  const limits = extra.includes('limits:') ? '' : 'limits: { wait: 60000 }\n';
  writeFileSync(
    file,
    `log: { directory: ${logs} }
services:
  pet: { database: sqlite:data/pet.db }
  user: { database: sqlite:data/user.db }
apps:
  gateway: { host: ${host}, port: ${port}, instances: ${instances}, services: [pet, user] }
${limits}${extra}`,
  );
  return { folder, file };
}

/** Starts the server and waits until it listens. */
export async function startServer(t: TestContext, file: string, env: NodeJS.ProcessEnv = {}) {
  const server = run(t, process.execPath, [main, '--config', file], { env });
  const [, url] = (await server.says(/gateway listens at (http:[^"\s]+)/)) as unknown as [string, string];
  return { ...server, url };
}

/** A copy of the project, with the dependencies of this one, taken for installed. */
export function copyProject(t: TestContext): string {
  const folder = makeFolder(t);
  for (const name of ['src', 'scripts', 'generated'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'run.sh', '.node-version']) {
    copyFileSync(join(root, name), join(folder, name));
  }
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  // What run.sh keeps there is the copy's own.
  const kept = ['.generated', '.installed', '.node-path'];
  for (const name of readdirSync(join(root, 'node_modules')).filter((name) => !kept.includes(name))) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(modules, '.node-path'), process.execPath);
  copyFileSync(join(root, 'package-lock.json'), join(modules, '.installed'));
  return folder;
}
