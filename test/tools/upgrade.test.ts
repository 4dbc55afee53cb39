import { expect, test } from 'vitest';
import { mergeManifest } from '../../scripts/upgrade/manifest.ts';
import { planFiles } from '../../scripts/upgrade/plan.ts';
import type { GitFile, Source } from '../../scripts/upgrade/source.ts';

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

test("package.json gets the framework's entries, and keeps those of the product", () => {
  const own = {
    name: 'pet-shop',
    version: '3.0.0',
    scripts: { start: 'old', sell: 'node sell.ts', test: 'mine' },
    dependencies: { fastify: '^5.0.0', pg: '^8.0.0', stripe: '^1.0.0', yaml: '^2.0.0' },
    devDependencies: { vitest: '^5.0.0', diff: '^9.0.0' },
  };
  const base = {
    name: 'framework',
    version: '0.2.0',
    scripts: { start: 'old', test: 'vitest' },
    dependencies: { fastify: '^5.0.0', pg: '^7.0.0', yaml: '^2.0.0' },
    devDependencies: { vitest: '^5.0.0', diff: '^9.0.0' },
  };
  const next = {
    name: 'framework',
    version: '0.3.0',
    engines: { node: '>=26' },
    scripts: { start: 'new', test: 'vitest', bench: 'node bench/run.ts' },
    dependencies: { fastify: '^6.0.0', pg: '^7.0.0', jose: '^6.0.0' },
    devDependencies: { vitest: '^6.0.0', helmet: '^8.0.0' },
  };
  const merged = mergeManifest(json(own), json(base), json(next), ['bench', 'helmet']);
  expect(JSON.parse(merged.text)).toEqual({
    name: 'pet-shop',
    version: '3.0.0',
    engines: { node: '>=26' },
    scripts: { start: 'new', sell: 'node sell.ts', test: 'mine' },
    // The product raised pg, and the framework did not change it.
    dependencies: { fastify: '^6.0.0', jose: '^6.0.0', pg: '^8.0.0', stripe: '^1.0.0' },
    devDependencies: { vitest: '^6.0.0' },
  });
  expect(merged.hasNewDependencies).toBe(true);
  expect(merged.changes).toContain('dependencies.yaml: removed, because the framework no longer needs it');
  expect(mergeManifest(merged.text, json(next), json(next), ['bench', 'helmet'])).toEqual({
    text: merged.text,
    changes: [],
    hasNewDependencies: false,
  });
});

test('without the package.json of the old version, no entry is dropped', () => {
  const own = json({ name: 'pet-shop', dependencies: { fastify: '^5.0.0', yaml: '^2.0.0' } });
  const next = json({ name: 'framework', dependencies: { fastify: '^6.0.0' } });
  const merged = mergeManifest(own, undefined, next, []);
  expect(JSON.parse(merged.text).dependencies).toEqual({ fastify: '^6.0.0', yaml: '^2.0.0' });
});

/** Files by their path, each with its content as its hash. */
const files = (contents: Record<string, string>) =>
  new Map(Object.entries(contents).map(([path, id]): [string, GitFile] => [path, { mode: '100644', id }]));

function framework(paths: string[], version = '0.2.0') {
  const development = { paths: ['bench', 'test/framework', 'test/support'], except: ['test/support/a.ts'] };
  return { version, paths, development: { ...development, packages: [], scripts: [] } };
}

/** @param history each path with the contents that it had. */
function source(paths: string[], newer: Record<string, string>, history: Record<string, string[]>): Source {
  const all = { ...history };
  for (const [path, id] of Object.entries(newer)) all[path] = [...(all[path] ?? []), id];
  return {
    folder: '',
    framework: framework(paths, '0.3.0'),
    files: files(newer),
    had: (path, id) => (id === undefined ? path in all : (all[path]?.includes(id) ?? false)),
    readManifestOf: () => undefined,
    remove() {},
  };
}

test('files of the framework are replaced, and those of the product stay', () => {
  const plan = planFiles(
    files({
      'docs/a.md': '1',
      'docs/gone.md': '1',
      'docs/edited.md': 'mine',
      'docs/own.md': 'mine',
      'dropped/b.ts': '1',
      'renovate.json': '1',
      'src/services/pet/index.ts': 'mine',
      'test/support/a.ts': '1',
    }),
    framework(['docs', 'dropped', 'renovate.json', 'test/framework', 'test/support', 'bench']),
    source(
      ['docs', 'test/framework', 'test/support', 'bench'],
      {
        'docs/a.md': '2',
        'docs/edited.md': '2',
        'docs/new.md': '2',
        'renovate.json': '2',
        'src/services/pet/index.ts': '2',
        'test/framework/x.test.ts': '2',
        'test/support/a.ts': '1',
        'test/support/b.ts': '2',
        'bench/run.ts': '2',
      },
      { 'docs/a.md': ['1'], 'docs/gone.md': ['1'], 'docs/edited.md': ['1'], 'dropped/b.ts': ['1'] },
    ),
  );
  expect(plan).toEqual({
    added: ['docs/new.md'],
    changed: ['docs/a.md', 'docs/edited.md'],
    deleted: ['docs/gone.md', 'dropped/b.ts'],
    byHand: ['docs/edited.md'],
    kept: ['docs/own.md'],
  });
});

test('a clone with the tests of the framework gets the newer ones, and no benchmark if it deleted that', () => {
  const paths = ['bench', 'test/framework'];
  const plan = planFiles(
    files({ 'test/framework/x.test.ts': '1' }),
    framework(paths),
    source(
      paths,
      { 'test/framework/x.test.ts': '2', 'test/framework/y.test.ts': '2', 'bench/run.ts': '2' },
      {
        'test/framework/x.test.ts': ['1'],
      },
    ),
  );
  expect(plan).toMatchObject({
    added: ['test/framework/y.test.ts'],
    changed: ['test/framework/x.test.ts'],
    kept: [],
  });
});
