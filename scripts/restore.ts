/** Restores the databases of a backup: see --help. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readArguments, UsageError, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { readConfig } from '../src/framework/config/config.ts';
import { hidePassword } from '../src/framework/config/database-url.ts';
import { isPostgres } from '../src/framework/database/backup/manifest.ts';
import { restoreBackup } from '../src/framework/database/backup/restore.ts';
import { knownDatabasesFile } from '../src/framework/database/known-databases.ts';
import { listDatabases, runServiceCommand } from './lib/service-command.ts';

const help = `Usage: ./run.sh restore FOLDER [--config FILE]

Restores the databases of a backup to their places in the config. It replaces
nothing: stop the server, move the files of the old databases away, and rename
the old schemas in PostgreSQL. The command names them. PostgreSQL needs
pg_restore and psql.

Before it restores the first database, it verifies every copy: SHA-256,
integrity, references, rows, migrations and schema. It restores a schema in
PostgreSQL in one transaction, and compares its rows with the manifest. If the
restore is interrupted, run it again. Until then the server does not start.
When it starts, it applies the migrations that a copy does not have.

  --config FILE   the config file (config.yaml)
  --help          this text
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments({ config: { type: 'string', default: 'config.yaml' } }, 1);
  if (values.help) return console.log(help);
  const [folder] = positionals;
  if (folder === undefined) throw usageError('Missing FOLDER of the backup');
  if (!existsSync(folder)) throw new UsageError(`${folder}: there is no such folder`);
  const services = await loadServices();
  const config = readConfig(values.config, services, process.env);
  const databases = listDatabases(services, config);
  const manifest = await restoreBackup(databases, resolve(folder), knownDatabasesFile(config.file));
  for (const database of databases) {
    const { service } = database;
    const place = isPostgres(database) ? hidePassword(database.url) : database.file;
    const copy = manifest.services[service];
    const counts = Object.entries(copy?.rows ?? {}).map(([table, count]) => `${table} ${count}`);
    const result =
      copy === undefined ? 'is not in the backup and stays as it is' : `restored, rows: ${counts.join(', ')}`;
    console.log(`${service}: ${place} ${result}`);
  }
  console.log(`restored from ${resolve(folder)}, as of ${manifest.time}, written by ${manifest.version}`);
});
