/** One against another: the same requests in turn, A B A B…, and of each pair the ratio. */
import type { Contender } from './contenders.ts';
import type { Measured, Request } from './load.ts';
import { type Bench, findDoubts, type Result, type Row } from './result.ts';
import { findDifference } from './same.ts';
import { type Shape, seed, seedOnce } from './seed.ts';
import type { Goal } from './statistics.ts';
import { awake, withServers } from './turns.ts';

export interface Pair {
  readonly name: string;
  readonly work: string;
  readonly left: Contender;
  readonly right: Contender;
  readonly shape: readonly [name: string, shape: Shape];
  readonly requests: readonly Request[];
  readonly connections?: number;
  readonly goal?: Goal;
  /** What of the two is looked at, where it is not the answers a second, left over right. */
  readonly aspects?: readonly Aspect[];
  /** Where the limit is something else than the server's core: the disk, or the way there and back. */
  readonly isIdle?: boolean;
}

export interface Aspect {
  readonly work: string;
  readonly unit?: 'ms';
  readonly goal?: Goal;
  of(left: Measured, right: Measured): number;
}

type Both = readonly [Measured, Measured];

export function pair(options: Pair): Row {
  const { name, work, right, goal, isIdle = false } = options;
  const rate: Aspect = { work, of: (a, b) => a.rate / b.rate, ...(goal !== undefined && { goal }) };
  return {
    name,
    work,
    against: right.name,
    async run(bench) {
      const measured = await measurePairs(bench, options);
      const warnings = isIdle ? [] : findDoubts(measured.flat());
      return (options.aspects ?? [rate]).map(({ of, ...aspect }): Result => {
        const values = measured.map(([left, right]) => of(left, right));
        return { row: name, against: right.name, values, warnings, ...aspect };
      });
    },
  };
}

async function measurePairs(bench: Bench, options: Pair): Promise<Both[]> {
  const { left, right, shape, requests, connections = 50 } = options;
  const load = { connections, warmUp: bench.warmUp, seconds: bench.seconds };
  const isReadOnly = requests.every(({ method }) => method === 'GET');
  bench.say('makes the data');
  const data = (isReadOnly ? seedOnce : seed)(...shape);
  bench.say('starts the servers');
  return withServers(
    [
      [left, data],
      [right, data],
    ],
    async (servers) => {
      const [one, other] = servers as [(typeof servers)[0], (typeof servers)[0]];
      const difference = await findDifference(one, other, requests);
      if (difference !== undefined) throw new Error(`they answer differently: ${difference}`);
      for (const server of servers) server.pause();

      const measured: Both[] = [];
      for (let turn = 0; turn <= bench.pairs; turn++) {
        bench.say(turn === 0 ? 'warms up' : `pair ${turn} of ${bench.pairs}`);
        const measure = (server: typeof one) =>
          awake(server, () => bench.generator.measure(server, requests, load));
        const both = [await measure(one), await measure(other)] as const;
        if (turn > 0) measured.push(both);
      }
      return measured;
    },
  );
}
