import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { makeFolder } from '../../support/app.ts';
import { spawnForTest } from '../../support/process-guard.ts';
import { root } from '../process/helper.ts';

// `script` of util-linux runs a program in a terminal. That of macOS has other options.
const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

/** Runs `./run.sh new` in a terminal. @param keys the keys to press, each when a text is on the screen. */
async function answer(t: TestContext, keys: readonly (readonly [screen: string, keys: string])[]) {
  const command = `stty cols 100 rows 40; exec ${process.execPath} scripts/new.ts`;
  const child = spawnForTest(t, 'script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: root,
    env: { ...process.env, INIT_CWD: root, CI: '' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const waiting = [...keys];
  let screen = '';
  let seen = 0;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    const next = waiting[0];
    if (next === undefined || screen.indexOf(next[0], seen) < 0) return;
    seen = screen.length;
    waiting.shift();
    child.stdin?.write(next[1]);
  });
  const [code] = await once(child, 'close');
  return { code, screen };
}

test.skipIf(!hasScript)(
  'in a terminal, new without arguments asks, and says the command',
  {
    timeout: 300_000,
  },
  async (t) => {
    const folder = join(makeFolder(t), 'shop');
    const { code, screen } = await answer(t, [
      ['What do you want to write?', '\x1b[B'],
      ['a project', '\r'],
      ['Folder', `${folder}\r`],
      ['With an example service?', 'n'],
    ]);
    expect(screen).toContain(`./run.sh new project ${folder} --bare`);
    expect(code).toBe(0);
    expect(existsSync(join(folder, 'run.sh'))).toBe(true);
  },
);

test.skipIf(!hasScript)('a wrong answer is explained, and Ctrl-C stops the command', async (t) => {
  const { code, screen } = await answer(t, [
    ['What do you want to write?', '\r'],
    ['Name, in the singular', 'Toy\r'],
    ['Expected a name of lower case', '\x03'],
  ]);
  expect(screen).toContain('Stopped: nothing has changed');
  expect(code).toBe(1);
});
