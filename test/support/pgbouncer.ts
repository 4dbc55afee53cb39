import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findFreePort } from '../../src/framework/testing/layout.ts';
import { nobody, waitUntilReady } from './postgres-server.ts';
import { spawnGuarded, stopGuarded } from './process-guard.ts';

export interface PgBouncer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Returns the path of the program; undefined if it is not installed. Debian has it outside of the PATH of users. */
export function findPgBouncer(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find(existsSync);
}

/** Starts PgBouncer in transaction mode before a server that trusts every client. */
export async function startPgBouncer(
  program: string,
  serverUrl: string,
  users: readonly string[],
): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  const port = await findFreePort();
  const { hostname, port: serverPort } = new URL(serverUrl);
  writeFileSync(join(folder, 'users.txt'), users.map((user) => `"${user}" ""\n`).join(''));
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users.txt')}
pool_mode = transaction
default_pool_size = 5
max_client_conn = 200
ignore_startup_parameters = options
`,
  );
  const isRoot = process.getuid?.() === 0;
  if (isRoot)
    for (const path of ['', 'users.txt', 'pgbouncer.ini'])
      chownSync(join(folder, path), nobody.uid, nobody.gid);
  const child = spawnGuarded(program, [join(folder, 'pgbouncer.ini')], {
    ...(isRoot && nobody),
    stdio: 'ignore',
  });
  await waitUntilReady(`postgres://${users[0]}@127.0.0.1:${port}/postgres`, child);
  return {
    port,
    async stop() {
      await stopGuarded(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
