/** Writes a new service: see --help. */
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { typeCheck } from './lib/framework-files.ts';
import { runServiceCommand } from './lib/service-command.ts';
import { Changes, exists, expectCommitted, listConfigs, read } from './scaffold/changes.ts';
import { addService, ConfigTextError, readNames } from './scaffold/config-text.ts';
import { type Field, parseFields } from './scaffold/fields.ts';
import { parseListFields } from './scaffold/lists.ts';
import { deriveNewNames } from './scaffold/names.ts';
import { newProject } from './scaffold/new-project.ts';
import { listFixtures, listPeersOf, readPeers } from './scaffold/peers.ts';
import { exampleOf, type Plan } from './scaffold/plan.ts';
import { askForArguments, quote } from './scaffold/questions.ts';
import { writeServiceFiles } from './scaffold/service-files.ts';

const help = `Usage: ./run.sh new service NAME [OPTIONS]
       ./run.sh new project DIR [--bare] [--dry-run]; see ./run.sh new project --help

Writes a service with a table: its contract, queries, routes, migrations and tests, and its
place in the config files, also those for a debugger. Then generates, formats, checks the
types and runs the new tests. If a step fails, everything is as before, so the config files and
generated/ must be committed. In a terminal, without arguments, the command asks for them.

  NAME             the name of the service, in the singular: toy
  --fields LIST    the fields of an item ('name:string(1..200)')
  --resource NAME  the plural, for the paths (NAME and "s")
  --filter NAMES   the fields that clients can filter its list by (enums and references)
  --sort NAMES     the fields that clients can sort it by: each gets an index (the first string)
  --events         emit NAME.created, NAME.updated and NAME.deleted
  --secured        declare the scopes NAME:read and NAME:write
  --port N         the port of its app in the split configs (the next one)
  --dry-run        print what would be written, and write nothing
  --help           this text

LIST is NAME:TYPE, … The types:
  string(1..200)   a text of 1 to 200 characters
  integer(0..10)   an integer of 0 to 10; without a range, any
  number(0..1.5)   a number, also with a fraction; without a range, any
  boolean          true or false
  instant          a point in time, 2024-12-18T21:03:51.790256Z
  enum(ball,doll)  one of these words
  pet.Pet          an item of another service: stores pet_id, and responds with 404 if there is
                   no such pet
After the type: "?" if null is valid, and is the default; "=VALUE" for another default.
Example: --fields 'name:string(1..200), age:integer(0..99)?, kind:enum(ball,doll)=ball, pet:pet.Pet?'
`;

/** A config with "split" in its name runs each service in a separate app. */
const configs = ['config.yaml', 'config.split.yaml', 'config.debug.yaml', 'config.debug.split.yaml'];

await runServiceCommand(async () => {
  const given = process.argv.slice(2);
  // A script has no terminal, and a user with arguments has no questions.
  const isAsking = given.length === 0 && process.stdin.isTTY && process.stdout.isTTY;
  const args = isAsking ? await askForArguments() : given;
  if (args[0] === 'project') return newProject(args.slice(1));
  return newService(args);
});

async function newService(args: string[]): Promise<void> {
  const { values, positionals } = readArguments(
    {
      fields: { type: 'string', default: 'name:string(1..200)' },
      resource: { type: 'string' },
      filter: { type: 'string' },
      sort: { type: 'string' },
      port: { type: 'string' },
      events: { type: 'boolean', default: false },
      secured: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
    },
    2,
    args,
  );
  if (values.help) return console.log(help);
  const [kind, name] = positionals;
  if (kind !== 'service') throw usageError('Expected new service NAME or new project DIR');
  if (name === undefined) throw usageError('Missing NAME of the service');
  const names = deriveNewNames(name, values.resource);
  expectFree(name);
  const fields = parseFields(values.fields, names.one);
  const peers = readPeers(name, fields);
  const tested = listPeersOf(peers, await loadServices());
  const fixtures = listFixtures(tested, peers, fields);
  const lists = parseListFields(fields, values);
  const options = { hasEvents: values.events, isSecured: values.secured };
  const plan: Plan = { names, fields, lists, peers, fixtures, ...options };
  const files = writeServiceFiles(plan, tested);
  for (const [path, text] of addToConfigs(name, values.port)) files.set(path, text);
  if (values['dry-run']) return report(plan, files, 'would write', 'would change');
  expectCommitted([...configs, 'generated']);
  await write(name, files);
  report(plan, files, 'wrote', 'changed');
}

/** @throws {UsageError} if the name is taken. */
function expectFree(name: string): void {
  const inTheWay = ['src/services', 'test/services', 'generated']
    .map((folder) => `${folder}/${name}`)
    .find(exists);
  if (inTheWay !== undefined)
    throw new UsageError(`${inTheWay} exists: choose another name, or ./run.sh remove service ${name}`);
  for (const file of listConfigs())
    if (readNames(read(file)).services.includes(name))
      throw new UsageError(`${file} has a service ${name}: choose another name, or remove it there`);
}

/** Returns the new text of each config file. */
function addToConfigs(name: string, given: string | undefined): [string, string][] {
  const texts = configs.filter(exists).map((file) => [file, read(file)] as const);
  const used = texts.flatMap(([, text]) => readNames(text).ports);
  const port = given === undefined ? Math.max(7999, ...used) + 1 : Number(given);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw usageError(`Expected --port with an integer from 1 to 65535, not ${given ?? port}`);
  if (used.includes(port))
    throw new UsageError(`Port ${port} is used in a config file: choose another --port`);
  return texts.map(([file, text]) => {
    const service = { name, database: `sqlite:data/${name}.db` };
    try {
      return [file, addService(text, { ...service, port: file.includes('split') ? port : undefined })];
    } catch (error) {
      if (error instanceof ConfigTextError) throw new UsageError(`${file}: ${error.message}`);
      throw error;
    }
  });
}

async function write(name: string, files: ReadonlyMap<string, string>): Promise<void> {
  const folders = [`src/services/${name}`, `test/services/${name}`];
  const changes = new Changes([...folders, ...configs, 'generated']);
  await changes.run(async () => {
    for (const [path, text] of files) changes.write(path, text);
    await changes.step('format the files', 'biome', 'check', '--write', ...folders);
    await changes.step('write the migrations', process.execPath, 'scripts/migrate.ts', 'create', name);
    await changes.step('generate the contract', process.execPath, 'scripts/generate.ts');
    const test = `test/services/${name}/`;
    await changes.all([
      changes.step('check the types', ...typeCheck()),
      changes.step('run the new test', 'vitest', 'run', '--project', 'services', test),
    ]);
  });
}

function report(
  { names, fields }: Plan,
  files: ReadonlyMap<string, string>,
  wrote: string,
  changed: string,
): void {
  const { name, resource } = names;
  for (const path of files.keys()) if (!configs.includes(path)) console.log(`${wrote} ${path}`);
  for (const database of ['sqlite', 'postgres'])
    console.log(`${wrote} src/services/${name}/migrations/${database}/0000_initial.sql`);
  console.log(`${changed} ${configs.filter((file) => files.has(file)).join(', ')}, generated/`);
  const port = readNames(read('config.yaml')).ports[0] ?? 8000;
  const body = JSON.stringify(
    Object.fromEntries(fields.filter(isRequired).map((field) => [field.name, exampleOf(field)])),
  );
  console.log(`Start ./run.sh, then create ${names.article}:`);
  console.log(
    `curl -s localhost:${port}/${name}/${resource}/ -H 'content-type: application/json' -d ${quote(body)}`,
  );
}

function isRequired({ fallback }: Field): boolean {
  return fallback === undefined;
}
