/** Puts the databases of a backup in their places, for people: see --help. */
import { resolve } from 'node:path';
import { readConfig } from '#app/config.ts';
import { loadServices } from '#app/services.ts';
import { restore } from '#common/backup-restore.ts';
import { readArguments, UsageError } from './arguments.ts';
import { listDatabases, runServiceCommand } from './command.ts';

const help = `Usage: ./run.sh restore FOLDER [--overwrite] [--config FILE]

Puts the databases of a backup where the config says: all of them, or, where
that fails, none. Each is compared with the manifest and checked as a whole
(SHA-256, integrity, references, rows, no migration that this code does not
have) before any is put in its place. The server must be stopped: a database
that a process has open is refused. A server that starts later applies the
migrations that a copy has not had.

  --overwrite     replace databases that are there
  --config FILE   the config file (config.yaml)
  --help          this text
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    {
      overwrite: { type: 'boolean', default: false },
      config: { type: 'string', default: 'config.yaml' },
    },
    1,
  );
  if (values.help) return console.log(help);
  const [folder] = positionals;
  if (folder === undefined) throw new UsageError('Missing FOLDER of the backup: see --help');
  const services = await loadServices();
  const databases = listDatabases(services, readConfig(values.config, services, process.env));
  const manifest = await restore(databases, resolve(folder), { overwrite: values.overwrite });
  for (const { service, file } of databases) {
    const copy = manifest.services[service];
    const counts = Object.entries(copy?.rows ?? {}).map(([table, count]) => `${table} ${count}`);
    const said =
      copy === undefined ? 'is not in the backup, left as it is' : `restored, rows: ${counts.join(', ')}`;
    console.log(`${service}: ${file} ${said}`);
  }
  console.log(`restored from ${resolve(folder)}, as of ${manifest.time}, written by ${manifest.version}`);
});
