/** Fuzzes the connections of the product: see --help. */
import { randomInt } from 'node:crypto';
import { runCommand } from '../../scripts/lib/command.ts';
import { readArguments, UsageError } from '../../src/framework/app/arguments.ts';
import { groupings, startProduct } from './connection-servers.ts';
import { fuzzConnections } from './connections.ts';

const help = `Usage: ./run.sh fuzz:connections [--seed N] [--seconds N]

Starts the product in one process, and then split into a gateway and one process
for each service. Opens connections like misbehaving clients: truncated and
fragmented requests, pipelines, resets, half-closes, CONNECT, upgrades, slow
bodies, oversized heads, idempotency keys. Checks that every process runs and
responds, that requests in flight, open files and memory are released, and that
no key stays in use.

  --seed N       the same seed opens the same connections (a random one)
  --seconds N    the total duration (60)
  --help         this text

Ends with 1 if a check fails.
`;

await runCommand(async () => {
  const { isHelp, seed, seconds } = readOptions();
  if (isHelp) return console.log(help);
  process.exitCode = (await run(seed, seconds)) ? 0 : 1;
});

/** Resolves with whether all checks passed. */
async function run(seed: number, seconds: number): Promise<boolean> {
  console.log(`seed ${seed}: to repeat, ./run.sh fuzz:connections --seed ${seed} --seconds ${seconds}`);
  let hasPassed = true;
  for (const grouping of groupings) {
    const product = await startProduct(grouping);
    try {
      const { connections, retried, failures } = await fuzzConnections(
        product,
        seed,
        seconds / groupings.length,
      );
      console.log(`${grouping}: ${connections} connections, ${retried} requests sent again with their keys`);
      for (const failure of failures) console.error(`${grouping}: ${failure}`);
      if (failures.length > 0) hasPassed = false;
    } finally {
      await product.stop();
    }
  }
  if (!hasPassed) console.error(`failed with seed ${seed}`);
  return hasPassed;
}

function readOptions() {
  const options = { seed: { type: 'string' }, seconds: { type: 'string', default: '60' } } as const;
  const { values } = readArguments(options);
  return {
    isHelp: values.help,
    seed: values.seed === undefined ? randomInt(2 ** 31) : readInteger('seed', values.seed, 0, 2 ** 31 - 1),
    seconds: readInteger('seconds', values.seconds, 2, 86_400),
  };
}

function readInteger(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} must be an integer from ${min} to ${max}`);
}
