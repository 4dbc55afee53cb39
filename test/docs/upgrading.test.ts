import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../support/app.ts';
import { listBlocks } from './blocks.ts';
import { openProjectSession } from './project.ts';

/** Commits all files of a folder, and makes it a repository if it is none. */
function commitAll(folder: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message=all');
}

function edit(path: string, from: string | RegExp, to: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
}

test('the steps of the page about upgrading replace the framework and keep the product', {
  timeout: 300_000,
}, async (t) => {
  const framework = makeFolder(t);
  const env = { FRAMEWORK_URL: framework };
  const session = await openProjectSession(t, { env, isLeftOut: (command) => command === './run.sh check' });
  const { folder } = session;
  commitAll(folder);
  execFileSync('git', ['clone', '--quiet', folder, framework]);
  edit(join(framework, 'framework.json'), /"version": ".*"/, '"version": "9.0.0"');
  edit(join(framework, 'docs/glossary.md'), 'One word', 'A single word');
  writeFileSync(join(framework, 'src/framework/added.ts'), 'export const added = true;\n');
  execFileSync('git', ['rm', '--quiet', 'docs/decisions/0001-loopback-http-between-services.md'], {
    cwd: framework,
  });
  commitAll(framework);

  edit(join(folder, 'package.json'), '"name": "modular-monolith"', '"name": "pet-shop"');
  edit(join(folder, 'src/services/pet/index.ts'), /description: '.*'/, "description: 'Ours.'");
  writeFileSync(join(folder, 'README.md'), '# Pet shop\n');
  commitAll(folder);

  for (const block of listBlocks('docs/upgrading.md')) await session.work(block);
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  expect(read('framework.json')).toContain('9.0.0');
  expect(read('docs/glossary.md')).toContain('A single word');
  expect(existsSync(join(folder, 'src/framework/added.ts'))).toBe(true);
  expect(existsSync(join(folder, 'docs/decisions/0001-loopback-http-between-services.md'))).toBe(false);
  expect(read('package.json')).toContain('"name": "pet-shop"');
  expect(read('src/services/pet/index.ts')).toContain("'Ours.'");
  expect(read('README.md')).toBe('# Pet shop\n');
});
