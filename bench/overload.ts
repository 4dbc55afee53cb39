/** Measures a server under more load than its capacity: accepted and rejected requests, and their times. */
import type { Contender } from './contenders.ts';
import type { Measured, MeasuredOffer, Request } from './load.ts';
import { round } from './report.ts';
import { type Bench, type CurvePoint, findDoubts, type Result, type Row, tolerated } from './result.ts';
import { measureRounds } from './rounds.ts';
import { type Shape, seedOnce } from './seed.ts';
import { spread } from './statistics.ts';
import { withServers } from './turns.ts';

export interface Overload {
  readonly name: string;
  readonly work: string;
  readonly contender: Contender;
  readonly shape: readonly [name: string, shape: Shape];
  readonly requests: readonly Request[];
}

/** The number of connections, below the default limit of the product (2,000). */
const connections = 1500;
/** The load of the goal, relative to the capacity, and the goal, relative to the maximum rate at any load. */
const goalLoad = 2;
const minRate = 0.9;
/** The default timeout of health probes in Kubernetes, in ms. */
const healthTimeout = 1000;
/**
 * Limits for a valid measurement: the delay of the load generator in ms, the share of requests that wait for a
 * connection, and the highest rate relative to the measured capacity.
 */
const limits = { late: 20, queued: 0.01, more: 1.15 };

export function overload({ name, work, contender, shape, requests }: Overload): Row {
  const row = { row: name, work, against: '' };
  return {
    name,
    work,
    against: '',
    async run(bench) {
      const data = seedOnce(...shape);
      const measured = await withServers([[contender, data]], async ([server]) => {
        if (server === undefined) return [];
        const closed = { connections: 50, warmUp: bench.warmUp, seconds: bench.seconds };
        const { loads, rounds, maxRepeats, warmUp, seconds } = bench.overload;
        let isWarm = false;
        const measure = async () => {
          const capacity = await bench.generator.measure(server, requests, closed);
          const figures: (Measured | MeasuredOffer)[] = [capacity];
          // The first run only warms up.
          for (const load of isWarm ? loads : []) {
            bench.showProgress(`${load} times the capacity`);
            const offer = { connections, warmUp, seconds, arrivals: load * capacity.rate };
            figures.push(await bench.generator.offer(server, requests, offer));
          }
          isWarm = true;
          return figures;
        };
        return measureRounds({ ...bench, pairs: rounds, warmUps: 1 }, measure, maxRepeats);
      });
      return writeResults(row, bench.overload.loads, measured as [Measured, ...MeasuredOffer[]][]);
    },
  };
}

type Line = Pick<Result, 'row' | 'work' | 'against'>;

/** @param rounds the figures of each round: the closed loop, then each load. */
export function writeResults(
  line: Line,
  loads: Bench['overload']['loads'],
  rounds: readonly Round[],
): Result[] {
  const at = loads.indexOf(goalLoad) + 1;
  const offers = rounds.map(([, ...offered]) => offered);
  const warnings = [
    ...findDoubts(rounds.map(([capacity]) => capacity)),
    ...findOfferDoubts(offers.flat()),
    ...findLow(rounds),
  ];
  const of = (value: (round: Round) => number) => rounds.map(value);
  return [
    {
      ...line,
      work: `${line.work}, at twice its capacity: accepted requests`,
      against: 'itself: the maximum at any load',
      goal: { atLeast: minRate },
      values: of((round) => ofCapacity(round, at) / findMax(rounds)),
      warnings,
      curve: { work: line.work, points: loads.map((load, index) => toPoint(load, rounds, index + 1)) },
    },
    {
      ...line,
      work: `${line.work}, at twice its capacity: p99 of accepted requests`,
      unit: 'ms',
      values: of((round) => round[at]?.p99 ?? Number.NaN),
      warnings,
    },
    {
      ...line,
      work: `health, requested every 100 ms at up to ${Math.max(...loads)} times the capacity for ${line.work}: the slowest response`,
      unit: 'ms',
      goal: { atMost: healthTimeout },
      values: offers.map((offered) => Math.max(...offered.map(({ health }) => health))),
      warnings,
    },
    countOthers(
      { ...line, work: `${line.work}, at any load: responses other than 200 and 503 with Retry-After` },
      offers,
    ),
  ];
}

