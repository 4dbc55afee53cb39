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
  timeout: 1_200_000,
}, async (t) => {
  const framework = makeFolder(t);
  const env = { FRAMEWORK_URL: framework };
  const session = await openProjectSession(t, { env });
  const { folder } = session;
  commitAll(folder);
  execFileSync('git', ['clone', '--quiet', folder, framework]);
  edit(join(framework, 'framework.json'), /"version": ".*"/, '"version": "9.0.0"');
  edit(join(framework, 'docs/glossary.md'), 'One word', 'A single word');
  edit(join(framework, 'package.json'), '"check":', '"audit": "exec npm audit",\n    "check":');
  writeFileSync(join(framework, 'src/framework/context/added.ts'), 'export const added = true;\n');
  execFileSync('git', ['rm', '--quiet', 'docs/decisions/0001-loopback-http-between-services.md'], {
    cwd: framework,
  });
  commitAll(framework);

  edit(join(folder, 'package.json'), '"name": "modular-monolith"', '"name": "pet-shop"');
  edit(join(folder, 'package.json'), '"check":', '"sell": "exec node sell.ts",\n    "check":');
  edit(join(folder, 'src/services/pet/index.ts'), /description: '.*'/, "description: 'Ours.'");
  edit(join(folder, 'docs/events.md'), '# Events', '# Our events');
  writeFileSync(join(folder, 'docs/our-page.md'), '# Ours\n');
  writeFileSync(join(folder, 'README.md'), '# Pet shop\n');
  execFileSync(process.execPath, ['scripts/generate.ts'], { cwd: folder });
  commitAll(folder);

  for (const block of listBlocks('docs/upgrading.md')) await session.work(block);
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  expect(read('framework.json')).toContain('9.0.0');
  expect(read('docs/glossary.md')).toContain('A single word');
  expect(existsSync(join(folder, 'src/framework/context/added.ts'))).toBe(true);
  expect(existsSync(join(folder, 'docs/decisions/0001-loopback-http-between-services.md'))).toBe(false);
  expect(read('docs/events.md')).toMatch(/^# Events\n/);
  expect(read('docs/our-page.md')).toBe('# Ours\n');
  expect(read('package.json')).toContain('"name": "pet-shop"');
  expect(JSON.parse(read('package.json')).scripts).toMatchObject({
    audit: 'exec npm audit',
    sell: 'exec node sell.ts',
  });
  expect(read('src/services/pet/index.ts')).toContain("'Ours.'");
  expect(read('README.md')).toBe('# Pet shop\n');
});
