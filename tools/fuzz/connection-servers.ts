import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const groupings = ['one process', 'split'] as const;
export type Grouping = (typeof groupings)[number];

/** An app of the product in a separate process. */
export interface AppProcess {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Describes how it ended, with the end of its output; undefined while it runs. */
  ended(): string | undefined;
}

/** The product in one grouping. The first app is the gateway. */
export interface Product {
  readonly apps: readonly AppProcess[];
  /** The database file of the pet service. */
  readonly database: string;
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/**
 * Short timeouts, so that requests time out and connections are closed during a run. Few connections between apps. No
 * load shedding, so that requests reach their handlers.
 */
const limits = {
  wait: 60_000,
  time: { headers: 1_000, request: 1_500, handler: 300, idle: 1_000 },
  forwards: { connections: 4 },
};

export async function startProduct(grouping: Grouping): Promise<Product> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-connections-'));
  const names = grouping === 'split' ? ['gateway', 'pet', 'user'] : ['gateway'];
  const servicesOf = (name: string) =>
    grouping === 'split' ? (name === 'gateway' ? [] : [name]) : ['pet', 'user'];
  const apps = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, { port: await findPort(), services: servicesOf(name) }] as const),
    ),
  );
  const config = {
    log: { level: 'warn' },
    limits,
    services: {
      pet: { database: 'sqlite:pet.db' },
      user: { database: 'sqlite:user.db' },
    },
    apps,
  };
  const file = join(folder, 'config.yaml');
  writeFileSync(file, JSON.stringify(config));
  const running = names.map((name) => start(name, file, apps[name]?.port as number));
  const stop = async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ closed }) => closed));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(running.map(({ app }) => waitUntilReady(app)));
  } catch (error) {
    await stop();
    throw error;
  }
  return { apps: running.map(({ app }) => app), database: join(folder, 'pet.db'), stop };
}

function start(name: string, file: string, port: number) {
  const child: ChildProcess = spawn(process.execPath, [main, '--config', file, '--app', name], {
    // The app stops when the channel closes, so also when this process is killed.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, MONOLITH_TIED: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4_000);
    });
  const app: AppProcess = {
    name,
    url: `http://127.0.0.1:${port}`,
    pid: child.pid as number,
    ended: () =>
      child.exitCode === null && child.signalCode === null
        ? undefined
        : `${name} ended with ${child.exitCode ?? child.signalCode}:\n${output}`,
  };
  return { app, child, closed: once(child, 'close') };
}

async function waitUntilReady({ url, ended }: AppProcess): Promise<void> {
  while (
    !(await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    const end = ended();
    if (end !== undefined) throw new Error(end);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
