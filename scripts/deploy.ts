/** Prints what runs the system in containers: see --help. */
import { relative } from 'node:path';
import { readArguments, usageError } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { listDifferences, writeFiles } from './deploy/files.ts';
import { joinFiles, renderBuildCommand, renderFiles } from './deploy/render.ts';
import { CommandError } from './lib/command.ts';
import { runServiceCommand } from './lib/service-command.ts';

const help = `Usage: ./run.sh deploy image|compose|kubernetes [--config FILE] [--image REF] [--out DIR [--check]]

Prints what runs the apps of a config in containers:
  image        the command that builds the image of every app
  compose      compose.yaml for Docker Compose, with PostgreSQL and a collector where the
               config needs them. It reads the other files of --out, which are beside it
  kubernetes   the manifests: ./run.sh deploy kubernetes | kubectl apply -f -

  --config FILE   the config file (config.yaml)
  --image REF     the image (deploy.image of the config, or name and version of package.json)
  --out DIR       write files into this folder instead, for Kubernetes with a
                  kustomization.yaml: kubectl apply -k DIR
  --check         write nothing; exit with 1 if the files in DIR are not up to date
  --help          this text

The same config gives the same text on every machine: variables of the environment stay
references. A config that would not work in containers is an error of one line.
`;

await runServiceCommand(async () => {
  const { values, positionals } = readArguments(
    {
      config: { type: 'string', default: 'config.yaml' },
      image: { type: 'string' },
      out: { type: 'string' },
      check: { type: 'boolean', default: false },
    },
    1,
  );
  if (values.help) return console.log(help);
  const { config, image, out, check } = values;
  const [target = ''] = positionals;
  if (target !== 'image' && target !== 'compose' && target !== 'kubernetes')
    throw usageError('Expected image, compose or kubernetes');
  if (image !== undefined && !/^[a-z0-9][\w./:@-]*$/.test(image))
    throw usageError(`Expected the reference of an image, not ${image}`);
  if (check && out === undefined) throw usageError('Expected --out DIR with --check');
  if (target === 'image') {
    if (out !== undefined) throw usageError('Expected no --out: the image has no files');
    process.stdout.write(renderBuildCommand(config, await loadServices(), image));
    return;
  }
  const files = renderFiles(target, config, await loadServices(), image);
  if (out === undefined) {
    process.stdout.write(joinFiles(target, files));
    return;
  }
  const shown = relative(process.cwd(), out) || '.';
  if (check) {
    const different = listDifferences(out, files);
    if (different.length === 0) return console.log(`${shown} is up to date`);
    throw new CommandError(
      `${shown} is not up to date: ${different.join(', ')}. Run ./run.sh deploy ${target} --out ${shown}`,
    );
  }
  writeFiles(out, files);
  console.log(`written to ${shown}: ${Object.keys(files).join(', ')}`);
});
