/** Measures one program at several sizes, and compares each size with the previous one. */
import type { Contender } from './contenders.ts';
import type { Measured, Request } from './load.ts';
import { findDoubts, type Row } from './result.ts';
import { measureRounds } from './rounds.ts';
import { type Data, type Shape, seedOnce } from './seed.ts';
import type { Goal } from './statistics.ts';
import { awake, withServers } from './turns.ts';

export interface Series {
  readonly name: string;
  readonly work: string;
  readonly contender: Contender;
  readonly points: readonly Point[];
  /** Returns the compared figure of a point. Each point is divided by the previous one. */
  of(figure: Measured, point: Point): number;
  readonly goal?: Goal;
}

export interface Point {
  readonly label: string;
  readonly shape: readonly [name: string, shape: Shape];
  readonly requests: readonly Request[];
  readonly connections?: number;
  /** The number of items in a response. */
  readonly size?: number;
  /** Whether the core of the server is not the limit. */
  readonly isIdle?: boolean;
}

export function series({ name, work, contender, points, of, goal }: Series): Row {
  return {
    name,
    work,
    against: '',
    async run(bench) {
      bench.showProgress('creating the data');
      const data = points.map(({ shape }) => seedOnce(...shape));
      const all = [...new Set<Data>(data)];
      const contenders = all.map((one) => [contender, one] as const);
      const rounds = await withServers(contenders, async (servers) => {
        for (const server of servers) server.pause();
        return measureRounds(bench, async () => {
          const figures: Measured[] = [];
          for (const [index, { requests, connections = 50 }] of points.entries()) {
            const server = servers[all.indexOf(data[index] as Data)] as (typeof servers)[0];
            const load = { connections, warmUp: bench.warmUp, seconds: bench.seconds };
            figures.push(await awake(server, () => bench.generator.measure(server, requests, load)));
          }
          return figures;
        });
      });
      return points.slice(1).map((point, index) => {
        const before = points[index] as Point;
        const values = rounds.map(
          (figures) => of(figures[index + 1] as Measured, point) / of(figures[index] as Measured, before),
        );
        const figures = rounds.map((round) => round[index + 1] as Measured);
        const warnings = findDoubts(figures, point.isIdle);
        const against = `itself: ${before.label}`;
        return {
          row: name,
          work: `${work}: ${point.label}`,
          against,
          values,
          warnings,
          ...(goal && { goal }),
        };
      });
    },
  };
}
