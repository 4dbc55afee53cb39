/** Renames a service: see --help. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { CommandError, root } from './lib/command.ts';
import { typeCheck } from './lib/framework-files.ts';
import { listServiceFolders, runServiceCommand } from './lib/service-command.ts';
import { Changes, exists, expectCommitted, listConfigs, read } from './scaffold/changes.ts';
import { renameInConfig } from './scaffold/config-rename.ts';
import { ConfigTextError, readNames, readText } from './scaffold/config-text.ts';
import { deriveNames, deriveNewNames } from './scaffold/names.ts';
import { findName, listFiles, planRename, type RenamePlan } from './scaffold/rename-plan.ts';

const help = `Usage: ./run.sh rename service NAME NEW-NAME [--dry-run]

Renames a service: its folders, files, identifiers and paths, its place in the config files,
and the services that call it. Then generates, checks the types and runs its tests. If a step
fails, everything is as before. The database stays where it is, with its tables and columns.

  NAME             the name of the service
  NEW-NAME         its new name, in the singular
  --dry-run        print what would change, and change nothing
  --help           this text
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments({ 'dry-run': { type: 'boolean', default: false } }, 3);
  if (values.help) return console.log(help);
  const [kind, from, to] = positionals;
  if (kind !== 'service') throw usageError('Expected rename service NAME NEW-NAME');
  if (from === undefined) throw usageError('Missing NAME of the service');
  if (to === undefined) throw usageError('Missing NEW-NAME of the service');
  const known = listServiceFolders();
  if (!known.includes(from)) throw new UsageError(`There is no service ${from} (known: ${known.join(', ')})`);
  expectFree(to);
  const plan = planRename(deriveNames(from), deriveNewNames(to), known);
  const configs = renameInConfigs(from, to);
  if (!values['dry-run']) {
    expectCommitted([...plan.removed, ...plan.written.keys(), ...configs.texts.keys(), 'generated']);
    await write(plan, configs.texts, to);
  }
  report(plan, configs, from, to, values['dry-run']);
});

/** @throws {UsageError} if the new name is taken. */
function expectFree(to: string): void {
  const inTheWay = [`src/services/${to}`, `test/services/${to}`, `generated/${to}`].find(exists);
  if (inTheWay !== undefined) throw new UsageError(`${inTheWay} exists: choose another name`);
  for (const file of listConfigs())
    if (readNames(read(file)).services.includes(to))
      throw new UsageError(`${file} has a service ${to}: choose another name, or remove it there`);
}

interface Configs {
  readonly texts: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

function renameInConfigs(from: string, to: string): Configs {
  const texts = new Map<string, string>();
  const notes: string[] = [];
  for (const file of listConfigs()) {
    const text = read(file);
    if (!readNames(text).services.includes(from)) continue;
    try {
      const renamed = renameInConfig(text, from, to);
      const [error] = parseDocument(renamed.text).errors;
      if (error !== undefined) throw new ConfigTextError(`it has an app ${to}: choose another name`);
      texts.set(file, renamed.text);
      if (renamed.note !== undefined) notes.push(`${file}: ${renamed.note}`);
    } catch (error) {
      if (error instanceof ConfigTextError) throw new UsageError(`${file}: ${error.message}`);
      throw error;
    }
  }
  return { texts, notes };
}

async function write(plan: RenamePlan, configs: ReadonlyMap<string, string>, to: string): Promise<void> {
  const folders = [`src/services/${to}`, `test/services/${to}`];
  const changes = new Changes([...plan.removed, ...folders, ...plan.peers, ...configs.keys(), 'generated']);
  await changes.run(async () => {
    for (const [path, text] of [...plan.written, ...configs]) changes.write(path, text);
    for (const path of plan.removed) rmSync(join(root, path), { recursive: true, force: true });
    const formatted = [...folders.filter(exists), ...plan.peers.filter(exists)];
    await changes.step('format the files', 'biome', 'check', '--write', ...formatted);
    const before = readMigrations(to);
    if (exists(`src/services/${to}/tables.ts`))
      await changes.step('compare the tables', process.execPath, 'scripts/migrate.ts', 'create', to);
    if (readMigrations(to) !== before)
      throw new CommandError(
        `src/services/${to}/tables.ts names other tables than its migrations: write the name of the table in it. Nothing has changed`,
      );
    await changes.step('generate the contract', process.execPath, 'scripts/generate.ts');
    const tests = [to, ...plan.users].map((name) => `test/services/${name}/`).filter(exists);
    await changes.all([
      changes.step('check the types', ...typeCheck()),
      ...(tests.length > 0
        ? [changes.step('run the tests', 'vitest', 'run', '--project', 'services', ...tests)]
        : []),
    ]);
  });
}

function readMigrations(name: string): string {
  const folder = `src/services/${name}/migrations`;
  return exists(folder)
    ? listFiles(folder)
        .map((path) => readFileSync(join(root, path), 'latin1'))
        .join('')
    : '';
}

function report(plan: RenamePlan, { texts, notes }: Configs, from: string, to: string, isDry: boolean): void {
  const verb = isDry ? 'would rename' : 'renamed';
  console.log(`${verb} src/services/${from} to src/services/${to}`);
  const changed = [...plan.peers, ...texts.keys(), 'generated/'];
  console.log(`${isDry ? 'would change' : 'changed'} ${changed.join(', ')}`);
  const urls = new Set(
    [...texts.values()].map((text) => readText(text, ['services', isDry ? from : to, 'database'])),
  );
  for (const url of urls) if (url?.startsWith('sqlite:')) console.log(`The data stays in ${url}`);
  console.log(`Clients see a new path: /${to}/ instead of /${from}/`);
  if (plan.hasEvents)
    console.log(`Consumers of its events begin with the oldest event of ${to} again, which has the old type`);
  for (const note of notes) console.log(note);
  for (const file of texts.keys())
    for (const line of findName(texts.get(file) ?? '', from, true))
      console.log(`${file}:${line} names ${from} too: change it, if it means the service`);
}
