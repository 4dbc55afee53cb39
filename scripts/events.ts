/** Shows and repairs the consumers of events: see --help. */
import { readArguments, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { readConfig } from '../src/framework/config/config.ts';
import type { ParkedState } from '../src/framework/events/operate.ts';
import { positionPattern } from '../src/framework/events/position.ts';
import { CommandError } from './lib/command.ts';
import { listMigrated, runServiceCommand } from './lib/service-command.ts';
import { ServiceDatabases } from './lib/service-databases.ts';

const help = `Usage: ./run.sh events status|parked [CONSUMER]
       ./run.sh events retry|skip ID [CONSUMER]
       ./run.sh events replay CONSUMER PRODUCER --from ID|oldest

  status   prints each consumer: its position, the newest position of its producer, the
           process that runs it, and the number of parked events
  parked   prints the parked events: the handler failed five times, or an earlier event of
           the same subject is parked
  retry    handles a parked event again, and then those that wait for it
  skip     deletes a parked event, and handles those that wait for it
  replay   sets the position of a consumer: it handles all later events, again if it has
           handled them before

  CONSUMER        a service that consumes events (all)
  PRODUCER        the service whose events it consumes
  --from ID       the id of the last event not to handle, or "oldest" for all that are kept
  --config FILE   the config file (config.yaml)
  --help          this text

The server may run meanwhile. It notices a retry or a skip within seconds, a replay within
half a minute.
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    { config: { type: 'string', default: 'config.yaml' }, from: { type: 'string' } },
    3,
  );
  if (values.help) return console.log(help);
  const [command, ...args] = positionals;
  const services = await loadServices();
  const config = readConfig(values.config, services, process.env);
  const databases = new ServiceDatabases(listMigrated(services), config);
  try {
    await run(databases, command, args, values.from);
  } finally {
    await databases.close();
  }
});

async function run(databases: ServiceDatabases, command: string | undefined, args: string[], from?: string) {
  const [first, second, third] = args;
  if (from !== undefined && command !== 'replay') throw usageError('Expected --from only with replay');
  const expect = (most: number) => {
    if (args.length > most) throw usageError(`Unknown argument ${args[most]}`);
  };
  if (command === 'status' || command === 'parked') {
    expect(1);
    return command === 'status' ? printStatus(databases, first) : printParked(databases, first);
  }
  if (command === 'retry' || command === 'skip') {
    expect(2);
    if (first === undefined) throw usageError(`Missing ID of the event to ${command}`);
    return command === 'retry' ? retry(databases, first, second) : skip(databases, first, second);
  }
  if (command !== 'replay') throw usageError('Expected status, parked, retry, skip or replay');
  if (first === undefined || second === undefined) throw usageError('Missing CONSUMER or PRODUCER');
  if (third !== undefined) throw usageError(`Unknown argument ${third}`);
  if (from === undefined) throw usageError('Missing --from');
  if (from !== 'oldest' && !new RegExp(positionPattern).test(from))
    throw usageError(`Expected the id of an event or "oldest" after --from, not ${from}`);
  const operations = await databases.operations(first);
  if (from !== 'oldest' && !(await databases.hasPosition(second, from)))
    throw new CommandError(
      `${from} is not an event of ${second}: its newest is ${await databases.newestOf(second)}. After a restore, an event that was lost has no position`,
    );
  if (!(await operations.replay(second, from === 'oldest' ? null : from)))
    throw new CommandError(`${first} does not consume events of ${second}, or has never run`);
  console.log(`${first} goes on after ${from === 'oldest' ? 'the beginning' : from} of ${second}`);
}

async function printStatus(databases: ServiceDatabases, only: string | undefined): Promise<void> {
  const lines: string[] = [];
  await databases.forEach(only, async (service, operations) => {
    for (const { producer, position, owner, problem, parked } of await operations.listConsumers()) {
      const [host, pid] = owner?.split(':') ?? [];
      const state = [
        `at ${position ?? 'the oldest event'}, newest ${await databases.newestOf(producer)}`,
        owner === null ? 'run by no process' : `run by process ${pid} on ${host}`,
        `${parked} parked`,
        ...(problem === null ? [] : [`stopped: ${problem}`]),
      ];
      lines.push(`${service} consumes ${producer}: ${state.join(', ')}`);
    }
  });
  console.log(lines.join('\n') || 'no consumer has run yet');
}

async function printParked(databases: ServiceDatabases, only: string | undefined): Promise<void> {
  const lines: string[] = [];
  await databases.forEach(only, async (service, operations) => {
    for (const { id, producer, event, error } of await operations.listParked()) {
      const why = error === null ? 'waits for an earlier event' : `failed: ${error}`;
      lines.push(`${id} ${event.type} ${event.subject} of ${producer} in ${service}: ${why}`);
    }
  });
  console.log(lines.join('\n') || 'no event is parked');
}

async function retry(databases: ServiceDatabases, id: string, only: string | undefined): Promise<void> {
  for (const [service, parked] of await findParked(databases, id, only)) {
    if (!(await (await databases.operations(service)).retry(id)))
      throw new CommandError(
        `${id} waits for an earlier event of ${parked.event.subject}: retry or skip that one`,
      );
    console.log(`${service} handles ${id} again`);
  }
}

async function skip(databases: ServiceDatabases, id: string, only: string | undefined): Promise<void> {
  for (const [service] of await findParked(databases, id, only)) {
    await (await databases.operations(service)).skip(id);
    console.log(`${service} skips ${id}`);
  }
}

/** @throws {CommandError} if the event is not parked. */
async function findParked(databases: ServiceDatabases, id: string, only: string | undefined) {
  const found: [string, ParkedState][] = [];
  await databases.forEach(only, async (service, operations) => {
    const parked = (await operations.listParked()).find((one) => one.id === id);
    if (parked !== undefined) found.push([service, parked]);
  });
  if (found.length === 0) throw new CommandError(`no event ${id} is parked: see ./run.sh events parked`);
  return found;
}
