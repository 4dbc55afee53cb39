/** Measures a start, from the spawn to the first 200. */
import type { Contender } from './contenders.ts';
import { watchCores } from './machine.ts';
import type { Row } from './result.ts';
import { measureRounds } from './rounds.ts';
import { type Data, type Shape, seedOnce } from './seed.ts';

/** The allowed time: `factor` times that of the other, plus `graceMs`. */
const factor = 1.5;
const graceMs = 300;

export function start(name: string, left: Contender, right: Contender, shape: readonly [string, Shape]): Row {
  const work = `start time, relative to ${factor} times the other's plus ${graceMs / 1000} s`;
  return {
    name,
    work,
    against: right.label,
    async run(bench) {
      const data = seedOnce(...shape);
      const rounds = await measureRounds(bench, async () => [
        await measureStart(left, data),
        await measureStart(right, data),
      ]);
      const values = rounds.map(([one, other]) => {
        return (one?.time ?? Number.NaN) / (factor * (other?.time ?? Number.NaN) + graceMs);
      });
      return [{ row: name, work, against: right.label, values, goal: { atMost: 1 } }];
    },
  };
}

async function measureStart(contender: Contender, data: Data) {
  const others = watchCores();
  const server = await contender.start(data);
  const othersBusy = others(server.use().cpu);
  await server.stop();
  return { time: server.startTime, othersBusy };
}
