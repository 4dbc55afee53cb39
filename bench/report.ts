/** Writes the results as Markdown. */
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
  return `# Results

Measured by \`npm run bench${isQuick ? ' -- --quick' : ''}\`, ${date}: ${machine}. A figure without a unit is a ratio: the product divided by
the other. It compares responses per second unless the row names another figure. A ratio of 2 means twice as much in the
same time. Each figure is the median of ${pairs} pairs of ${seconds} s, measured in turn after a warm-up, with 50 connections unless the
row has a number. The server has one core, the load generator another, and a server that is not measured is suspended.
Half of the pairs lie between the quartiles. If the goal lies there too, the verdict is \`undecided\`. Before a row is
measured, both servers have given the same responses to the same requests.

${writeTable(results)}${doubts.length === 0 ? '' : `\n## Doubts\n\n${[...new Set(doubts)].join('\n')}\n`}
## The peers

The peers are in \`bench/peers\`. Each follows its own documentation, and none writes a log; the product logs to a file at
\`info\`. Bare Fastify has response schemas and prepared statements, on one database with an index for each query. It has no
index for the order of adoptions, because SQLite would not use it. With JSON made in SQLite, it has no response schema.
NestJS uses its Fastify adapter. With its HTTP module it sends a call per pet, all of them concurrently, as its
documentation shows. The entrypoint of Watt is the user service, without a gateway. FastAPI runs on one uvicorn worker
with uvloop, and its functions are \`def\`, because they block.
`;
}

/** Returns the median, the quartiles and the verdict. */
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

/** Rounds to the significant digits. */
export function round(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 300);
}
