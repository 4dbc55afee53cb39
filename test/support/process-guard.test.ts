import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, type TestContext, test } from 'vitest';
import { isAlive, waitForEnd } from '../e2e/process/children.ts';
import { spawnForTest } from './process-guard.ts';

/** A shell with a child: prints the ids of both. */
const family = ['-c', 'sleep 600 & echo $$ $!; wait'];

async function readIds(stdout: AsyncIterable<Buffer> | null): Promise<number[]> {
  for await (const line of stdout ?? []) return String(line).trim().split(' ').map(Number);
  throw new Error('The command printed no ids');
}

let left: number[] = [];
let ended: TestContext;

test('a process starts with its test', async (t) => {
  ended = t;
  left = await readIds(spawnForTest(t, 'sh', family, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout);
  expect(left.map(isAlive)).toEqual([true, true]);
});

test('it has ended after its test, and so have its children', async () => {
  await waitForEnd(left);
});

test('a test that has ended cannot start a process', () => {
  expect(() => spawnForTest(ended, 'sleep', ['600'], {})).toThrow(
    'The test "a process starts with its test" has ended: it cannot start sleep',
  );
});

test('a process ends when its worker is killed, and so do its children', async (t) => {
  const guard = new URL('process-guard.ts', import.meta.url);
  const script = `
    import { spawnGuarded } from ${JSON.stringify(guard)};
    const child = spawnGuarded('sh', ${JSON.stringify(family)}, { stdio: ['ignore', 'pipe', 'inherit'] });
    // The worker passes the ids on, so that it is not killed before the guard knows the group.
    child.stdout.pipe(process.stdout);
    setInterval(() => {}, 1000);`;
  const worker = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.onTestFinished(() => void worker.kill('SIGKILL'));
  const ids = await readIds(worker.stdout);
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  await waitForEnd(ids);
});
