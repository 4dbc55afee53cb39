/** Backs up the databases of the services, also while the server runs: see --help. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { readConfig } from '../src/framework/config/config.ts';
import { createBackup } from '../src/framework/database/backup/create.ts';
import { listDatabases, runServiceCommand } from './lib/service-command.ts';

const help = `Usage: ./run.sh backup FOLDER [SERVICE...] [--config FILE]

Copies the SQLite database of every service into FOLDER, which must be new or
empty, while the server runs. FOLDER then contains a file for each service and
manifest.json. The manifest is written last: a folder without it is incomplete.

All copies of one run are of one point in time. To get it, writes wait for some
milliseconds. The copies contain every write that was acknowledged before the
backup began, and they are consistent: an adopted pet is in the copy of the
pets, unless it was deleted. If services run on several hosts, back up callers
first (user, then pet). Ids are never reused, so a copied adoption never refers
to a different pet.

  SERVICE         only these services (all of the config)
  --config FILE   the config file (config.yaml)
  --help          this text
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    { config: { type: 'string', default: 'config.yaml' } },
    Infinity,
  );
  if (values.help) return console.log(help);
  const [folder, ...names] = positionals;
  if (folder === undefined) throw usageError('Missing FOLDER to copy to');
  const services = await loadServices();
  const config = readConfig(values.config, services, process.env);
  const databases = listDatabases(services, config);
  const unknown = names.find((name) => !databases.some(({ service }) => service === name));
  if (unknown !== undefined)
    throw new UsageError(`${unknown} is not a service of ${values.config} with a database`);
  const chosen = databases.filter(({ service }) => names.length === 0 || names.includes(service));
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const manifest = await createBackup(chosen, resolve(folder), version);
  for (const [service, { size, rows }] of Object.entries(manifest.services)) {
    const counts = Object.entries(rows).map(([table, count]) => `${table} ${count}`);
    console.log(`${service}: ${size} bytes, rows: ${counts.join(', ')}`);
  }
  console.log(`backed up to ${resolve(folder)}, as of ${manifest.time}`);
});
