import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { TestContext } from 'vitest';

/** Reads `+ GROUP` and `- GROUP` from the worker, and kills the groups that are left when the worker ends. */
const script = `
trap '' HUP INT TERM
groups=' '
while read -r action group; do
  case $action in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done`;

// Test files that share a worker share its guard, although each may load this module again.
const shared = globalThis as { processGuard?: Writable };

function startGuard(): Writable {
  const guard = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  const input = guard.stdin as Writable & { unref(): void };
  input.unref();
  return input;
}

/** Starts a command in a new process group. It survives neither `stopGuarded` nor the end of this process, even by SIGKILL. */
export function spawnGuarded(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  shared.processGuard ??= startGuard();
  const child = spawn(command, args, { ...options, detached: true });
  if (child.pid !== undefined) shared.processGuard.write(`+ ${child.pid}\n`);
  return child;
}

/** Kills the process group of a command, and waits until the command has ended. */
export async function stopGuarded(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // No process of the group is left.
  }
  await exit;
  shared.processGuard?.write(`- ${pid}\n`);
}

/** @throws {Error} if the test has ended: vitest never runs a hook that is registered after that. */
export function assertRunning({ signal, task }: TestContext, action: string): void {
  if (!signal.aborted && task.result?.state === 'run') return;
  throw new Error(`The test "${task.name}" has ended: it cannot ${action}`);
}

/**
 * Starts a command in a new process group, which is killed when the test ends.
 * @throws {Error} if the test has ended.
 */
export function spawnForTest(
  t: TestContext,
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  assertRunning(t, `start ${command}`);
  const child = spawnGuarded(command, args, options);
  t.onTestFinished(() => stopGuarded(child));
  return child;
}
