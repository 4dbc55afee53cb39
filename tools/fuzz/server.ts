import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadServices } from '../../src/framework/app/load-services.ts';

/** The product in a separate process, with every service and empty databases. */
export interface FuzzedServer {
  readonly url: string;
  readonly services: readonly string[];
  /** Describes how it ended; undefined while it runs. */
  ended(): string | undefined;
  /** Stops it. Resolves with all its log entries. */
  stop(): Promise<string[]>;
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export async function startServer(): Promise<FuzzedServer> {
  const services = await loadServices();
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const file = join(folder, 'config.yaml');
  const config = {
    log: { level: 'trace' },
    services: Object.fromEntries(
      [...services].map(([name, { migrations }]) => [
        name,
        migrations ? { database: 'sqlite::memory:' } : {},
      ]),
    ),
    apps: { gateway: { port: 0, services: [...services.keys()] } },
  };
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(process.execPath, [main, '--config', file], {
    // The server stops when the channel closes, so also when this process is killed.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, MONOLITH_TIED: '1' },
  });
  const closed = once(child, 'close').finally(() => rmSync(folder, { recursive: true, force: true }));
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
      const [, found] = /gateway listens at (http:[^"]+)/.exec(output.slice(0, 10_000)) ?? [];
      if (found !== undefined) resolve(found);
    });
    void closed.then(() => reject(new Error(`the server did not start:\n${output}`)));
  });
  return {
    url,
    services: [...services.keys()],
    ended: () => describeEnd(child),
    async stop() {
      child.kill('SIGTERM');
      await closed;
      // Text after the last line end is an entry too, although it should not exist.
      return output.replace(/\n$/, '').split('\n');
    },
  };
}

function describeEnd({ exitCode, signalCode }: ChildProcess): string | undefined {
  if (exitCode === null && signalCode === null) return undefined;
  return `the server ended with ${exitCode ?? signalCode}`;
}
