import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { makeFolder } from '../../support/app.ts';
import { copyProject, fakeCommand, outcome, root, startProcess } from '../process/helper.ts';
import { canMount, mount } from './disk-helpers.ts';

describe('says what is missing:', () => {
  /** The commands that run.sh needs, besides Node and npm. */
  const tools = [
    'bash',
    'cat',
    'cmp',
    'cp',
    'dirname',
    'env',
    'find',
    'grep',
    'head',
    'ln',
    'mkdir',
    'sed',
    'touch',
  ];

  /** Runs the first command of a new clone, with these commands alone. */
  function startWith(t: TestContext, names: readonly string[], fake: Record<string, string> = {}) {
    const project = copyProject(t);
    rmSync(join(project, 'node_modules'), { recursive: true });
    const folder = makeFolder(t);
    for (const name of names) {
      const path = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
      symlinkSync(name === 'node' ? process.execPath : path, join(folder, name));
    }
    const fakes = Object.entries(fake).map(([name, body]) => fakeCommand(t, name, body));
    const env = { PATH: [...fakes, folder].join(':') };
    return outcome(startProcess(t, join(project, 'run.sh'), ['migrate', 'status'], { env }));
  }

  test('Node and npm', async (t) => {
    expect(await startWith(t, tools)).toEqual({ code: 1, output: 'run.sh: Node 24 or npm is needed\n' });
  });

  test('npm', async (t) => {
    const output = 'run.sh: npm is needed to install the dependencies\n';
    expect(await startWith(t, [...tools, 'node'])).toEqual({ code: 1, output });
  });

  test.for(['cmp', 'find', 'grep', 'sed'])('%s', async (tool, t) => {
    const others = [...tools, 'node'].filter((name) => name !== tool);
    expect(await startWith(t, others)).toEqual({ code: 1, output: `run.sh: ${tool} is needed\n` });
  });

  test('the network, for Node', async (t) => {
    const { code, output } = await startWith(t, tools, { npx: 'echo "npm error EAI_AGAIN" >&2; exit 1' });
    expect(output).toContain('npm error EAI_AGAIN\nrun.sh: Node 24 could not be installed: see above\n');
    expect(code).toBe(1);
  });

  test('the network, for the dependencies', async (t) => {
    const npm = '[ "$1" != ci ] || { echo "npm error EAI_AGAIN" >&2; exit 1; }';
    const { code, output } = await startWith(t, [...tools, 'node'], { npm });
    expect(output).toContain(
      'npm error EAI_AGAIN\nrun.sh: the dependencies could not be installed: see above\n',
    );
    expect(code).toBe(1);
  });

  test.skipIf(!canMount)('the right to write', async (t) => {
    const project = copyProject(t);
    rmSync(join(project, 'node_modules'), { recursive: true });
    const readOnly = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$0/run.sh"';
    expect(await outcome(startProcess(t, 'unshare', [...mount, readOnly, project]))).toEqual({
      code: 1,
      output: `run.sh: ${project} cannot be written, and the dependencies are not installed\n`,
    });
  });
});

test.for(['sh', 'dash', 'zsh', 'ksh'])(
  'starts itself with bash when it is started with %s',
  async (shell, t) => {
    if (spawnSync(shell, ['-c', ':']).status !== 0) return t.skip(`${shell} is not installed`);
    const running = startProcess(t, shell, [join(root, 'run.sh'), '--version']);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await outcome(running)).toEqual({ code: 0, output: `${version}\n` });
  },
);
