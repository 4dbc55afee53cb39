import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, type TestContext, test, vi } from 'vitest';
import { copyProject } from '../../docs/project.ts';
import { makeFolder } from '../../support/app.ts';
import { startProcess } from '../process/helper.ts';

// test/docs/upgrading.test.ts runs an upgrade whose checks pass.
vi.setConfig({ testTimeout: 600_000 });

const git = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8' });

function commit(folder: string): void {
  git(folder, 'add', '--all');
  git(
    folder,
    '-c',
    'user.name=test',
    '-c',
    'user.email=test@localhost',
    'commit',
    '--quiet',
    '--message=all',
  );
}

function edit(folder: string, path: string, from: string | RegExp, to: string): void {
  const text = readFileSync(join(folder, path), 'utf8');
  expect(text).toMatch(from);
  writeFileSync(join(folder, path), text.replace(from, to));
}

/** Copies the project, and clones the copy as the repository of the framework. */
function open(t: TestContext) {
  const [product, framework] = [makeFolder(t), join(makeFolder(t), 'framework')];
  copyProject(product);
  git(product, 'init', '--quiet', '--initial-branch=main');
  commit(product);
  git(product, 'clone', '--quiet', product, framework);
  const upgrade = async (...args: string[]) => {
    // `npm` would install into the packages that all tests share.
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, GIT_CONFIG_GLOBAL: '/dev/null' };
    const running = startProcess(t, process.execPath, ['scripts/upgrade.ts', ...args], { cwd: product, env });
    const { code } = await running.ended;
    return { code, output: running.output() };
  };
  const setVersion = (version: string) =>
    edit(framework, 'framework.json', /"version": ".*"/, `"version": "${version}"`);
  return {
    product,
    framework,
    upgrade,
    setVersion,
    changes: () => git(product, 'status', '--porcelain').trim(),
  };
}

test('a mistake of the user, or nothing to do, is one line, and nothing is written', async (t) => {
  const { product, framework, upgrade, setVersion, changes } = open(t);
  const { version } = JSON.parse(readFileSync(join(product, 'framework.json'), 'utf8'));
  const plain = makeFolder(t);
  const other = makeFolder(t);
  git(other, 'init', '--quiet');
  writeFileSync(join(other, 'file'), '');
  commit(other);
  const expectLine = async (args: string[], code: number, message: string) => {
    const result = await upgrade(...args);
    expect([args, result.code, result.output]).toEqual([args, code, expect.stringContaining(message)]);
    expect(result.output.trim().split('\n')).toHaveLength(1);
  };
  await expectLine([], 2, 'Missing --from DIR-OR-URL: see --help');
  await expectLine(['--from'], 2, 'Missing value of --from: see --help');
  await expectLine(['now'], 2, 'Unknown argument now: see --help');
  await expectLine(['--from', join(plain, 'none')], 2, `Cannot fetch ${plain}/none: `);
  await expectLine(['--from', plain], 2, `${plain} is not a git repository`);
  await expectLine(['--from', other], 2, `${other} has no framework.json`);
  await expectLine(['--from', framework], 0, `already at ${version}`);
  setVersion('0.0.9');
  commit(framework);
  await expectLine(['--from', framework], 2, `has the framework 0.0.9, which is older than ${version} here`);
  for (const path of ['src/services', 'src/services/pet']) {
    edit(framework, 'framework.json', '"src/framework",', `"src/framework",\n    "${path}",`);
    commit(framework);
    await expectLine(['--from', framework], 2, `${framework} has a framework.json that is not valid`);
    git(framework, 'reset', '--quiet', '--hard', 'HEAD~1');
  }
  git(framework, 'reset', '--quiet', '--hard', 'HEAD~1');
  setVersion('9.0.0');
  commit(framework);
  const shallow = join(makeFolder(t), 'shallow');
  git(framework, 'clone', '--quiet', '--depth=1', `file://${framework}`, shallow);
  await expectLine(['--from', shallow], 2, `${shallow} has no complete history`);
  expect(changes()).toBe('');

  appendFileSync(join(product, 'config.yaml'), '# changed\n');
  await expectLine(['--from', framework], 2, 'config.yaml has changes that are not committed');
  expect(changes()).toBe('M config.yaml');
  rmSync(join(product, '.git'), { recursive: true });
  await expectLine(['--from', framework], 2, 'This project is not a git repository with a commit');
});

test('with the same version, it names the files that differ, and why, and replaces nothing', async (t) => {
  const { product, framework, upgrade, changes } = open(t);
  const { version } = JSON.parse(readFileSync(join(product, 'framework.json'), 'utf8'));
  edit(product, 'docs/glossary.md', 'One word', 'Our word');
  commit(product);
  edit(framework, 'docs/events.md', 'Events', 'All events');
  commit(framework);
  expect(await upgrade('--from', framework)).toEqual({
    code: 0,
    output: `already at ${version}: nothing is replaced
changed by hand, and replaced by the next version:
  docs/glossary.md
different in ${framework}, whose version has not been raised:
  docs/events.md
`,
  });
  expect(changes()).toBe('');
});

test('a dry run prints what would change, and a failed step says how to go back', async (t) => {
  const { product, framework, upgrade, setVersion, changes } = open(t);
  setVersion('9.0.0');
  // The newer framework cannot generate for this product.
  edit(
    framework,
    'scripts/generate.ts',
    'await runServiceCommand',
    "throw new Error('adapt me');\nawait runServiceCommand",
  );
  edit(framework, 'package.json', '"check":', '"audit": "exec npm audit",\n    "check":');
  mkdirSync(join(framework, 'tools/new'));
  writeFileSync(join(framework, 'tools/new/tool.ts'), 'export const tool = 1;\n');
  rmSync(join(framework, 'docs/events.md'));
  commit(framework);
  edit(product, 'docs/glossary.md', 'One word', 'Our word');
  writeFileSync(join(product, 'docs/our-page.md'), '# Ours\n');
  commit(product);

  const dry = await upgrade('--from', framework, '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.output).toContain('→ 9.0.0\nfiles: 1 added, 3 changed, 1 deleted\n  docs/events.md\n');
  expect(dry.output).toContain('changed by hand, and would be replaced');
  expect(dry.output).toContain('prints your text):\n  docs/glossary.md\nkept');
  expect(dry.output).toContain('the framework never had them:\n  docs/our-page.md\n');
  expect(dry.output).toContain('package.json:\n  scripts.audit: added exec npm audit\n');
  expect(changes()).toBe('');

  const failed = await upgrade('--from', framework);
  expect(failed.code).toBe(1);
  expect(failed.output).toContain('adapt me');
  const way = 'git restore . && git clean -fd';
  expect(failed.output).toContain(
    `the step generate failed. Adapt what it names, and run ./run.sh check. To go back: ${way}\n`,
  );
  expect(readFileSync(join(product, 'docs/glossary.md'), 'utf8')).toContain('One word');
  expect(git(product, 'show', 'HEAD:./docs/glossary.md')).toContain('Our word');
  expect(changes()).toContain('docs/events.md');
  execFileSync('sh', ['-c', way], { cwd: product });
  expect(changes()).toBe('');
  expect(readFileSync(join(product, 'docs/glossary.md'), 'utf8')).toContain('Our word');
});
