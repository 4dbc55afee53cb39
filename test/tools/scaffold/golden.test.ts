import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { parseFields } from '../../../scripts/scaffold/fields.ts';
import { parseListFields } from '../../../scripts/scaffold/lists.ts';
import { deriveNames } from '../../../scripts/scaffold/names.ts';
import { writeServiceFiles } from '../../../scripts/scaffold/service-files.ts';
import { hasOwnReadme } from '../../docs/blocks.ts';
import { root } from '../../e2e/process/helper.ts';
import { makeFolder } from '../../support/app.ts';
import { petCare } from './pet-care.ts';

const fields =
  'name:string(1..200), species:string(1..200), age:integer(0..1000)?, mood:string(1..200)=happy';

/** Formats files as `./run.sh check` expects them, and returns them by name. */
function format(t: TestContext, files: ReadonlyMap<string, string>): Record<string, string> {
  const folder = makeFolder(t);
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as { vcs?: object };
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  execFileSync(join(root, 'node_modules/.bin/biome'), ['check', '--write', '.'], { cwd: folder });
  return Object.fromEntries(
    [...files.keys()].map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

// A product may have another pet service, or none.
test.skipIf(!hasOwnReadme)('a service with the fields of a pet is src/services/pet without the care', (t) => {
  const pet = join(root, 'src/services/pet');
  const names = readdirSync(pet).filter((name) => name.endsWith('.ts'));
  const plain = new Map(
    names.map((name) => {
      let text = readFileSync(join(pet, name), 'utf8');
      for (const [from, to] of petCare[name] ?? []) {
        expect(text.split(from), `${name} contains once: ${from}`).toHaveLength(2);
        text = text.replace(from, () => to);
      }
      return [name, text];
    }),
  );
  const parsed = parseFields(fields);
  const lists = parseListFields(parsed, { filter: 'species, mood', sort: 'name, age' });
  const plan = { names: deriveNames('pet'), fields: parsed, lists, peers: [], fixtures: [] };
  const written = [...writeServiceFiles({ ...plan, hasEvents: true, isSecured: true }, [])].filter(([path]) =>
    path.startsWith('src/services/pet/'),
  );
  const scaffold = new Map(written.map(([path, text]) => [path.slice('src/services/pet/'.length), text]));
  expect(format(t, scaffold)).toEqual(format(t, plain));
});
