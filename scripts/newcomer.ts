/**
 * Does what a newcomer does: clones into an empty folder with an empty HOME, starts by `./run.sh`, types every
 * command of the README's console blocks and compares what comes with what stands there; then starts once more,
 * and measures how long that takes. It needs port 8000.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { listExamples, normalize } from '../test/readme.ts';

const origin = 'http://127.0.0.1:8000';
const folder = mkdtempSync(join(tmpdir(), 'newcomer-'));
const clone = join(folder, 'modular-monolith');
const home = join(folder, 'home');
const { NODE_EXTRA_CA_CERTS } = process.env;
// Not this process's PATH, which may have the right Node in front.
const env = {
  HOME: home,
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ...(NODE_EXTRA_CA_CERTS !== undefined && { NODE_EXTRA_CA_CERTS }),
};

try {
  mkdirSync(home);
  execFileSync('git', ['clone', '--quiet', fileURLToPath(new URL('..', import.meta.url)), clone]);
  const first = await start(180_000);
  console.log(`first start: /health answers after ${first.seconds.toFixed(1)} s`);
  const failures = listExamples().filter(({ command, answer }) => !isAnswered(command, answer)).length;
  await stop(first.server);
  const second = await start(10_000);
  console.log(`second start: /health answers after ${second.seconds.toFixed(1)} s`);
  await stop(second.server);
  const changes = execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' });
  if (changes !== '') console.error(`the clone is not clean any more:\n${changes}`);
  console.log(`${listExamples().length - failures} passed, ${failures} failed`);
  if (failures > 0 || changes !== '') process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function start(timeout: number) {
  const begin = performance.now();
  const server = spawn('./run.sh', { cwd: clone, env, stdio: ['ignore', 'ignore', 'inherit'] });
  while (!(await isHealthy())) {
    if (server.exitCode !== null) throw new Error(`./run.sh ended with ${server.exitCode}`);
    if (performance.now() - begin > timeout) throw new Error(`no answer within ${timeout / 1000} s`);
    await sleep(20);
  }
  return { server, seconds: (performance.now() - begin) / 1000 };
}

async function isHealthy(): Promise<boolean> {
  return fetch(`${origin}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function stop(server: ReturnType<typeof spawn>): Promise<void> {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const [code] = await ended;
  if (code !== 0) throw new Error(`./run.sh ended with ${code} on SIGTERM`);
}

function isAnswered(command: string, answer: string): boolean {
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: clone, env, encoding: 'utf8' });
  const isSame = normalize(stdout + stderr) === normalize(answer);
  console.log(`${isSame ? 'ok  ' : 'FAIL'} $ ${command}`);
  if (!isSame) console.log(`  README: ${normalize(answer)}\n  now:    ${normalize(stdout + stderr)}`);
  return isSame;
}
