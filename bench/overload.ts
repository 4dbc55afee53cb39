/** More than the server can take: what it answers then, what it sheds, and how long what it accepts takes. */
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

/** Over so many at most, under the 2,000 that the product takes unless its config says otherwise. */
const connections = 1500;
/** At this many times what it can do there is a goal: of the most that it answers at any load, so much. */
const twice = 2;
const kept = 0.9;
/** ms: what looks at health, as Kubernetes does unless told otherwise, gives up then. */
const healthTimeout = 1000;
/**
 * The load is late past so many ms, short of connections past such a share of the requests, and twice what the product
 * can take is not that where it does so much more than was found at first.
 */
const bearable = { late: 20, queued: 0.01, more: 1.15 };

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
        const { loads, rounds, patience, warmUp, seconds } = bench.overload;
        let isWarm = false;
        const measure = async () => {
          const capacity = await bench.generator.measure(server, requests, closed);
          const figures: (Measured | MeasuredOffer)[] = [capacity];
          // To warm up that is enough.
          for (const load of isWarm ? loads : []) {
            bench.say(`${load} times what it can take`);
            const offer = { connections, warmUp, seconds, arrivals: load * capacity.rate };
            figures.push(await bench.generator.offer(server, requests, offer));
          }
          isWarm = true;
          return figures;
        };
        return measureRounds({ ...bench, pairs: rounds, warmUps: 1 }, measure, patience);
      });
      return writeResults(row, bench.overload.loads, measured as [Measured, ...MeasuredOffer[]][]);
    },
  };
}

type Line = Pick<Result, 'row' | 'work' | 'against'>;

/** @param rounds of each the figure of the closed loop, and those of each load. */
export function writeResults(
  line: Line,
  loads: Bench['overload']['loads'],
  rounds: readonly Round[],
): Result[] {
  const at = loads.indexOf(twice) + 1;
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
      work: `${line.work}, at twice the load that it can take: what it answers`,
      against: 'itself: the most that it answers at any load',
      goal: { atLeast: kept },
      values: of((round) => ofCapacity(round, at) / findMost(rounds)),
      warnings,
      curve: { work: line.work, points: loads.map((load, index) => toPoint(load, rounds, index + 1)) },
    },
    {
      ...line,
      work: `${line.work}, at twice the load that it can take: p99 of what is accepted`,
      unit: 'ms',
      values: of((round) => round[at]?.p99 ?? Number.NaN),
      warnings,
    },
    {
      ...line,
      work: `health, asked for every 100 ms at up to ${Math.max(...loads)} times the load of ${line.work}: the slowest answer`,
      unit: 'ms',
      goal: { atMost: healthTimeout },
      values: offers.map((offered) => Math.max(...offered.map(({ health }) => health))),
      warnings,
    },
    countOthers(
      { ...line, work: `${line.work}, at any load: answers but 200, and 503 with Retry-After` },
      offers,
    ),
  ];
}

type Round = readonly [Measured, ...MeasuredOffer[]];

/** What is answered at a load, by its place in a round, in proportion to that round's closed loop: machines have their hours. */
function ofCapacity(round: Round, index: number): number {
  return (round[index]?.rate ?? Number.NaN) / round[0].rate;
}

/** Of the loads the highest median: the highest figure of a round is the luckiest of many, and nothing that it can do. */
function findMost(rounds: readonly Round[]): number {
  const medians = rounds[0]?.map(
    (_, index) => spread(rounds.map((round) => ofCapacity(round, index))).median,
  );
  return Math.max(...(medians ?? []));
}

/** What was neither done nor refused as it should be is a failure. */
function countOthers(line: Line, offers: readonly (readonly MeasuredOffer[])[]): Result {
  const counts = new Map<string, number>();
  for (const { answers } of offers.flat())
    for (const [status, count] of Object.entries(answers.others))
      counts.set(status, (counts.get(status) ?? 0) + count);
  if (counts.size === 0) return { ...line, goal: { atMost: 0 }, values: [0] };
  const said = [...counts].map(([status, count]) => `${count} were ${status}`).join(', ');
  return { ...line, values: [], failed: `of the answers ${said}` };
}

/** Where more is done later than the closed loop found, twice the load was not twice. */
function findLow(rounds: readonly Round[]): string[] {
  const most = Math.max(
    ...rounds.map(([{ rate }, ...offers]) => Math.max(...offers.map((offer) => offer.rate)) / rate),
  );
  return most > bearable.more
    ? [`the closed loop found too little: later it did ${round(most)} times as much`]
    : [];
}

/** What makes a load another than the one that was meant. */
export function findOfferDoubts(offers: readonly MeasuredOffer[]): string[] {
  const late = Math.max(...offers.map((offer) => offer.late));
  const queued = Math.max(...offers.map((offer) => offer.queued));
  const doubts: string[] = [];
  if (late > bearable.late)
    doubts.push(`the load could not keep up: one in a hundred requests was sent ${Math.round(late)} ms late`);
  if (queued > bearable.queued)
    doubts.push(
      `the load ran out of connections: ${Math.round(queued * 100)} % of the requests waited for one of ${connections}`,
    );
  if (offers.some(({ othersBusy }) => othersBusy > tolerated))
    doubts.push(
      `something else took up to ${Math.round(Math.max(...offers.map(({ othersBusy }) => othersBusy)) * 100)} % of a core`,
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
    shed: middle(({ shed }) => shed),
    ofCapacity: middle(({ rate }, capacity) => rate / capacity),
    p50: middle(({ p50 }) => p50),
    p99: middle(({ p99 }) => p99),
    shedP99: middle(({ shedP99 }) => shedP99),
    health: Math.max(...offers.map(({ health }) => health)),
    answers: {
      accepted: sum(({ answers }) => answers.accepted),
      shed: sum(({ answers }) => answers.shed),
      others: sum(({ answers }) => Object.values(answers.others).reduce((total, count) => total + count, 0)),
      health: sum(({ answers }) => answers.health),
    },
    warnings: findOfferDoubts(offers),
  };
}
