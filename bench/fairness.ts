/** Measures a client that reads little while others read much. */
import type { Contender } from './contenders.ts';
import { type Measured, openGenerator, type Request } from './load.ts';
import { findDoubts, type Result, type Row } from './result.ts';
import { measureRounds } from './rounds.ts';
import { type Shape, seedOnce } from './seed.ts';
import { withServers } from './turns.ts';

export interface Fairness {
  readonly name: string;
  readonly contender: Contender;
  readonly shape: readonly [name: string, shape: Shape];
  /** The requests of one client, one after another, and the concurrent requests of others. */
  readonly little: { readonly work: string; readonly requests: readonly Request[] };
  readonly much: { readonly work: string; readonly requests: readonly Request[]; readonly clients: number };
  /** How much the p99 may rise, in ms. */
  readonly atMost: number;
}

/** The number and length of the rounds. Each other client gets several responses in a round. */
const rounds = 3;
const seconds = 15;

/** Measures one client alone and beside others. The row fails if any response is not 200. */
export function fairness({ name, contender, shape, little, much, atMost }: Fairness): Row {
  const beside = `${much.clients} clients that read ${much.work} repeatedly`;
  const row = { row: name, against: 'itself: alone' };
  return {
    name,
    work: little.work,
    against: row.against,
    async run(bench) {
      const measured = await withServers([[contender, seedOnce(...shape)]], async ([server]) => {
        if (server === undefined) return [];
        const others = openGenerator();
        const load = { connections: 1, warmUp: bench.warmUp, seconds };
        const readLittle = () => bench.generator.measure(server, little.requests, load);
        const readMuch = () =>
          others.measure(server, much.requests, {
            connections: much.clients,
            warmUp: 0,
            seconds: load.warmUp + seconds,
          });
        try {
          return await measureRounds({ ...bench, pairs: rounds, warmUps: 0 }, async () => [
            await readLittle(),
            ...(await Promise.all([readLittle(), readMuch()])),
          ]);
        } finally {
          others.close();
        }
      });
      return writeResults(row, little.work, beside, atMost, measured as Round[]);
    },
  };
}

type Round = readonly [alone: Measured, beside: Measured, others: Measured];

function writeResults(
  row: Pick<Result, 'row' | 'against'>,
  work: string,
  beside: string,
  atMost: number,
  measured: readonly Round[],
): Result[] {
  const warnings = findDoubts(measured.flat(), true);
  const of = (value: (round: Round) => number) => measured.map(value);
  const ms = { ...row, unit: 'ms', warnings } as const;
  return [
    { ...ms, against: '', work: `${work}, alone: p99`, values: of(([alone]) => alone.p99) },
    { ...ms, against: '', work: `${work}, beside ${beside}: p99`, values: of(([, other]) => other.p99) },
    {
      ...ms,
      work: `${work}, beside ${beside}: increase of p99`,
      goal: { atMost },
      values: of(([alone, other]) => other.p99 - alone.p99),
    },
    { ...ms, against: '', work: `those pages: p50`, values: of(([, , others]) => others.p50) },
  ];
}
