/** Manages the accounts and keys of the auth service: see --help. */
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { readArguments, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { type Config, readConfig } from '../src/framework/config/config.ts';
import { openProducer } from '../src/framework/events/producer.ts';
import { CommandError, root } from './lib/command.ts';
import { listMigrated, type Migrated, runServiceCommand } from './lib/service-command.ts';
import { ServiceDatabases } from './lib/service-databases.ts';

const help = `Usage: ./run.sh auth admin EMAIL
       ./run.sh auth rotate [--now]
       ./run.sh auth token --sub ID [--scope SCOPES]
       ./run.sh auth sessions --end USER_ID

  admin     creates an administrator, or sets the password of a user and makes it one; reads
            the password from standard input
  rotate    signs new access tokens with the next key; tokens of the current key stay valid
  token     prints an access token, for development only
  sessions  ends all sessions of a user

  EMAIL            the email of the account
  --now            rotate also if verifiers may not know the next key yet
  --sub ID         the id of the user that the token is for
  --scope SCOPES   the scopes of the token, separated by spaces (none)
  --end USER_ID    the id of the user whose sessions end
  --config FILE    the config file (config.yaml)
  --help           this text

It works on the database of the config. The server may run meanwhile.
`;

const service = 'auth';

/** The functions of src/services/auth/operations.ts. Not its type, because a product may delete the service. */
interface Operations {
  setAdmin(email: string, password: string): Promise<{ problem: string } | { id: number; isNew: boolean }>;
  rotate(isForced: boolean): Promise<number>;
  issueToken(sub: string, scope: string): Promise<string>;
  endSessions(userId: number): Promise<number>;
}

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    {
      config: { type: 'string', default: 'config.yaml' },
      now: { type: 'boolean', default: false },
      sub: { type: 'string' },
      scope: { type: 'string' },
      end: { type: 'string' },
    },
    2,
  );
  if (values.help) return console.log(help);
  const [command, email] = positionals;
  const run = readCommand(command, email, values);
  const services = await loadServices();
  const config = readConfig(values.config, services, process.env);
  const databases = new ServiceDatabases(listMigrated(services), config);
  try {
    databases.names(service);
    await run(() => open(databases, services.get(service) as Migrated, config));
  } finally {
    await databases.close();
  }
});

interface Values {
  readonly now: boolean;
  readonly sub?: string | undefined;
  readonly scope?: string | undefined;
  readonly end?: string | undefined;
}

type Command = (operations: () => Promise<Operations>) => Promise<void>;

/** Checks the arguments, and returns what to do. */
function readCommand(command: string | undefined, email: string | undefined, values: Values): Command {
  const { now, sub, scope, end } = values;
  const given: [string, unknown, string][] = [
    ['--now', now || undefined, 'rotate'],
    ['--sub', sub, 'token'],
    ['--scope', scope, 'token'],
    ['--end', end, 'sessions'],
  ];
  if (command === undefined || !['admin', 'rotate', 'token', 'sessions'].includes(command))
    throw usageError('Expected admin, rotate, token or sessions');
  for (const [option, value, owner] of given)
    if (value !== undefined && owner !== command) throw usageError(`Expected ${option} only with ${owner}`);
  if (email !== undefined && command !== 'admin') throw usageError(`Unknown argument ${email}`);
  if (command === 'admin') {
    if (email === undefined) throw usageError('Missing EMAIL');
    return (operations) => setAdmin(operations, email);
  }
  if (command === 'rotate') return (operations) => rotate(operations, now);
  if (command === 'token') {
    if (process.env.NODE_ENV === 'production')
      throw usageError('Expected development: with NODE_ENV=production no token is made');
    if (sub === undefined) throw usageError('Missing --sub');
    return async (operations) => console.log(await (await operations()).issueToken(sub, scope ?? ''));
  }
  if (end === undefined) throw usageError('Missing --end');
  if (!/^[1-9]\d{0,14}$/.test(end)) throw usageError(`Expected the id of a user after --end, not ${end}`);
  return (operations) => endSessions(operations, Number(end));
}

/** Loads the service's part by its path, because no other file may import a service: a product may delete it. */
async function open(databases: ServiceDatabases, { events = {}, schemas = [] }: Migrated, config: Config) {
  const database = await databases.open(service);
  const { emit } = await openProducer({ service, events, schemas, database });
  const { createOperations } = await import(join(root, 'src/services/auth/operations.ts'));
  return createOperations(database, emit, config.services[service]?.options) as Operations;
}

async function setAdmin(operations: () => Promise<Operations>, email: string): Promise<void> {
  const password = await readPassword();
  const result = await (await operations()).setAdmin(email, password);
  if ('problem' in result) throw usageError(result.problem);
  console.log(`${email} is an administrator: ${result.isNew ? 'new' : 'changed'} user ${result.id}`);
}

async function rotate(operations: () => Promise<Operations>, isForced: boolean): Promise<void> {
  const waitMs = await (await operations()).rotate(isForced);
  if (waitMs > 0)
    throw new CommandError(
      `verifiers may not know the next key yet: wait ${Math.ceil(waitMs / 1000)} s, or use --now`,
    );
  console.log('new tokens are signed with the next key, within half a minute');
}

async function endSessions(operations: () => Promise<Operations>, userId: number): Promise<void> {
  const count = await (await operations()).endSessions(userId);
  console.log(`user ${userId}: ${count} ${count === 1 ? 'session' : 'sessions'} ended`);
}

/** Reads the password from a pipe, or from a terminal without showing it. */
async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, '');
  process.stderr.write('Password: ');
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output, terminal: true });
  const password = await reader.question('');
  reader.close();
  process.stderr.write('\n');
  return password;
}
