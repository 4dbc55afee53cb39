/** Runs the gateway of a Compose file in the root of an image, in the namespaces of `.ci/image`, and checks it. */
import { deepEqual, equal, match } from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';

const [image = '', compose = ''] = process.argv.slice(2);
const { gateway } = parse(readFileSync(join(compose, 'compose.yaml'), 'utf8')).services as {
  gateway: {
    command: string[];
    user: string;
    environment: Record<string, string>;
    healthcheck: { test: string[] };
  };
};
const [user] = gateway.user.split(':').map(Number) as [number];
const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });

run('ip', 'link', 'set', 'lo', 'up');
const root = join(compose, 'root');
for (const folder of ['root', 'data', 'config']) mkdirSync(join(compose, folder));
for (const folder of ['data', 'config']) chownSync(join(compose, folder), user, user);
closeSync(openSync(join(compose, 'config/config.yaml'), 'w'));
run('mount', '--bind', image, root);
run('mount', '-o', 'remount,ro,bind', root);
run('mount', '-t', 'tmpfs', '-o', 'size=64m,mode=1777', 'tmpfs', join(root, 'tmp'));
run('mount', '--rbind', '/dev', join(root, 'dev'));
for (const folder of ['data', 'config']) run('mount', '--bind', join(compose, folder), join(root, folder));
run('mount', '--bind', join(compose, 'config.yaml'), join(root, 'config/config.yaml'));

/** Confines a command like the container: a user without capabilities, who cannot gain any. */
const confine = [
  ...['chroot', `--userspec=${gateway.user}`, root, '/usr/bin/setpriv', '--no-new-privs'],
  ...['/bin/sh', '-c', 'cd /app && exec "$@"', 'sh'],
];
const env = { ...gateway.environment, PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
const log = openSync(join(compose, 'log'), 'w');
// The shell mounts /proc of the new namespace, and becomes the command: process 1.
const script = `mount -t proc proc ${root}/proc && exec "$@"`;
const server = spawn(
  'unshare',
  ['-p', '-m', '--fork', 'sh', '-c', script, 'sh', ...confine, ...gateway.command],
  {
    env,
    stdio: ['ignore', log, log],
  },
);
const ended = once(server, 'exit');

const get = async (path: string) => (await fetch(`http://127.0.0.1:8000${path}`)).status;
try {
  for (const begun = Date.now(); (await get('/ready').catch(() => 0)) !== 200; await sleep(100))
    if (server.exitCode !== null || Date.now() - begun > 120_000) throw new Error('the app is not ready');
  const pid = run('pgrep', '-P', String(server.pid)).trim();
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  match(status, /^NSpid:\t\d+\t1$/m);
  match(status, new RegExp(`^Uid:\\t${user}\\t${user}\\t${user}\\t${user}$`, 'm'));
  match(status, /^CapEff:\t0+$/m);
  equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0], 'node');

  const inside = (...command: string[]) => run('nsenter', '-t', pid, '-m', '-p', ...confine, ...command);
  inside(...gateway.healthcheck.test.slice(1));
  const files = inside('sh', '-c', 'touch /app/x /etc/x /data/x 2>&1; ls -a /data /config');
  equal(files.match(/Read-only file system/g)?.length, 2);
  for (const name of ['.databases', 'pet.db', 'user.db', 'x'])
    match(files, new RegExp(`^${name.replace('.', '\\.')}$`, 'm'));

  const before = new Set<number>();
  const after = new Set<number>();
  let isStopping = false;
  const clients = Array.from({ length: 8 }, async () => {
    while (!isStopping) {
      const status = await get('/pet/pets/');
      (isStopping ? after : before).add(status);
    }
  });
  await sleep(1_000);
  isStopping = true;
  process.kill(Number(pid), 'SIGTERM');
  // Each client has sent a request. It is served, or rejected if it arrives after the signal; none is lost.
  await Promise.all(clients);
  deepEqual([...before], [200]);
  equal([...after].filter((status) => status !== 200 && status !== 503).length, 0);
  deepEqual(await ended, [0, null]);
} catch (error) {
  console.error(readFileSync(join(compose, 'log'), 'utf8').slice(-3_000));
  throw error;
} finally {
  server.kill('SIGKILL');
}
writeFileSync(
  1,
  'image: built and run: Node is process 1 of a user without rights, and SIGTERM loses no request in flight\n',
);
