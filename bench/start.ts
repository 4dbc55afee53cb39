/** How long a start takes, from the spawn to the first 200. */
import type { Contender } from './contenders.ts';
import type { Row } from './result.ts';
import { type Shape, seedOnce } from './seed.ts';

/** What is allowed: so many times what the other takes, and so many ms. */
const factor = 1.5;
const grace = 300;

export function start(name: string, left: Contender, right: Contender, shape: readonly [string, Shape]): Row {
  const work = `start, as a part of ${factor} times the other's and ${grace / 1000} s`;
  return {
    name,
    work,
    against: right.name,
    async run(bench) {
      const data = seedOnce(...shape);
      const values: number[] = [];
      for (let turn = 0; turn <= bench.pairs; turn++) {
        bench.say(turn === 0 ? 'warms up' : `pair ${turn} of ${bench.pairs}`);
        const times: number[] = [];
        for (const contender of [left, right]) {
          const server = await contender.start(data);
          times.push(server.startTime);
          await server.stop();
        }
        const [one = 0, other = 0] = times;
        // The first one finds cold files.
        if (turn > 0) values.push(one / (factor * other + grace));
      }
      return [{ row: name, work, against: right.name, values, goal: { atMost: 1 } }];
    },
  };
}
