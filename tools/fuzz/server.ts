import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { parse } from 'yaml';
import { loadServices } from '../../src/framework/app/load-services.ts';

/** The product in a separate process, with the services of config.yaml and empty databases. */
export interface FuzzedServer {
  readonly url: string;
  readonly services: readonly string[];
  /** Describes how it ended; undefined while it runs. */
  ended(): string | undefined;
  /** Stops it. Resolves with all its log entries. */
  stop(): Promise<string[]>;
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** @param database the URL of a PostgreSQL database; each service gets a new schema there. Databases in memory without it. */
export async function startServer(database?: string): Promise<FuzzedServer> {
  const all = await loadServices();
  const services = new Map([...all].filter(([name]) => listConfigured().includes(name)));
  const schemas = database === undefined ? undefined : createSchemas(database);
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const file = join(folder, 'config.yaml');
  const config = {
    log: { level: 'trace' },
    // On a busy machine, calls would exceed the deadline, and the fuzzer accepts no 504.
    calls: { deadline: 60_000 },
    services: Object.fromEntries(
      [...services].map(([name, { migrations }]) => [
        name,
        migrations ? { database: schemas?.urlOf(name) ?? 'sqlite::memory:' } : {},
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
      const [, found] = /"url":"(http:[^"]+)","msg":"listening"/.exec(output.slice(0, 10_000)) ?? [];
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
      await schemas?.drop();
      // Text after the last line end is an entry too, although it should not exist.
      return output.replace(/\n$/, '').split('\n');
    },
  };
}

/** Lists the services of config.yaml. Other folders of src/services may need options. */
function listConfigured(): string[] {
  const file = new URL('../../config.yaml', import.meta.url);
  return Object.keys((parse(readFileSync(file, 'utf8')) as { services: object }).services);
}

/** Schemas that no other run has, so that the ids begin with 1 as in a database in memory. */
function createSchemas(database: string) {
  const prefix = `fuzz_${randomUUID().slice(0, 8)}`;
  const names: string[] = [];
  return {
    urlOf(service: string): string {
      const url = new URL(database);
      const name = `${prefix}_${service}`;
      names.push(name);
      url.searchParams.set('schema', name);
      return url.href;
    },
    async drop(): Promise<void> {
      const client = new pg.Client({ connectionString: database });
      await client.connect();
      for (const name of names.splice(0)) await client.query(`DROP SCHEMA IF EXISTS "${name}" CASCADE`);
      await client.end();
    },
  };
}

function describeEnd({ exitCode, signalCode }: ChildProcess): string | undefined {
  if (exitCode === null && signalCode === null) return undefined;
  return `the server ended with ${exitCode ?? signalCode}`;
}
