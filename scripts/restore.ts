/** Puts the databases of a backup in their places, for people: see --help. */
import { resolve } from 'node:path';
import { readArguments, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { readConfig } from '../src/framework/config/config.ts';
import { restoreBackup, undoInterrupted } from '../src/framework/database/backup/restore.ts';
import { restoreNoteOf } from '../src/framework/database/backup/restore-note.ts';
import { listDatabases, runServiceCommand } from './lib/service-command.ts';

const help = `Usage: ./run.sh restore FOLDER [--overwrite] [--config FILE]
       ./run.sh restore --undo [--config FILE]

Puts the databases of a backup where the config says: all of them, or, where
that fails, none. Each is compared with the manifest and checked as a whole
(SHA-256, integrity, references, rows, no migration that this code does not
have, the schema of its migrations) before any is put in its place. The server must be stopped: a database
that a process has open is refused. A server that starts later applies the
migrations that a copy has not had.

A restore that was interrupted keeps the server from starting. Run it again to
finish it, or undo it to have the databases as they were before.

  --overwrite     replace databases that are there
  --undo          put back what an interrupted restore has replaced
  --config FILE   the config file (config.yaml)
  --help          this text
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    {
      overwrite: { type: 'boolean', default: false },
      undo: { type: 'boolean', default: false },
      config: { type: 'string', default: 'config.yaml' },
    },
    1,
  );
  if (values.help) return console.log(help);
  const [folder] = positionals;
  if (values.undo && folder !== undefined) throw usageError('Expected no FOLDER with --undo');
  if (!values.undo && folder === undefined) throw usageError('Missing FOLDER of the backup');
  const services = await loadServices();
  const config = readConfig(values.config, services, process.env);
  const note = restoreNoteOf(config.file);
  if (folder === undefined) return sayUndone(undoInterrupted(note));
  const databases = listDatabases(services, config);
  const manifest = await restoreBackup(databases, resolve(folder), { overwrite: values.overwrite, note });
  for (const { service, file } of databases) {
    const copy = manifest.services[service];
    const counts = Object.entries(copy?.rows ?? {}).map(([table, count]) => `${table} ${count}`);
    const said =
      copy === undefined ? 'is not in the backup, left as it is' : `restored, rows: ${counts.join(', ')}`;
    console.log(`${service}: ${file} ${said}`);
  }
  console.log(`restored from ${resolve(folder)}, as of ${manifest.time}, written by ${manifest.version}`);
});

function sayUndone(databases: ReturnType<typeof undoInterrupted>): void {
  for (const { service, file } of databases)
    console.log(`${service}: ${file} is as it was before the restore`);
  if (databases.length === 0) console.log('no restore was interrupted: nothing to undo');
}
