/**
 * Adds a third service to a copy of the project, by the steps of docs/add-a-service.md. Then runs the tests there that
 * could depend on the list of services; with `--all`, all tests of the project. Removes the service by the steps of the
 * page, and checks that no change is left. Needs the ports 8000 to 8003.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { listBlocks } from '../test/docs/blocks.ts';
import { copyProject } from '../test/docs/project.ts';
import { openSession } from '../test/docs/session.ts';

/** The tests that read the services, the config or the generated files of the project. */
const dependent = [
  ...['test/docs/pages', 'test/docs/reference', 'test/docs/vscode'],
  ...['architecture', 'imports', 'ownership', 'openapi/merge', 'service', 'testing'].map(
    (name) => `test/framework/${name}`,
  ),
];

const page = 'docs/add-a-service.md';
const folder = mkdtempSync(join(tmpdir(), 'third-service-'));
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };
const session = openSession({
  ...{ folder, env, timeout: 180_000 },
  onCommand: (command, seconds) => console.log(`ok, ${seconds.toFixed(1)} s $ ${command}`),
});
const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });

try {
  // Some tests run programs as another user.
  chmodSync(folder, 0o755);
  copyProject(folder);
  git('init', '--quiet');
  git('add', '--all');
  git('-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message=start');
  const blocks = listBlocks(page);
  const split = lineOf('## 10. Split it off');
  for (const block of blocks.filter(({ line }) => line < split)) await session.work(block);
  await session.stop();
  const files = process.argv.includes('--all') ? [] : dependent;
  const projects = files.length > 0 ? ['framework'] : ['services', 'framework'];
  const tests = ['vitest', 'run', ...projects.flatMap((name) => ['--project', name]), ...files];
  const { status } = spawnSync('npx', tests, { cwd: folder, env, stdio: 'inherit' });
  if (status !== 0) throw new Error('tests of the project fail with a third service');
  for (const block of blocks.filter(({ line }) => line >= split)) await session.work(block);
  await session.stop();
  const left = git('status', '--porcelain');
  if (left !== '') throw new Error(`the page does not remove all files that it adds:\n${left}`);
} finally {
  await session.kill();
  rmSync(folder, { recursive: true, force: true });
}

function lineOf(heading: string): number {
  const index = readFileSync(join(folder, page), 'utf8').split('\n').indexOf(heading);
  if (index < 0) throw new Error(`${page} has no heading "${heading}"`);
  return index + 1;
}
