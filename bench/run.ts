/** Compares the product with other frameworks: see --help. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { writeChart } from './chart.ts';
import { replaceSection, writeCurve, writeCurveSection } from './curve.ts';
import { openGenerator } from './load.ts';
import { describeMachine, pinSelf, SetupError, waitForQuiet } from './machine.ts';
import { writeReport, writeTable } from './report.ts';
import { type Bench, NotRun, type Result, type Row } from './result.ts';
import { rows } from './rows.ts';
import { removeData } from './seed.ts';

const help = `Usage: ./run.sh bench [--quick] [--only NAME,…]

  --quick       a short run with fewer pairs and without the row memory; less exact
  --only NAMES  run only these rows; writes only the chart and section of overload rows
  --help        this text

  Rows: ${rows.map(({ name }) => name).join(', ')}
`;

const quick = { pairs: 5, warmUps: 3, warmUp: 0.5, seconds: 0.75, memorySeconds: 30 };
const full = { pairs: 9, warmUps: 1, warmUp: 1, seconds: 3, memorySeconds: 300 };
/** The server needs a second to detect the overload. */
const quickOverload = { rounds: 2, maxRepeats: 0, loads: [0.5, 1, 2, 4], warmUp: 0.8, seconds: 0.6 };
const fullOverload = {
  rounds: 7,
  maxRepeats: 7,
  loads: [0.5, 0.8, 1, 1.5, 2, 3, 4],
  warmUp: 1.5,
  seconds: 3,
};

for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => process.exit(130));

try {
  await main();
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = error instanceof SetupError ? 2 : 1;
}

async function main(): Promise<void> {
  const { values } = readArguments();
  if (values.help) return console.log(help);
  const chosen = choose(values.only, values.quick);
  pinSelf();
  const plan = values.quick
    ? { ...quick, quietSeconds: 10, overload: quickOverload }
    : { ...full, quietSeconds: 60, overload: fullOverload };
  const generator = openGenerator();
  const results: Result[] = [];
  try {
    for (const [index, row] of chosen.entries()) {
      const showProgress = (text: string) => show(`[${index + 1}/${chosen.length}] ${row.name}: ${text}`);
      const quiet = () => waitForQuiet(plan.quietSeconds);
      showProgress('waiting until no other process is busy');
      await quiet();
      results.push(...(await attempt(row, { ...plan, generator, waitForQuiet: quiet, showProgress })));
    }
  } finally {
    show('');
    generator.close();
    removeData();
  }

  console.log(writeTable(results));
  const circumstances = {
    ...plan,
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    isQuick: values.quick,
  };
  if (values.only === undefined) write('RESULTS.md', writeReport(results, circumstances));
  if (values.only === undefined) write('results.svg', writeChart(results));
  const { curve } = results.find(({ curve }) => curve !== undefined) ?? {};
  if (curve !== undefined) {
    const section = writeCurveSection(curve, circumstances);
    write(
      'RESULTS.md',
      replaceSection(readFileSync(new URL('RESULTS.md', import.meta.url), 'utf8'), section),
    );
    write('overload.svg', writeCurve(curve));
  }
  if (results.some(({ failed }) => failed !== undefined)) process.exitCode = 1;
}

function write(name: string, content: string): void {
  writeFileSync(new URL(name, import.meta.url), content);
}

/** Runs a row. A failure is printed, and the other rows continue. */
async function attempt(row: Row, bench: Bench): Promise<Result[]> {
  try {
    return await row.run(bench);
  } catch (error) {
    const { message } = error as Error;
    const { name, work, against } = row;
    const why = error instanceof NotRun ? { notRun: message } : { failed: message };
    show('');
    console.error(`${name}: ${message}`);
    return [{ row: name, work, against, values: [], ...why }];
  }
}

function choose(only: string | undefined, isQuick: boolean): readonly Row[] {
  if (only === undefined) return rows.filter(({ name }) => !isQuick || name !== 'memory');
  const names = only.split(',');
  const unknown = names.filter((name) => !rows.some((row) => row.name === name));
  if (unknown.length > 0) throw new SetupError(`Unknown row ${unknown.join(', ')}: see --help`);
  return rows.filter(({ name }) => names.includes(name));
}

/** Shows progress: in one changing line on a terminal, otherwise in a line each. */
function show(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '') process.stderr.write(`${text}\n`);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split('. ', 1)[0]}: see --help`);
  }
}
