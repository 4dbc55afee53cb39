import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { makeFolder } from '../../support/app.ts';
import { spawnForTest } from '../../support/process-guard.ts';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
export const main = join(root, 'src/main.ts');

/** A process that a test has started. */
export interface TestProcess {
  readonly child: ChildProcess;
  /** Returns its output so far: stdout and stderr in the order in which they came. */
  output(): string;
  /** Resolves with the first match in its output. Rejects if the process ends without a match. */
  waitForOutput(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts a command in a new process group. The group is killed when the test ends. */
export function startProcess(
  t: TestContext,
  command: string,
  args: readonly string[],
  { cwd = root, env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): TestProcess {
  const child = spawnForTest(t, command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const check of waiting) check();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    child,
    output: () => output,
    ended,
    waitForOutput: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          waiting.delete(check);
          resolve(match);
        };
        waiting.add(check);
        check();
        void ended.then(() =>
          reject(new Error(`The process ended without the output ${pattern}:\n${output}`)),
        );
      }),
  };
}

/** Resolves with the exit code and the output of a process. */
export async function outcome({ ended, output }: TestProcess) {
  const { code } = await ended;
  return { code, output: output() };
}

/** Creates a folder with an executable of that name. `pathWith` puts the folder first. */
export function fakeCommand(t: TestContext, name: string, body: string): string {
  const folder = makeFolder(t);
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return folder;
}

export function pathWith(...folders: string[]): string {
  return [...folders, process.env.PATH].join(':');
}

/** Writes the config file of one app on a free port, in a new folder. */
export function writeConfig(
  t: TestContext,
  { port = 0 as number | string, host = '127.0.0.1', instances = 1, logs = 'logs', extra = '' } = {},
) {
  const folder = makeFolder(t);
  const file = join(folder, 'config.yaml');
  // On a busy machine, the server would reject concurrent requests of a test.
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
  const server = startProcess(t, process.execPath, [main, '--config', file], { env });
  const [, url] = (await server.waitForOutput(/"url":"(http:[^"]+)","msg":"listening"/)) as unknown as [
    string,
    string,
  ];
  return { ...server, url };
}

/** Copies the project. The copy links to the installed dependencies, so run.sh does not install them again. */
export function copyProject(t: TestContext): string {
  const folder = makeFolder(t);
  for (const name of ['src', 'scripts', 'generated'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'run.sh', '.node-version']) {
    copyFileSync(join(root, name), join(folder, name));
  }
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  // These files of run.sh are different in each copy.
  const kept = ['.generated', '.installed', '.node-path'];
  for (const name of readdirSync(join(root, 'node_modules')).filter((name) => !kept.includes(name))) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(modules, '.node-path'), process.execPath);
  copyFileSync(join(root, 'package-lock.json'), join(modules, '.installed'));
  return folder;
}

/** Sends a request without the end of its body. Resolves when the server has the head of the request. */
export async function sendHalf(
  url: string,
  { method = 'POST', path = '/pet/pets/', body = { name: 'Rex', species: 'dog' } as object } = {},
) {
  const text = JSON.stringify(body);
  const headers = {
    'content-type': 'application/json',
    'content-length': text.length,
    // The response 100 shows that the server has the head.
    expect: '100-continue',
  };
  const sent = request(`${url}${path}`, { method, headers });
  const responded = once(sent, 'response') as Promise<[IncomingMessage]>;
  responded.catch(() => {});
  sent.write(text.slice(0, 5));
  await once(sent, 'continue');
  return {
    /** Sends the rest. */
    async finish() {
      sent.end(text.slice(5));
      const [response] = await responded;
      return { status: response.statusCode, headers: response.headers, body: await json(response) };
    },
  };
}
