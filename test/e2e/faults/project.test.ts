import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, type TestContext, test, vi } from 'vitest';
import { copyProject, linkPackages } from '../../docs/project.ts';
import { findFreePort, makeFolder } from '../../support/app.ts';
import { root, startProcess } from '../process/helper.ts';

// Each product runs its tests and checks, which takes a minute on a busy machine.
vi.setConfig({ testTimeout: 1_200_000 });

/** Runs a command of a project. */
async function run(t: TestContext, cwd: string, command: string, args: readonly string[], env = {}) {
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const running = startProcess(t, command, args, { cwd, env: { PATH: path, ...env } });
  const { code } = await running.ended;
  return { code, output: running.output() };
}

async function create(t: TestContext, folder: string, ...args: string[]) {
  // As on a machine where git knows a name and an email in the clone alone.
  const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const clone = makeFolder(t);
  git(clone, 'init', '--quiet');
  git(clone, 'config', 'user.name', 'Alice');
  git(clone, 'config', 'user.email', 'alice@example.com');
  return run(t, clone, process.execPath, [join(root, 'scripts/new.ts'), 'project', folder, ...args], env);
}

const git = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();

/** Starts the server on a free port, and returns the response to a request. */
async function serve(t: TestContext, folder: string, path: string): Promise<unknown> {
  const port = await findFreePort();
  const text = readFileSync(join(folder, 'config.yaml'), 'utf8');
  writeFileSync(join(folder, 'config.yaml'), text.replace('port: 8000', `port: ${port}`));
  const running = startProcess(t, './run.sh', [], { cwd: folder });
  await running.waitForOutput(/"msg":"listening"/);
  const body = await (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  running.child.kill('SIGTERM');
  expect(await running.ended).toMatchObject({ code: 0 });
  writeFileSync(join(folder, 'config.yaml'), text);
  return body;
}

test('new project writes a product with one service, in which both commands and the checks pass', async (t) => {
  const folder = join(makeFolder(t), 'pet-shop');
  const created = await create(t, folder);
  expect(created).toMatchObject({ code: 0 });
  expect(created.output).toContain('the author of the commit is pet-shop <pet-shop@localhost>');
  expect(git(folder, 'log', '--format=%s by %an')).toBe('feat: start the product by pet-shop');
  expect(git(folder, 'status', '--porcelain', '--ignored')).toBe('');
  expect(readdirSync(join(folder, 'src/services'))).toEqual(['pet']);
  expect(readdirSync(join(folder, 'test')).sort()).toEqual(['services', 'support']);
  expect(existsSync(join(folder, 'bench'))).toBe(false);
  expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toMatchObject({
    name: 'pet-shop',
    version: '0.1.0',
    license: 'UNLICENSED',
  });
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(/^# pet-shop\n/);

  linkPackages(folder);
  expect(await serve(t, folder, '/pet/pets/')).toEqual([]);
  // Without tests of the framework, it runs the tests and the checks of the product.
  const all = await run(t, folder, '.ci/run', []);
  expect(all).toMatchObject({ code: 0 });
  expect(all.output).toContain('test/services/pet/pet.test.ts');
  expect(all.output).toMatch(/Tests .*passed/);
  expect(all.output).toContain('no dependency violations found');
  expect(git(folder, 'status', '--porcelain')).toBe('');
});

test('a bare product serves its gateway, has no test that fails, and takes a first service', async (t) => {
  const folder = join(makeFolder(t), 'bare');
  mkdirSync(folder);
  expect(await create(t, folder, '--bare')).toMatchObject({ code: 0 });
  // Git keeps no empty folder.
  rmSync(join(folder, 'src/services'), { recursive: true, force: true });
  linkPackages(folder);
  expect(await serve(t, folder, '/')).toEqual({ message: 'Gateway is running', services: [] });
  const tests = await run(t, folder, './run.sh', ['test']);
  expect(tests).toMatchObject({ code: 0 });
  expect(tests.output).toContain('No service has a test yet: ./run.sh new service NAME writes a service');
  expect(await run(t, folder, './run.sh', ['check'])).toMatchObject({ code: 0 });
  expect(git(folder, 'status', '--porcelain')).toBe('');

  expect(await run(t, folder, './run.sh', ['new', 'service', 'toy'])).toMatchObject({ code: 0 });
  const first = await run(t, folder, './run.sh', ['test']);
  expect(first).toMatchObject({ code: 0 });
  expect(first.output).toContain('test/services/toy/toy.test.ts');
  expect(await run(t, folder, './run.sh', ['test', 'nothing'])).toMatchObject({ code: 1 });
  expect(await run(t, folder, './run.sh', ['bench'])).toMatchObject({ code: 2 });
  expect(await run(t, folder, './run.sh', ['remove', 'service', 'toy'])).toMatchObject({ code: 0 });
  expect(git(folder, 'status', '--porcelain')).toBe('');
  const fuzzed = await run(t, folder, './run.sh', ['fuzz']);
  expect(fuzzed.code).toBe(2);
  expect(fuzzed.output).toContain('There is no operation yet: add a service first\n');
});

test('a mistake of the user is one line with exit code 2, and nothing is written', async (t) => {
  const folder = makeFolder(t);
  writeFileSync(join(folder, 'file'), '');
  const mistakes: [args: string[], message: string][] = [
    [[], 'Missing DIR of the project: see --help'],
    [['one', 'two'], 'Unknown argument two: see --help'],
    [['--bear'], 'Unknown option --bear: see --help'],
    [[folder], 'is not empty: choose a new folder'],
    [[join(folder, 'file')], 'is a file: choose a new folder'],
    [[join(folder, 'Pet Shop')], 'such as pet-shop, not Pet Shop'],
    [[join(root, 'shop')], 'is in the folder of this project: choose another, such as ../pet-shop'],
  ];
  for (const [args, message] of mistakes) {
    const { code, output } = await run(t, root, process.execPath, ['scripts/new.ts', 'project', ...args]);
    expect([args, code, output]).toEqual([args, 2, expect.stringContaining(message)]);
    expect(output.trim().split('\n')).toHaveLength(1);
  }
  const dry = await create(t, join(folder, 'shop'), '--dry-run');
  expect(dry).toMatchObject({ code: 0, output: expect.stringMatching(/^would write .*\/shop: /) });
  expect(readdirSync(folder)).toEqual(['file']);
});

test('if a step fails, or the user stops the command, no file is left', async (t) => {
  const folder = makeFolder(t);
  // A git that fails, after everything else was written.
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  writeFileSync(join(programs, 'git'), '#!/bin/sh\necho "no space" >&2\nexit 1\n', { mode: 0o755 });
  const args = ['scripts/new.ts', 'project', join(folder, 'shop'), '--bare'];
  const path = { PATH: `${programs}:${process.env.PATH}` };
  const running = startProcess(t, process.execPath, args, { env: path });
  expect(await running.ended).toMatchObject({ code: 1 });
  expect(running.output()).toMatch(/no space\n\nFailed: make a repository\. Nothing has changed\n$/);
  expect(existsSync(join(folder, 'shop'))).toBe(false);

  mkdirSync(join(folder, 'empty'));
  const stopped = startProcess(t, process.execPath, ['scripts/new.ts', 'project', join(folder, 'empty')]);
  await stopped.waitForOutput(/write the migrations/);
  stopped.child.kill('SIGINT');
  expect(await stopped.ended).toMatchObject({ code: 1 });
  expect(stopped.output()).toMatch(/Stopped: nothing has changed\n$/);
  expect(readdirSync(join(folder, 'empty'))).toEqual([]);
});

test('a clone whose owner removed the examples runs its own tests and checks', async (t) => {
  const folder = makeFolder(t);
  copyProject(folder);
  expect(await run(t, folder, './run.sh', ['remove', 'service', 'user'])).toMatchObject({ code: 0 });
  expect(await run(t, folder, './run.sh', ['remove', 'service', 'pet'])).toMatchObject({ code: 0 });
  const tests = await run(t, folder, './run.sh', ['test', 'secrets']);
  expect(tests).toMatchObject({ code: 0 });
  const left =
    "The framework's own tests are left out, because they need the example services auth, pet, user";
  expect(tests.output).toContain(left);
  expect(tests.output).toContain('test/services/auth/secrets.test.ts');
  const checked = await run(t, folder, './run.sh', ['check']);
  expect(checked).toMatchObject({ code: 0 });
  expect(checked.output).toContain(left);
});
