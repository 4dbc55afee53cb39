/** Fuzzes the product by its own contract: see --help. */
import { randomInt } from 'node:crypto';
import { runCommand } from '../../scripts/lib/command.ts';
import { readArguments, UsageError } from '../../src/framework/app/arguments.ts';
import { isPostgresUrl } from '../../src/framework/config/database-url.ts';
import { type Exchange, fuzz } from './fuzz.ts';
import { findLogFaults } from './log-lines.ts';
import { recipes } from './recipes.ts';
import { describeFitting, describeReached, listFailures } from './report.ts';
import { startServer } from './server.ts';

const help = `Usage: ./run.sh fuzz [--seed N] [--requests N] [--url URL | --database URL]

Sends requests that fit the contract of every operation in /openapi.json, and such that do not, and checks each
answer against it. Starts a server of its own, with every service in it and databases in memory, and reads its log.

  --seed N        the same seed sends the same requests to a fresh server (a random one)
  --requests N    how many (10000); what can only be reached by construction comes on top
  --url URL       fuzz the server that runs there; what is made in its databases stays there
  --database URL  its own server with the services in this PostgreSQL database, in schemas that are dropped afterwards
  --help          this text

Ends with 1 where an answer is not as documented, with a curl command that shows it; or where an operation never
came to a 2xx and to each of its documented 4xx.
`;

await runCommand(async () => {
  const { help: isHelp, ...options } = readOptions();
  if (isHelp) return console.log(help);
  process.exitCode = (await run(options)) ? 0 : 1;
});

/** Resolves with whether all was as documented. */
async function run({ seed, requests, url, database }: Omit<ReturnType<typeof readOptions>, 'help'>) {
  console.log(`seed ${seed}: to send the same again, ./run.sh fuzz --seed ${seed} --requests ${requests}`);
  const failures = await (url === undefined
    ? fuzzOwn(seed, requests, database)
    : fuzzAt(url, seed, requests));
  for (const failure of failures) console.error(`\n${failure}`);
  if (failures.length > 0) console.error(`\nfailed, with seed ${seed}`);
  return failures.length === 0;
}

/** Starts a server, fuzzes it, and reads what it has logged. */
async function fuzzOwn(seed: number, requests: number, database: string | undefined): Promise<string[]> {
  const server = await startServer(database);
  try {
    const exchanges: Exchange[] = [];
    const failures = await fuzzAt(server.url, seed, requests, exchanges);
    const end = server.ended();
    const lines = await server.stop();
    const faults = findLogFaults(lines, exchanges, server.services);
    console.log(`${lines.length} lines of the log read`);
    return [
      ...failures,
      ...(end === undefined ? [] : [end]),
      ...faults.slice(0, 20).map((one) => `log: ${one}`),
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
  console.log(`${report.requests} requests; ${describeFitting(report)}`);
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
    throw new UsageError(`--url ${values.url} is no URL`);
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

function readInteger(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} must be an integer from ${least} to ${most}`);
}