type Round = readonly [Measured, ...MeasuredOffer[]];

/** Returns the accepted rate of a load, relative to the closed loop of the same round, because machines vary over time. */
function ofCapacity(round: Round, index: number): number {
  return (round[index]?.rate ?? Number.NaN) / round[0].rate;
}

/** Returns the highest median of all loads. A single maximum would be an outlier. */
function findMax(rounds: readonly Round[]): number {
  const medians = rounds[0]?.map(
    (_, index) => spread(rounds.map((round) => ofCapacity(round, index))).median,
  );
  return Math.max(...(medians ?? []));
}

/** Reports responses that are neither accepted nor proper rejections as a failure. */
function countOthers(line: Line, offers: readonly (readonly MeasuredOffer[])[]): Result {
  const counts = new Map<string, number>();
  for (const { responses } of offers.flat())
    for (const [status, count] of Object.entries(responses.others))
      counts.set(status, (counts.get(status) ?? 0) + count);
  if (counts.size === 0) return { ...line, goal: { atMost: 0 }, values: [0] };
  const list = [...counts].map(([status, count]) => `${count} were ${status}`).join(', ');
  return { ...line, values: [], failed: `of the responses, ${list}` };
}

/** Warns if a later rate shows that the measured capacity was too low. */
function findLow(rounds: readonly Round[]): string[] {
  const max = Math.max(
    ...rounds.map(([{ rate }, ...offers]) => Math.max(...offers.map((offer) => offer.rate)) / rate),
  );
  return max > limits.more
    ? [`the measured capacity was too low: a later rate was ${round(max)} times as high`]
    : [];
}

/** Lists the reasons why the offered load was not the intended one. */
export function findOfferDoubts(offers: readonly MeasuredOffer[]): string[] {
  const late = Math.max(...offers.map((offer) => offer.late));
  const queued = Math.max(...offers.map((offer) => offer.queued));
  const doubts: string[] = [];
  if (late > limits.late)
    doubts.push(
      `the load generator could not keep up: the p99 of the delay before sending was ${Math.round(late)} ms`,
    );
  if (queued > limits.queued)
    doubts.push(
      `the load generator ran out of connections: ${Math.round(queued * 100)} % of the requests waited for one of ${connections}`,
    );
  if (offers.some(({ othersBusy }) => othersBusy > tolerated))
    doubts.push(
      `other processes took up to ${Math.round(Math.max(...offers.map(({ othersBusy }) => othersBusy)) * 100)} % of a core`,
    );
  return doubts;
}

function toPoint(load: number, rounds: readonly Round[], index: number): CurvePoint {
  const offers = rounds.map((round) => round[index] as MeasuredOffer);
  const middle = (of: (offer: MeasuredOffer, capacity: number) => number) =>
    spread(offers.map((offer, round) => of(offer, rounds[round]?.[0].rate as number))).median;
  const sum = (of: (offer: MeasuredOffer) => number) => offers.reduce((total, offer) => total + of(offer), 0);
  return {
    load,
    offered: middle(({ offered }) => offered),
    accepted: middle(({ rate }) => rate),
    rejected: middle(({ rejected }) => rejected),
    ofCapacity: middle(({ rate }, capacity) => rate / capacity),
    p50: middle(({ p50 }) => p50),
    p99: middle(({ p99 }) => p99),
    rejectedP99: middle(({ rejectedP99 }) => rejectedP99),
    health: Math.max(...offers.map(({ health }) => health)),
    responses: {
      accepted: sum(({ responses }) => responses.accepted),
      rejected: sum(({ responses }) => responses.rejected),
      others: sum(({ responses }) =>
        Object.values(responses.others).reduce((total, count) => total + count, 0),
      ),
      health: sum(({ responses }) => responses.health),
    },
    warnings: findOfferDoubts(offers),
  };
}
