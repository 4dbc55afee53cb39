/** Compares two programs: measures the same requests in turn (A B A B…), and computes the ratio of each pair. */
import type { Contender } from './contenders.ts';
import { type Measured, openGenerator, type Request } from './load.ts';
import { type Bench, findDoubts, type Result, type Row } from './result.ts';
import { measureRounds } from './rounds.ts';
import { findDifference } from './same.ts';
import { type Shape, seed, seedOnce } from './seed.ts';
import type { Server } from './servers.ts';
import type { Goal } from './statistics.ts';
import { awake, withServers } from './turns.ts';

export interface Pair {
  readonly name: string;
  readonly work: string;
  readonly left: Contender;
  readonly right: Contender;
  readonly shape: readonly [name: string, shape: Shape];
  readonly requests: readonly Request[];
  /** The requests of the right program, if they differ in their headers. */
  readonly rightRequests?: readonly Request[];
  readonly connections?: number;
  readonly goal?: Goal;
  /** The compared figures. The default is the responses per second, left divided by right. */
  readonly aspects?: readonly Aspect[];
  /** Whether the limit is not the core of the server, but the disk or the round trip. */
  readonly isIdle?: boolean;
  /** See `Load`. */
  readonly isBusyPolling?: boolean;
  /** Whether the load generator and the server share all cores. */
  readonly isEverywhere?: boolean;
  /**
   * Whether each pair has new servers. Two processes of the same program differ by up to a tenth as long as they run, which
   * would hide a small difference.
   */
  readonly isRestarted?: boolean;
}

export interface Aspect {
  readonly work: string;
  readonly unit?: 'ms';
  readonly goal?: Goal;
  readonly isRivalry?: boolean;
  of(left: Measured, right: Measured): number;
}

export function pair(options: Pair): Row {
  const { name, work, left, right, goal, isIdle = false } = options;
  const rate: Aspect = {
    work,
    isRivalry: left.name !== right.name,
    of: (a, b) => a.rate / b.rate,
    ...(goal !== undefined && { goal }),
  };
  return {
    name,
    work,
    against: right.label,
    async run(bench) {
      const rounds = await measurePairs(bench, options);
      const warnings = findDoubts(rounds.flat(), isIdle);
      return (options.aspects ?? [rate]).map(({ of, ...aspect }): Result => {
        const values = rounds.map(([a, b]) => of(a as Measured, b as Measured));
        return { row: name, against: right.label, values, warnings, ...aspect };
      });
    },
  };
}

async function measurePairs(bench: Bench, options: Pair): Promise<(readonly Measured[])[]> {
  const { left, right, shape, requests, rightRequests = requests } = options;
  const { connections = 50, isBusyPolling = false, isEverywhere = false, isRestarted = false } = options;
  const load = { connections, warmUp: bench.warmUp, seconds: bench.seconds, isBusyPolling };
  const isReadOnly = requests.every(({ method }) => method === 'GET');
  bench.showProgress('creating the data');
  const data = (isReadOnly ? seedOnce : seed)(...shape);
  bench.showProgress('starting the servers');
  const contenders = [
    [left, data],
    [right, data],
  ] as const;
  const measureWith = (plan: Bench) =>
    withServers(contenders, async (servers) => {
      const [one, other] = servers as [Server, Server];
      const difference = await findDifference(one, other, requests);
      if (difference !== undefined) throw new Error(`the responses differ: ${difference}`);
      for (const server of servers) server.pause();

      const generator = isEverywhere ? openGenerator('anywhere') : bench.generator;
      const measure = (server: Server) =>
        awake(server, () => generator.measure(server, server === one ? requests : rightRequests, load));
      try {
        return await measureRounds(plan, async () => [await measure(one), await measure(other)]);
      } finally {
        if (isEverywhere) generator.close();
      }
    });
  if (!isRestarted) return measureWith(bench);
  const rounds: (readonly Measured[])[] = [];
  for (let pair = 0; pair < bench.pairs; pair += 1)
    rounds.push(...(await measureWith({ ...bench, pairs: 1 })));
  return rounds;
}
