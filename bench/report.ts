/** The results, as Markdown. */
import type { Result } from './result.ts';
import { type Goal, judge, spread } from './statistics.ts';

export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly isQuick: boolean;
  readonly pairs: number;
  readonly seconds: number;
}

export function writeTable(results: readonly Result[]): string {
  const lines = results.map((result) => {
    const { work, against, goal } = result;
    return `| ${[work, against, goal === undefined ? '' : writeGoal(goal, result.unit), ...writeFigure(result)].join(' | ')} |`;
  });
  return ['| work | against | goal | median | quartiles | |', '|---|---|---|---|---|---|', ...lines, ''].join(
    '\n',
  );
}

export function writeReport(results: readonly Result[], circumstances: Circumstances): string {
  const { date, machine, isQuick, pairs, seconds } = circumstances;
  const doubts = results.flatMap(({ row, against, warnings = [] }) =>
    warnings.map((warning) => `- ${row}${against && `, against ${against}`}: ${warning}`),
  );
  return `# What was measured

By \`npm run bench${isQuick ? ' -- --quick' : ''}\`, ${date}: ${machine}. A figure without a unit is a ratio, the product over the
other, of answers a second unless the row says of what: where it is 2, the product does twice as much in the same time.
It is the median of ${pairs} pairs, the product and the other in turn for ${seconds} s each, after a warm-up, with 50 connections
unless the row says how many. The server alone has one core, the load another, and whoever is not measured is stopped
meanwhile. Between the quartiles lies the middle half of the pairs: where the goal does too, it is \`undecided\`. Before a
row is measured, both have given the same answers to the same requests.

${writeTable(results)}${doubts.length === 0 ? '' : `\n## Doubts\n\n${[...new Set(doubts)].join('\n')}\n`}
## The others

They are in \`bench/peers\`, each as its own documentation has it, and none writes a log; the product writes its own, at
\`info\`, to a file. Bare Fastify has response schemas and prepared statements, on one database with an index for each
question (one that has adoptions in their order, as the product's, it would not use: SQLite sorts all the same); where it
makes the JSON in SQLite, it does without the schema. NestJS is on its Fastify adapter; over its HTTP
module it makes a call per pet, as the documentation shows calls, all at once. The entrypoint of Watt is the user
service, without a gateway before it. FastAPI runs on one uvicorn worker with uvloop, its functions \`def\`, as they block.

On PostgreSQL, both are on one server, which flushes each commit to disk; the product with a schema for each service, the
other with one for all, through pg.Pool with its 10 connections and statements prepared by name. Servers, PostgreSQL and
the load share all cores.
`;
}

/** Median, quartiles, verdict. */
function writeFigure({ values, unit, goal, warnings, failed, notRun }: Result): [string, string, string] {
  if (failed !== undefined) return ['', '', `**failed**: ${inCell(failed)}`];
  if (notRun !== undefined) return ['', '', `not run: ${inCell(notRun)}`];
  const figures = spread(values);
  const { median, low, high } = figures;
  const quartiles = values.length === 1 ? '' : `${round(low)} – ${round(high)}`;
  const doubt = warnings === undefined || warnings.length === 0 ? [] : ['doubtful'];
  const verdict = goal === undefined ? [] : [judge(figures, goal)];
  return [`${round(median)}${suffix(unit)}`, quartiles, [...verdict, ...doubt].join(', ')];
}

export function writeGoal(goal: Goal, unit?: Result['unit']): string {
  return 'atLeast' in goal ? `≥ ${goal.atLeast}${suffix(unit)}` : `≤ ${goal.atMost}${suffix(unit)}`;
}

function suffix(unit?: Result['unit']): string {
  return unit === undefined ? '' : ` ${unit}`;
}

/** As many digits as mean something. */
export function round(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 300);
}
