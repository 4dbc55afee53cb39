import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnGuarded, stopGuarded } from '../support/process-guard.ts';
import { type Block, listCommands, listExamples, normalize } from './blocks.ts';

export interface SessionOptions {
  /** The copy of the project that the commands run in. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** The ports that are used instead of those of the pages. */
  readonly ports?: ReadonlyMap<number, number>;
  /** ms until a server must be ready. */
  readonly timeout?: number;
  /** Returns whether a command is left out. */
  isLeftOut?(command: string): boolean;
  /** Called with each command that matched the page, and the seconds that it took. */
  onCommand?(command: string, seconds: number): void;
}

/** Runs the steps of the documentation like a reader. */
export interface Session {
  /**
   * Runs a block: writes its files, starts its servers, runs its commands and compares their output. If a file has
   * changed, the server restarts before the next request.
   * @throws {Error} if a result differs from the page.
   */
  work(block: Block): Promise<void>;
  /**
   * Stops the server that a command started.
   * @throws {Error} if its exit code is not 0.
   */
  stop(): Promise<void>;
  /** Kills every process that a command started. */
  kill(): Promise<void>;
}

/** Commands that run until they are stopped. */
const startsServer = /^(\.\/run\.sh( dev)?|npm start( --)?|node .*src\/main\.ts)( --.*)?$/;

export function openSession(options: SessionOptions): Session {
  const { folder, env, ports = new Map<number, number>(), timeout = 60_000 } = options;
  const { isLeftOut = () => false, onCommand = () => {} } = options;
  const ready = `http://127.0.0.1:${ports.get(8000) ?? 8000}/ready`;
  const started = new Set<ChildProcess>();
  let server: RunningCommand | undefined;
  let serverCommand = './run.sh';
  /** Whether a file was written since the server started. */
  let isStale = false;

  function start(command: string): RunningCommand {
    const running = startCommand(command, folder, env);
    started.add(running.child);
    return running;
  }

  async function startServer(command: string): Promise<void> {
    await stop();
    // After a change of a file, a reader starts the server with run.sh, which generates.
    if (command.startsWith('./run.sh')) serverCommand = command;
    isStale = false;
    // `exec`, so that the server, and not the shell, receives the signal that stops it.
    server = start(`exec ${command}`);
    const begun = performance.now();
    while (!(await isReady(ready))) {
      if (server.child.exitCode !== null) throw new Error(`the server ended:\n${server.output()}`);
      if (performance.now() - begun > timeout)
        throw new Error(`the server is not ready:\n${server.output()}`);
      await sleep(50);
    }
  }

  async function stop(): Promise<void> {
    if (server === undefined) return;
    const { child, ended, output } = server;
    server = undefined;
    child.kill('SIGTERM');
    const code = await ended;
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${output()}`);
  }

  async function execute(command: string): Promise<void> {
    if (isLeftOut(command)) return;
    if (startsServer.test(command)) return startServer(command);
    // The pages ask to stop the server first.
    if (/^(\.\/run\.sh (restore|remove)|rm|mv) /.test(command)) await stop();
    const { ended, output } = start(translate(command, ports));
    const code = await ended;
    if (code !== 0) throw new Error(`the command ended with ${code}:\n${output()}`);
  }

  async function compare(command: string, expected: string): Promise<void> {
    if (command.includes('localhost:') && (server === undefined || isStale)) await startServer(serverCommand);
    const { ended, output } = start(translate(command, ports));
    await ended;
    const seen = normalize(translate(output(), inverse(ports)));
    if (seen === normalize(expected)) return;
    throw new Error(`the page shows\n${normalize(expected)}\nand the command printed\n${seen}`);
  }

  async function attempt(command: string, step: () => Promise<void>): Promise<void> {
    const begun = performance.now();
    try {
      await step();
    } catch (error) {
      throw new Error(`$ ${command}: ${(error as Error).message}`);
    }
    onCommand(command, (performance.now() - begun) / 1000);
  }

  return {
    async work(block) {
      const { page, line, language, files, text } = block;
      try {
        for (const file of files) {
          writeBlock(join(folder, file), language, translate(text, ports));
          isStale = true;
        }
        for (const command of language === 'sh' ? listCommands(block) : [])
          await attempt(command, () => execute(command));
        for (const { command, output } of language === 'console' ? listExamples(block) : [])
          await attempt(command, () => compare(command, output));
      } catch (error) {
        const log = server === undefined ? '' : `\nThe server printed\n${server.output()}`;
        throw new Error(`${page}:${line}: ${(error as Error).message}${log}`);
      }
    },
    stop,
    async kill() {
      await Promise.all([...started].map(stopGuarded));
    },
  };
}

/** Returns whether every service responds. */
async function isReady(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  if (response?.ok !== true) return false;
  const { degraded } = (await response.json()) as { readonly degraded: readonly string[] };
  return degraded.length === 0;
}

interface RunningCommand {
  readonly child: ChildProcess;
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly ended: Promise<number | string>;
  output(): string;
}

function startCommand(command: string, cwd: string, env: NodeJS.ProcessEnv): RunningCommand {
  const child = spawnGuarded('bash', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return { child, ended, output: () => output };
}

/** Writes a file, or applies a diff to it. */
function writeBlock(path: string, language: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, language === 'diff' ? applyDiff(readFileSync(path, 'utf8'), text) : text);
}

/** Applies the hunks of a diff, which lines with `@@` separate. */
function applyDiff(text: string, diff: string): string {
  return diff.split(/^@@.*\n/m).reduce((changed, hunk) => {
    const lines = hunk.trimEnd().split('\n');
    const keep = (sign: string) =>
      lines.flatMap((line) => (line[0] === ' ' || line[0] === sign ? `${line.slice(1)}\n` : [])).join('');
    const before = keep('-');
    if (!changed.includes(before)) throw new Error(`the file has no lines\n${before}It has\n${changed}`);
    return changed.replace(before, () => keep('+'));
  }, text);
}

function translate(text: string, ports: ReadonlyMap<number, number>): string {
  return text.replace(/\b\d{4,5}\b/g, (number) => String(ports.get(Number(number)) ?? number));
}

function inverse(ports: ReadonlyMap<number, number>): Map<number, number> {
  return new Map([...ports].map(([documented, used]) => [used, documented]));
}
