/** Writes the files of a new product that the product owns: each function returns the text of a file. */
import type { Framework } from '../lib/framework-files.ts';
import { parseFields } from './fields.ts';
import { parseListFields } from './lists.ts';
import { deriveNames } from './names.ts';
import type { Plan } from './plan.ts';

const fields = parseFields(
  'name:string(1..200), species:string(1..200), age:integer(0..1000)?, mood:string(1..200)=happy',
  'pet',
);

/** The example service of a new product. */
export const example: Plan = {
  names: deriveNames('pet'),
  fields,
  lists: parseListFields(fields, { filter: 'species, mood', sort: 'name, age' }),
  peers: [],
  fixtures: [],
  hasEvents: true,
  isSecured: true,
};

/** The members of package.json that a product changes. */
interface Manifest {
  name: string;
  version: string;
  description: string;
  license?: string;
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** Returns the package.json of a product: the framework's, without what only the framework's own tests need. */
export function writeManifest(text: string, name: string, { development }: Framework): string {
  const manifest = JSON.parse(text) as Manifest;
  manifest.name = name;
  manifest.version = '0.1.0';
  manifest.description = `The services of ${name}.`;
  // The license of the framework is not that of the product.
  manifest.license = 'UNLICENSED';
  for (const script of development.scripts) delete manifest.scripts[script];
  for (const dependency of development.packages) delete manifest.devDependencies[dependency];
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

const request = `In a second terminal:

\`\`\`sh
curl -s localhost:8000/pet/pets/ -H 'content-type: application/json' -d '{"name":"Rex","species":"dog"}'
\`\`\`

`;

/** Returns the README.md of a product. */
export function writeReadme(name: string, isBare: boolean): string {
  const start = isBare ? 'serves the gateway' : 'serves the gateway and the service pet';
  const next = isBare ? 'Write your first service' : 'Write another service';
  return `# ${name}

Self-contained services behind one gateway, on the framework modular-monolith.

## Start

You need git, bash, and npm with Node 18 or newer.

\`\`\`sh
./run.sh         # sets up what is missing and ${start} at http://127.0.0.1:8000
./run.sh test    # runs the tests
\`\`\`

${isBare ? '' : request}Open <http://127.0.0.1:8000/docs> to try every operation in a browser. Ctrl-C stops the server.

## Next

- ${next}: \`./run.sh new service toy\`. [Add a service](docs/add-a-service.md) explains its files.
- ${isBare ? '' : 'Remove the example: `./run.sh remove service pet`.\n- '}Check before you commit: \`./run.sh check\`.
- Take over a newer framework: \`./run.sh upgrade --from URL\`. [Upgrading](docs/upgrading.md) has the details.

## Who owns what

Your files: \`src/services\`, \`test/services\`, \`src/main.ts\`, \`config*.yaml\`, \`package.json\`, this file. \`generated\` is
written by \`./run.sh generate\`. An upgrade replaces everything else, which is the framework.

\`docs\` is the manual of the framework. Its commands were run in the framework's repository, which has the example
services \`pet\` and \`user\`: use your services in their place. The framework's own tests and benchmarks are only there.

The framework has the MIT license: [src/framework/LICENSE](src/framework/LICENSE). It must stay. Your own code has the
license that you give it.
`;
}
