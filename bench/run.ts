/** Measures the product against what people would pick instead: see --help. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { writeChart } from './chart.ts';
import { replaceSection, writeCurve, writeCurveSection } from './curve.ts';
import { openGenerator } from './load.ts';
import { describeMachine, pinSelf, SetupError, waitForQuiet } from './machine.ts';
import { stopPostgres } from './postgres.ts';
import { writeReport, writeTable } from './report.ts';
import { type Bench, NotRun, type Result, type Row } from './result.ts';
import { rows } from './rows.ts';
import { removeData } from './seed.ts';

const help = `Usage: ./run.sh bench [--quick] [--only NAME,…]

  --quick       short, with fewer pairs and without the memory; the figures are rougher
  --only NAMES  only these rows; nothing is written but, of overload and overload-page, the picture and the section
  --help        this text

  Rows: ${rows.map(({ name }) => name).join(', ')}
`;

const quick = { pairs: 5, warmUps: 3, warmUp: 0.5, seconds: 0.75, memorySeconds: 30 };
const whole = { pairs: 9, warmUps: 1, warmUp: 1, seconds: 3, memorySeconds: 300 };
/** The server needs a second to notice that it has too much. */
const quickOverload = { rounds: 2, patience: 0, loads: [0.5, 1, 2, 4], warmUp: 0.8, seconds: 0.6 };
const wholeOverload = { rounds: 7, patience: 7, loads: [0.5, 0.8, 1, 1.5, 2, 3, 4], warmUp: 1.5, seconds: 3 };

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
    ? { ...quick, patience: 10, overload: quickOverload }
    : { ...whole, patience: 60, overload: wholeOverload };
  const generator = openGenerator();
  const results: Result[] = [];
  try {
    for (const [index, row] of chosen.entries()) {
      const say = (text: string) => show(`[${index + 1}/${chosen.length}] ${row.name}: ${text}`);
      const quiet = () => waitForQuiet(plan.patience);
      say('waits until nothing else is busy');
      await quiet();
      results.push(...(await attempt(row, { ...plan, generator, waitForQuiet: quiet, say })));
    }
  } finally {
    show('');
    generator.close();
    await stopPostgres();
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

/** A row that fails is said, and the others are measured all the same. */
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
  if (unknown.length > 0) throw new SetupError(`There is no row ${unknown.join(', ')}: see --help`);
  return rows.filter(({ name }) => names.includes(name));
}

/** One line that changes, on a terminal; else a line each. */
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
