/** Starts, suspends and stops servers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Place, pin, readUse } from './machine.ts';

/** A process of a server. */
export interface Command {
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

export interface Server {
  readonly port: number;
  /** ms from the spawn to the first 200. */
  readonly startTime: number;
  /** Returns its processor time in seconds and its memory in bytes. */
  use(): { cpu: number; rss: number };
  /** Suspends the server, so that it uses no processor time. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly commands: readonly Command[];
  readonly port: number;
  /** The path that responds with 200 when the server has started. */
  readonly probe?: string;
  /** The path that responds with 200 when its peers are available too. */
  readonly readiness?: string;
  readonly place?: Place;
}

const startTimeout = 60_000;
const stopTimeout = 15_000;
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) signal(child, 'SIGKILL');
});

export async function startServer(options: StartOptions): Promise<Server> {
  const { commands, port, probe = '/health', readiness = probe, place = 'server' } = options;
  const begin = performance.now();
  const children = commands.map((command) => run(command, place));
  const groups = children.map(({ pid }) => pid as number);
  const each = (name: NodeJS.Signals) => {
    for (const child of children) signal(child, name);
  };
  async function stop(): Promise<void> {
    each('SIGCONT');
    await Promise.all(children.map(end));
  }
  async function wait(path: string): Promise<void> {
    while ((await statusOf(port, path)) !== 200) {
      const ended = children.find(({ exitCode }) => exitCode !== null);
      if (ended !== undefined) throw new Error(`a server ended with ${ended.exitCode} during its start`);
      if (performance.now() - begin > startTimeout)
        throw new Error(`a server did not respond to ${path} with 200 in time`);
      await sleep(2);
    }
  }
  let startTime: number;
  try {
    await wait(probe);
    startTime = performance.now() - begin;
    if (readiness !== probe) await wait(readiness);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    startTime,
    use: () => readUse(groups),
    pause: () => each('SIGSTOP'),
    resume: () => each('SIGCONT'),
    stop,
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function run({ command, cwd, env }: Command, place: Place): ChildProcess {
  const [file, ...args] = pin(place, command);
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true, // a new process group, so that its children are suspended and stopped too
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // The process has ended.
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => signal(child, 'SIGKILL'), stopTimeout);
  await ended;
  clearTimeout(timer);
  signal(child, 'SIGKILL');
}

function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', () => resolve(undefined));
  });
}
