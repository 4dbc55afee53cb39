/**
 * Does what a newcomer does: clones into an empty folder with an empty HOME, starts by `./run.sh`, types every
 * command of the README's console blocks and compares what comes with what stands there; then starts once more,
 * measures how long that takes, splits the services off, and types the commands for that. It needs ports 8000 to 8002.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Example, listExamples, normalize } from '../test/docs/examples.ts';

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
  const failures = listExamples().filter((example) => !isAnswered(example));
  await stop(first.server);
  const second = await start(10_000);
  console.log(`second start: /health answers after ${second.seconds.toFixed(1)} s`);
  await stop(second.server);
  const split = await start(20_000, '--all', '--config', 'config.split.yaml');
  failures.push(...listExamples('console split').filter((example) => !isAnswered(example)));
  await stop(split.server);
  const changes = execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' });
  if (changes !== '') console.error(`the clone is not clean any more:\n${changes}`);
  const count = listExamples().length + listExamples('console split').length;
  console.log(`${count - failures.length} passed, ${failures.length} failed`);
  if (failures.length > 0 || changes !== '') process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function start(timeout: number, ...args: string[]) {
  const begin = performance.now();
  const server = spawn('./run.sh', args, { cwd: clone, env, stdio: ['ignore', 'ignore', 'inherit'] });
  while (!(await isHealthy())) {
    if (server.exitCode !== null) throw new Error(`./run.sh ended with ${server.exitCode}`);
    if (performance.now() - begin > timeout) throw new Error(`no answer within ${timeout / 1000} s`);
    await sleep(20);
  }
  return { server, seconds: (performance.now() - begin) / 1000 };
}

/** Whether all of it answers, wherever it runs. */
async function isHealthy(): Promise<boolean> {
  const paths = ['/health', '/pet/health', '/user/health'];
  const answers = await Promise.all(paths.map((path) => fetch(`${origin}${path}`).catch(() => undefined)));
  return answers.every((answer) => answer?.ok);
}

async function stop(server: ReturnType<typeof spawn>): Promise<void> {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const [code] = await ended;
  if (code !== 0) throw new Error(`./run.sh ended with ${code} on SIGTERM`);
}

function isAnswered({ command, answer }: Example): boolean {
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: clone, env, encoding: 'utf8' });
  const isSame = normalize(stdout + stderr) === normalize(answer);
  console.log(`${isSame ? 'ok  ' : 'FAIL'} $ ${command}`);
  if (!isSame) console.log(`  README: ${normalize(answer)}\n  now:    ${normalize(stdout + stderr)}`);
  return isSame;
}
