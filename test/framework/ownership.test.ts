import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const framework = JSON.parse(readFileSync(join(root, 'framework.json'), 'utf8')) as {
  version: string;
  paths: string[];
};

const isOwned = (file: string) => framework.paths.some((path) => `${file}/`.startsWith(`${path}/`));

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
