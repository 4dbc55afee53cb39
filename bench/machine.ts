/** Reads the cores of this machine and the processor use of processes, on Linux. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tolerated } from './result.ts';

export class SetupError extends Error {}

/** The cores of a process: one for the server, another for the load generator, or all. */
export type Place = 'server' | 'load' | 'anywhere';

const ticksPerSecond = 100; // of /proc/PID/stat, on every Linux

let known: readonly number[] | undefined;

function listCores(): readonly number[] {
  if (known !== undefined) return known;
  if (process.platform !== 'linux') throw new SetupError('The bench needs Linux: taskset and /proc');
  const status = readFileSync('/proc/self/status', 'utf8');
  const ranges = /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1]?.split(',') ?? [];
  const allowed = ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  if (allowed.length < 2)
    throw new SetupError('The bench needs two cores: one for the server, one for the load');
  known = allowed;
  return allowed;
}

/** Returns the command that runs `command` on these cores. */
export function pin(place: Place, command: readonly string[]): [string, ...string[]] {
  const cores = listCores();
  const list = { server: cores[0], load: cores.at(-1), anywhere: cores.join(',') }[place];
  return ['taskset', '-c', String(list), ...command];
}

/** Moves this process away from the core of the server. */
export function pinSelf(): void {
  execFileSync('taskset', ['-acp', String(listCores().at(-1)), String(process.pid)], { stdio: 'ignore' });
}

export function describeMachine(): string {
  return `${listCores().length} cores, Linux, Node ${process.versions.node}`;
}

/**
 * Starts to measure these cores. The returned function gives the cores that unrelated processes have used since: without
 * this process, and without the `seconds` of processor time of known ones.
 */
export function watchCores(): (seconds: number) => number {
  const read = () => ({ busy: readBusy(), own: process.cpuUsage(), at: performance.now() });
  const begin = read();
  return (seconds) => {
    const end = read();
    const { user, system } = process.cpuUsage(begin.own);
    const others = end.busy - begin.busy - seconds - (user + system) / 1e6;
    return Math.max(0, (others * 1000) / (end.at - begin.at));
  };
}

/** Waits until these cores are idle, for at most `seconds`. */
export async function waitForQuiet(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left--) {
    const others = watchCores();
    await sleep(1000);
    if (others(0) <= tolerated) return;
  }
}

/** Returns the seconds that these cores have been busy, without interrupts. */
function readBusy(): number {
  let ticks = 0;
  for (const line of readFileSync('/proc/stat', 'utf8').split('\n')) {
    const core = /^cpu(\d+) (.*)/.exec(line);
    if (core === null || !listCores().includes(Number(core[1]))) continue;
    const [user = 0, nice = 0, system = 0, , , , , steal = 0] = (core[2] as string).split(' ').map(Number);
    ticks += user + nice + system + steal;
  }
  return ticks / ticksPerSecond;
}

/** Returns the processor time in seconds and the current memory in bytes of process groups. */
export function readUse(groups: readonly number[]): { cpu: number; rss: number } {
  let ticks = 0;
  let kibibytes = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // The name in parentheses may contain anything. After it come state, parent and group.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (!groups.includes(Number(fields[2]))) continue;
      ticks += Number(fields[11]) + Number(fields[12]);
      kibibytes += Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // The process has ended.
    }
  }
  return { cpu: ticks / ticksPerSecond, rss: kibibytes * 1024 };
}
