import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { isForDevelopment, isIn, readFramework } from '../../scripts/lib/framework-files.ts';
import { removeService } from '../../scripts/scaffold/config-text.ts';
import { hasOwnReadme } from '../docs/blocks.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const framework = readFramework();
const { development } = framework;
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const isOwned = (file: string) => isIn(framework.paths, file);

test('framework.json has the version and existing paths; only the benchmark may be deleted', () => {
  expect(framework.version).toMatch(/^\d+\.\d+\.\d+$/);
  const missing = framework.paths.filter((path) => !existsSync(join(root, path)));
  expect(missing.filter((path) => path !== 'bench')).toEqual([]);
  expect(framework.paths).toEqual([...framework.paths].sort());
});

test.each([
  'src/main.ts',
  'src/services/pet/index.ts',
  'test/services/pet/pet.test.ts',
  'config.yaml',
  'README.md',
  'package.json',
  'generated/services.ts',
])('an upgrade of the framework does not touch %s', (file) => {
  expect(existsSync(join(root, file))).toBe(true);
  expect(isOwned(file)).toBe(false);
});

/** The TypeScript files that a new product gets, or that a product owns. */
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.mjs'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => existsSync(join(root, file)) && !isForDevelopment(framework, file))
  .filter((file) => !file.startsWith('test/services/'));

const importsOf = (file: string) =>
  [...read(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, path]) => path as string);

test('the exceptions from the paths for development exist, and need no file that a product lacks', () => {
  for (const file of development.except) {
    expect(existsSync(join(root, file)), file).toBe(true);
    expect(isIn(development.paths, file), file).toBe(true);
  }
  const targets = files.flatMap((file) =>
    importsOf(file)
      .filter((path) => path.startsWith('.'))
      .map((path) => normalize(join(dirname(file), path))),
  );
  expect(targets.filter((path) => isForDevelopment(framework, path))).toEqual([]);
});

test('a product does not need the packages and scripts for development', () => {
  const { devDependencies, scripts } = JSON.parse(read('package.json'));
  expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining([...development.packages]));
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...development.scripts]));
  const isLeftOut = (path: string) =>
    development.packages.some((name) => path === name || path.startsWith(`${name}/`));
  expect(files.filter((file) => importsOf(file).some(isLeftOut))).toEqual([]);
});

test('the framework carries its license', () => {
  expect(read('src/framework/LICENSE')).toContain('MIT License');
  if (hasOwnReadme) expect(read('src/framework/LICENSE')).toBe(read('LICENSE'));
});

test
  .skipIf(!hasOwnReadme)
  .each(['config.yaml', 'config.split.yaml', 'config.debug.yaml', 'config.debug.split.yaml'])(
  'a new product has %s without the examples',
  (file) => {
    const services = Object.keys(parse(read(file)).services);
    const bare = services.reduce(removeService, read(file));
    expect(read(`scripts/scaffold/project/${file}`)).toBe(bare);
  },
);
