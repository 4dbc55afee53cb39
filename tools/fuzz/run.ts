/** Fuzzes the product with its contract: see --help. */
import { randomInt } from 'node:crypto';
import { runCommand } from '../../scripts/lib/command.ts';
import { readArguments, UsageError } from '../../src/framework/app/arguments.ts';
import { isPostgresUrl } from '../../src/framework/config/database-url.ts';
import { fuzz } from './fuzz.ts';
import { findLogErrors } from './log-lines.ts';
import { recipes } from './recipes.ts';
import { describeReached, describeValid, listFailures } from './report.ts';
import { startServer } from './server.ts';
import type { Exchange } from './session.ts';

const help = `Usage: ./run.sh fuzz [--seed N] [--requests N] [--url URL | --database URL]

Sends valid and invalid requests to every operation in /openapi.json, and checks
each response against the contract. Starts a separate server with the services of
config.yaml and databases in memory, and checks its log.

  --seed N        the same seed sends the same requests to a fresh server (a random one)
  --requests N    the number of random requests (10000)
  --url URL       fuzz a running server; created data stays in its databases
  --database URL  keep the data in this PostgreSQL database, in schemas that are dropped afterwards
  --help          this text

Ends with 1 and a curl command if a response violates the contract. Also ends
with 1 if an operation never reached 2xx or one of its documented 4xx.
`;

await runCommand(async () => {
  const { help: isHelp, ...options } = readOptions();
  if (isHelp) return console.log(help);
  process.exitCode = (await run(options)) ? 0 : 1;
});

/** Resolves with whether all checks passed. */
async function run({ seed, requests, url, database }: Omit<ReturnType<typeof readOptions>, 'help'>) {
  console.log(`seed ${seed}: to repeat, ./run.sh fuzz --seed ${seed} --requests ${requests}`);
  const failures = await (url === undefined
    ? fuzzNewServer(seed, requests, database)
    : fuzzAt(url, seed, requests));
  for (const failure of failures) console.error(`\n${failure}`);
  if (failures.length > 0) console.error(`\nfailed with seed ${seed}`);
  return failures.length === 0;
}

/** Starts a server, fuzzes it, and checks its log. */
async function fuzzNewServer(
  seed: number,
  requests: number,
  database: string | undefined,
): Promise<string[]> {
  const server = await startServer(database);
  try {
    const exchanges: Exchange[] = [];
    const failures = await fuzzAt(server.url, seed, requests, exchanges);
    const end = server.ended();
    const lines = await server.stop();
    const errors = findLogErrors(lines, exchanges, server.services);
    console.log(`${lines.length} log entries checked`);
    return [
      ...failures,
      ...(end === undefined ? [] : [end]),
      ...errors.slice(0, 20).map((one) => `log: ${one}`),
    ];
  } finally {
    await server.stop();
  }
}

async function fuzzAt(
  url: string,
  seed: number,
  requests: number,
  exchanges: Exchange[] = [],
): Promise<string[]> {
  const onProgress = (count: number) => {
    if (count % 1_000 === 0 && count <= requests) console.log(`${count} of ${requests} requests`);
  };
  const report = await fuzz({ url, seed, requests, recipes, onProgress });
  exchanges.push(...report.exchanges);
  console.log(describeReached(report));
  console.log(`${report.requests} requests; ${describeValid(report)}`);
  return listFailures(report);
}

function readOptions() {
  const { values } = readArguments({
    seed: { type: 'string' },
    requests: { type: 'string', default: '10000' },
    url: { type: 'string' },
    database: { type: 'string' },
  });
  if (values.url !== undefined && !URL.canParse(values.url))
    throw new UsageError(`--url ${values.url} is not a URL`);
  const { database } = values;
  if (database !== undefined && !(isPostgresUrl(database) && URL.canParse(database)))
    throw new UsageError('--database must be postgres://user@host/database');
  if (database !== undefined && values.url !== undefined)
    throw new UsageError('Expected --url or --database, not both');
  return {
    help: values.help,
    database,
    url: values.url?.replace(/\/$/, ''),
    seed: values.seed === undefined ? randomInt(2 ** 31) : readInteger('seed', values.seed, 0, 2 ** 31 - 1),
    requests: readInteger('requests', values.requests, 1, 10_000_000),
  };
}

function readInteger(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} must be an integer from ${min} to ${max}`);
}
