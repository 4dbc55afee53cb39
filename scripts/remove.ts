/** Removes a service: see --help. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { sqliteFile } from '../src/framework/config/database-url.ts';
import { knownDatabasesFile } from '../src/framework/database/known-databases.ts';
import { root } from './lib/command.ts';
import { typeCheck } from './lib/framework-files.ts';
import { listServiceFolders, runServiceCommand } from './lib/service-command.ts';
import { Changes, exists, expectCommitted, listConfigs, read } from './scaffold/changes.ts';
import { ConfigTextError, readNames, readText, removeService } from './scaffold/config-text.ts';
import { findUses } from './scaffold/uses.ts';

const help = `Usage: ./run.sh remove service NAME [--data] [--dry-run]

Removes a service: its folders in src/services and test/services, its names in the config
files, and what was generated from it. Then checks the types. If that fails, everything is as
before. The command refuses while another service names it in peers.

  NAME             the name of the service
  --data           also delete its SQLite files, and their lines in .databases; stop the server first
  --dry-run        print what would be removed, and remove nothing
  --help           this text
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    { data: { type: 'boolean', default: false }, 'dry-run': { type: 'boolean', default: false } },
    2,
  );
  if (values.help) return console.log(help);
  const [kind, name] = positionals;
  if (kind !== 'service') throw usageError('Expected remove service NAME');
  if (name === undefined) throw usageError('Missing NAME of the service');
  const known = listServiceFolders();
  if (!known.includes(name)) throw new UsageError(`There is no service ${name} (known: ${known.join(', ')})`);
  const uses = findUses(name, known);
  if (uses.length > 0)
    throw new UsageError(`Another service uses ${name}: remove that first, in ${uses.join(', ')}`);
  const folders = [`src/services/${name}`, `test/services/${name}`, `generated/${name}`].filter(exists);
  const configs = removeFromConfigs(name);
  const files = values.data ? listDatabaseFiles(name) : [];
  if (!values['dry-run']) {
    // A new folder is not committed yet; a changed file of a committed folder would be lost.
    expectCommitted(folders, (state) => state === '??' || state.startsWith('A'));
    await remove(folders, configs, files);
  }
  const verb = values['dry-run'] ? 'would remove' : 'removed';
  for (const path of [...folders, ...files]) console.log(`${verb} ${path}`);
  const changed = values['dry-run'] ? 'would change' : 'changed';
  console.log(`${changed} ${[...configs.keys(), 'generated/'].join(', ')}`);
  // The command does not remove `auth`, because every operation would be open.
  for (const [path, text] of configs)
    if (readText(text, ['auth', 'issuer']) === name)
      console.log(`by hand: ${path} names ${name} as auth.issuer: name another issuer, or delete auth`);
});

/** Returns the new text of each config file that names the service. */
function removeFromConfigs(name: string): Map<string, string> {
  const texts = new Map<string, string>();
  for (const file of listConfigs()) {
    const text = read(file);
    if (!readNames(text).services.includes(name)) continue;
    try {
      texts.set(file, removeService(text, name));
    } catch (error) {
      if (error instanceof ConfigTextError) throw new UsageError(`${file}: ${error.message}`);
      throw error;
    }
  }
  return texts;
}

/** Lists the files of the SQLite databases of a service, which the config files name. */
function listDatabaseFiles(name: string): string[] {
  const urls = new Set(listConfigs().map((file) => readText(read(file), ['services', name, 'database'])));
  return [...urls].flatMap((url) => {
    // A variable may hold the URL.
    const file = url?.startsWith('sqlite:') ? sqliteFile(url) : undefined;
    return file === undefined ? [] : ['', '-wal', '-shm'].map((end) => `${file}${end}`).filter(exists);
  });
}

async function remove(
  folders: readonly string[],
  configs: ReadonlyMap<string, string>,
  files: readonly string[],
): Promise<void> {
  const changes = new Changes([...folders, ...configs.keys(), 'generated']);
  await changes.run(async () => {
    for (const [path, text] of configs) changes.write(path, text);
    for (const path of folders) rmSync(join(root, path), { recursive: true });
    await changes.step('generate the contract', process.execPath, 'scripts/generate.ts');
    await changes.step('check the types', ...typeCheck());
  });
  for (const path of files) rmSync(resolve(root, path));
  if (files.length > 0) forget(files.map((path) => resolve(root, path)));
}

/** Removes databases from the registry of known databases, so that a service of the same name can create them again. */
function forget(files: readonly string[]): void {
  const registry = knownDatabasesFile(join(root, 'config.yaml'));
  if (!exists('.databases')) return;
  const lines = readFileSync(registry, 'utf8').split('\n');
  writeFileSync(registry, lines.filter((line) => !files.includes(line)).join('\n'));
}
