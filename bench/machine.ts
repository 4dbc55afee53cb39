/** The cores of this machine, and what processes take of them; as Linux says it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tolerated } from './result.ts';

export class SetupError extends Error {}

/** Where a process runs: the server alone on one core, the load on another; or wherever there is room. */
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

/** The command that runs `command` in that place. */
export function pin(place: Place, command: readonly string[]): [string, ...string[]] {
  const cores = listCores();
  const list = { server: cores[0], load: cores.at(-1), anywhere: cores.join(',') }[place];
  return ['taskset', '-c', String(list), ...command];
}

/** Leaves the server's core to the server. */
export function pinSelf(): void {
  execFileSync('taskset', ['-acp', String(listCores().at(-1)), String(process.pid)], { stdio: 'ignore' });
}

/** Lets a process, and what it starts from now on, run on every core. */
export function unpin(pid: number): void {
  execFileSync('taskset', ['-acp', listCores().join(','), String(pid)], { stdio: 'ignore' });
}

export function describeMachine(): string {
  return `${listCores().length} cores, Linux, Node ${process.versions.node}`;
}

/**
 * Looks at all that happens on these cores. What comes back says what part of a core something else took since
 * then than this process and those whose `seconds` of a core are given.
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

/** Waits until these cores have nothing to do, `seconds` at most. */
export async function waitForQuiet(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left--) {
    const others = watchCores();
    await sleep(1000);
    if (others(0) <= tolerated) return;
  }
}

/** Seconds that these cores have been busy, with whatever; interrupts, which are nobody's, left out. */
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

/** What the processes of these groups have used: seconds of a core so far, and bytes of memory now. */
export function readUse(groups: readonly number[]): { cpu: number; rss: number } {
  let ticks = 0;
  let kibibytes = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // The name, in brackets, may hold anything; behind it come state, parent, group.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (!groups.includes(Number(fields[2]))) continue;
      ticks += Number(fields[11]) + Number(fields[12]);
      kibibytes += Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It has ended meanwhile.
    }
  }
  return { cpu: ticks / ticksPerSecond, rss: kibibytes * 1024 };
}
