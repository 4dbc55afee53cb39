import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../../e2e/process/helper.ts';
import { makeFolder } from '../../support/app.ts';

interface Step {
  readonly name?: string;
  readonly run?: string;
}
const { jobs } = parse(readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')) as {
  jobs: { image: { steps: Step[] } };
};

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
}

test('the SBOM of a release lists exactly the packages of the image', (t) => {
  const folder = makeFolder(t);
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    cpSync(join(root, name), join(folder, name));
  const script = jobs.image.steps.find(({ name }) => name === 'Write the SBOM')?.run as string;
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  execFileSync('bash', ['-e', '-c', script], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    stdio: 'pipe',
  });
  const { components } = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8')) as {
    components: Component[];
  };
  const listed = components.map(({ group, name, version }) =>
    [...(group === undefined ? [] : [group]), `${name}@${version}`].join('/'),
  );
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; version: string }>;
  };
  const installed = Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true)
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`);
  expect([...new Set(listed)].sort()).toEqual([...new Set(installed)].sort());
});

test('the release builds the Dockerfile with its labels', () => {
  const script = jobs.image.steps.find(({ name }) => name === 'Build and push the image')?.run ?? '';
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const args = [...script.matchAll(/--build-arg (\w+)=/g)].map(([, name]) => name as string);
  expect(args).toEqual(['VERSION', 'REVISION', 'SOURCE']);
  for (const name of args) expect(dockerfile).toMatch(new RegExp(`^ARG ${name}=`, 'm'));
});
