import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ICruiseResult } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { allowed, root, type Seed, violations } from './architecture-seeds.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'architecture-'));
  const parts = ['src', 'scripts', 'tools', 'test', 'generated', 'package.json', 'tsconfig.json'];
  for (const part of [...parts, '.dependency-cruiser.mjs', 'biome.json', '.gitignore']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A seed in the name of a test. */
const name = ({ file, code }: Seed) => `${file}: ${code.replace(/\s+/g, ' ')}`;

function plant({ file, code }: Seed): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), `${code}\n`);
}

/** Runs one of our tools in a folder; resolves with what it prints, whatever it thinks of what it finds. */
function run(cwd: string, tool: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const file = join(root, 'node_modules/.bin', tool);
    // Under this Node: the first of the PATH may be too old for the tool.
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    execFile(file, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(error ?? new Error(stderr));
      else resolve(stdout);
    });
  });
}

interface Violation {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

/** What `npm run check` finds in a folder. */
async function cruise(cwd: string): Promise<Violation[]> {
  const options = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json'];
  const { summary } = JSON.parse(
    await run(cwd, 'depcruise', ...options, 'src', 'scripts', 'tools'),
  ) as ICruiseResult;
  expect(summary.totalCruised).toBeGreaterThan(40);
  return summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
}

async function ruleNames(): Promise<string[]> {
  const { default: config } = (await import(join(root, '.dependency-cruiser.mjs'))) as {
    default: { forbidden: { name: string; severity: string }[] };
  };
  expect(config.forbidden.filter(({ severity }) => severity !== 'error')).toEqual([]);
  return config.forbidden.map(({ name }) => name);
}

test('the tree keeps the rules of who may import whom', async () => {
  expect(await cruise(root)).toEqual([]);
});

test('every rule has a violation that it must catch', async () => {
  expect(Object.keys(violations).sort()).toEqual((await ruleNames()).sort());
  for (const [rule, seeds] of Object.entries(violations)) expect(seeds.length, rule).toBeGreaterThan(0);
});

describe('of the imports', () => {
  let found: Violation[];

  beforeAll(async () => {
    for (const seed of [...Object.values(violations).flat(), ...allowed]) plant(seed);
    found = await cruise(folder);
  });

  for (const [rule, seeds] of Object.entries(violations)) {
    for (const seed of seeds) {
      const only = ['', ...(seed.also ?? [])].join(' and ');
      test(`${rule}${only} and no other rule catches ${name(seed)}`, () => {
        const rules = found.filter(({ from }) => from === seed.file).map((violation) => violation.rule);
        expect([...new Set(rules)].sort()).toEqual([rule, ...(seed.also ?? [])].sort());
      });
    }
  }

  for (const seed of allowed) {
    test(`no rule minds ${name(seed)}`, () => {
      expect(found.filter(({ from }) => from === seed.file)).toEqual([]);
    });
  }

  test('no rule minds anything else', () => {
    const planted = new Set(Object.values(violations).flatMap((seeds) => seeds.map(({ file }) => file)));
    expect(found.filter(({ from }) => !planted.has(from))).toEqual([]);
  });
});

describe('of the globals', () => {
  const caught: readonly Seed[] = [
    { file: 'src/framework/context/global-1.ts', code: 'export const home = process.env.HOME;' },
    { file: 'src/framework/context/global-2.ts', code: 'export const { argv } = process;' },
    { file: 'src/services/user/global-1.ts', code: `console.log('hello');` },
    { file: 'src/services/user/global-2.ts', code: 'export const id = () => process.pid;' },
    { file: 'src/framework/app/global-1.ts', code: 'process.exit(1);' },
    { file: 'src/framework/app/deep/start.ts', code: 'process.exit(1);' },
    { file: 'src/main.ts', code: 'process.exit(1);' },
    { file: 'src/framework/app/global-2.ts', code: 'export const { env } = globalThis.process;' },
    { file: 'src/framework/app/global-3.ts', code: `global.console.log('hello');` },
  ];
  const free: readonly Seed[] = [
    { file: 'src/framework/app/start.ts', code: `console.error(process.argv);\nprocess.exit(1);` },
    { file: 'scripts/global.ts', code: `console.log(process.argv);` },
    {
      file: 'src/framework/context/global-3.ts',
      code: `export const tell = (process: { pid: number }) => process.pid;`,
    },
  ];
  let found: { file: string; rule: string }[];

  beforeAll(async () => {
    for (const seed of [...caught, ...free]) plant(seed);
    const printed = await run(
      folder,
      'biome',
      'lint',
      '--reporter=json',
      '--max-diagnostics=none',
      'src',
      'scripts',
    );
    const { diagnostics } = JSON.parse(printed) as {
      diagnostics: { category: string; severity: string; location: { path: string | { file: string } } }[];
    };
    found = diagnostics
      .filter(({ severity }) => severity === 'error')
      .map(({ category, location: { path } }) => ({
        file: typeof path === 'string' ? path : path.file,
        rule: category,
      }))
      .filter(({ rule }) => rule === 'lint/style/noRestrictedGlobals');
  });

  for (const seed of caught) {
    test(`process and console are caught in ${name(seed)}`, () => {
      expect(found.map(({ file }) => file)).toContain(seed.file);
    });
  }

  for (const seed of free) {
    test(`process and console are free in ${name(seed)}`, () => {
      expect(found.map(({ file }) => file)).not.toContain(seed.file);
    });
  }
});
