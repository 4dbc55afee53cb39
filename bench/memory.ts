/** Measures the memory of a server during a long load. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contenders.ts';
import type { Request } from './load.ts';
import type { Row } from './result.ts';
import { type Shape, seed } from './seed.ts';
import { spread } from './statistics.ts';
import { withServers } from './turns.ts';

export interface Memory {
  readonly name: string;
  readonly contender: Contender;
  readonly shape: readonly [name: string, shape: Shape];
  readonly requests: readonly Request[];
}

export function memory({ name, contender, shape, requests }: Memory): Row {
  const work = 'memory (RSS) under load of all kinds';
  return {
    name,
    work,
    against: '',
    async run(bench) {
      const data = seed(...shape);
      const seconds = bench.memorySeconds;
      const samples: number[] = [];
      await withServers([[contender, data]], async ([server]) => {
        if (server === undefined) return;
        let isOver = false;
        const load = { connections: 50, warmUp: 0, seconds };
        const measured = bench.generator.measure(server, requests, load).finally(() => {
          isOver = true;
        });
        while (!isOver) {
          await Promise.race([sleep(1000), measured]);
          samples.push(server.use().rss / 2 ** 20);
          bench.showProgress(`${samples.length} of ${seconds} s`);
        }
        await measured;
      });
      const fifth = Math.ceil(samples.length / 5);
      const early = spread(samples.slice(fifth, 2 * fifth)).median;
      const late = spread(samples.slice(-fifth)).median;
      return [
        {
          row: name,
          work: `${work}, at most in ${seconds} s`,
          against: '',
          unit: 'MiB',
          goal: { atMost: 250 },
          values: [Math.max(...samples)],
        },
        {
          row: name,
          work: `${work}: the last fifth of that time, relative to the second`,
          against: '',
          goal: { atMost: 1.1 },
          values: [late / early],
        },
      ];
    },
  };
}
