/**
 * Checks the README like a newcomer: clones into an empty folder with an empty HOME, and runs every command of the README.
 * Compares each output with the README, and measures a first and a second start. Needs the ports 8000 to 8002.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listBlocks } from '../test/docs/blocks.ts';
import { openSession } from '../test/docs/session.ts';

const page = 'README.md';
const folder = mkdtempSync(join(tmpdir(), 'newcomer-'));
const clone = join(folder, 'modular-monolith');
const home = join(folder, 'home');
const { NODE_EXTRA_CA_CERTS } = process.env;
// Not the PATH of this process, which may begin with the right Node.
const env = {
  HOME: home,
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ...(NODE_EXTRA_CA_CERTS !== undefined && { NODE_EXTRA_CA_CERTS }),
};
let count = 0;
const session = openSession({
  folder: clone,
  env,
  timeout: 180_000,
  onCommand(command, seconds) {
    count += 1;
    console.log(`ok, ${seconds.toFixed(1)} s $ ${command}`);
  },
});

try {
  mkdirSync(home);
  execFileSync('git', ['clone', '--quiet', fileURLToPath(new URL('..', import.meta.url)), clone]);
  const blocks = listBlocks(page);
  for (const block of blocks) await session.work(block);
  console.log('the second start:');
  await session.work({ page, line: 0, language: 'sh', files: [], text: './run.sh\n' });
  await session.stop();
  const added = blocks.flatMap(({ files }) => files);
  const changed = listChanges().filter((path) => !added.includes(path) && !path.startsWith('generated/'));
  if (changed.length > 0)
    throw new Error(`files changed that the README does not mention: ${changed.join(', ')}`);
  console.log(`${count} commands passed`);
} finally {
  await session.kill();
  rmSync(folder, { recursive: true, force: true });
}

function listChanges(): string[] {
  const args = ['status', '--porcelain', '--untracked-files=all'];
  const output = execFileSync('git', args, { cwd: clone, encoding: 'utf8' });
  return output.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(3)]));
}
