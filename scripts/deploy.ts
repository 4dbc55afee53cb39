/** Writes what runs the system in containers: see --help. */
import { join, relative } from 'node:path';
import { readArguments, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { listDifferences, writeFiles } from './deploy/files.ts';
import { renderFiles } from './deploy/render.ts';
import { CommandError, root } from './lib/command.ts';
import { runServiceCommand } from './lib/service-command.ts';

const help = `Usage: ./run.sh deploy compose|kubernetes [--config FILE] [--out DIR] [--image REF] [--check]

Writes what runs the apps of a config in containers:
  compose      compose.yaml for Docker Compose, with PostgreSQL and a collector where the
               config needs them
  kubernetes   manifests with a kustomization.yaml: kubectl apply -k DIR

  --config FILE   the config file (config.yaml)
  --out DIR       the folder of the files (manifests/compose or manifests/kubernetes)
  --image REF     the image (deploy.image of the config)
  --check         write nothing; exit with 1 if the files in DIR are not up to date
  --help          this text

The same config gives the same files on every machine: variables of the environment stay
references. A config that would not work in containers is an error of one line.
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    {
      config: { type: 'string', default: 'config.yaml' },
      out: { type: 'string' },
      image: { type: 'string' },
      check: { type: 'boolean', default: false },
    },
    1,
  );
  if (values.help) return console.log(help);
  const [target = ''] = positionals;
  if (target !== 'compose' && target !== 'kubernetes') throw usageError('Expected compose or kubernetes');
  const files = renderFiles(target, values.config, await loadServices(), values.image);
  const folder = values.out ?? join(root, 'manifests', target);
  const shown = relative(process.cwd(), folder) || '.';
  if (values.check) {
    const different = listDifferences(folder, files);
    if (different.length === 0) return console.log(`${shown} is up to date`);
    throw new CommandError(
      `${shown} is not up to date: ${different.join(', ')}. Run ./run.sh deploy ${target}`,
    );
  }
  writeFiles(folder, files);
  console.log(`written to ${shown}: ${Object.keys(files).join(', ')}`);
});
