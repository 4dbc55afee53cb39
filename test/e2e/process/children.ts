import { spawnSync } from 'node:child_process';
import { waitFor } from '../groupings/helper.ts';

/** The ids of the child processes of a process. */
export function childrenOf(pid: number | undefined): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Waits until all of these processes have ended. */
export const waitForEnd = (pids: readonly number[]) => waitFor(() => !pids.some(isAlive));
