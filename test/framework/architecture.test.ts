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

/** Returns the name of a seed for the name of a test. */
const nameOf = ({ file, code }: Seed) => `${file}: ${code.replace(/\s+/g, ' ')}`;

function plant({ file, code }: Seed): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), `${code}\n`);
}

/** Runs a development tool in a folder. Resolves with its output, also if the tool finds errors. */
function run(cwd: string, tool: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const file = join(root, 'node_modules/.bin', tool);
    // The tool runs under this Node, because the first Node of the PATH may be too old.
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

/** Returns the violations that `npm run check` finds in a folder. */
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

test('the source follows the import rules', async () => {
  expect(await cruise(root)).toEqual([]);
});

test('every rule has a seed that violates it', async () => {
  expect(Object.keys(violations).sort()).toEqual((await ruleNames()).sort());
  for (const [rule, seeds] of Object.entries(violations)) expect(seeds.length, rule).toBeGreaterThan(0);
});

describe('the import rules', () => {
  let found: Violation[];

  beforeAll(async () => {
    for (const seed of [...Object.values(violations).flat(), ...allowed]) plant(seed);
    found = await cruise(folder);
  });

  for (const [rule, seeds] of Object.entries(violations)) {
    for (const seed of seeds) {
      const rules = [rule, ...(seed.also ?? [])].join(' and ');
      test(`report ${nameOf(seed)}: only ${rules}`, () => {
        const reported = found.filter(({ from }) => from === seed.file).map((violation) => violation.rule);
        expect([...new Set(reported)].sort()).toEqual([rule, ...(seed.also ?? [])].sort());
      });
    }
  }

  for (const seed of allowed) {
    test(`do not report ${nameOf(seed)}`, () => {
      expect(found.filter(({ from }) => from === seed.file)).toEqual([]);
    });
  }

  test('report nothing else', () => {
    const planted = new Set(Object.values(violations).flatMap((seeds) => seeds.map(({ file }) => file)));
    expect(found.filter(({ from }) => !planted.has(from))).toEqual([]);
  });
});

describe('the rule on globals', () => {
  const reported: readonly Seed[] = [
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
  const accepted: readonly Seed[] = [
    { file: 'src/framework/app/start.ts', code: `console.error(process.argv);\nprocess.exit(1);` },
    { file: 'scripts/global.ts', code: `console.log(process.argv);` },
    {
      file: 'src/framework/context/global-3.ts',
      code: `export const pidOf = (process: { pid: number }) => process.pid;`,
    },
  ];
  let found: { file: string; rule: string }[];

  beforeAll(async () => {
    for (const seed of [...reported, ...accepted]) plant(seed);
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

  for (const seed of reported) {
    test(`reports ${nameOf(seed)}`, () => {
      expect(found.map(({ file }) => file)).toContain(seed.file);
    });
  }

  for (const seed of accepted) {
    test(`accepts ${nameOf(seed)}`, () => {
      expect(found.map(({ file }) => file)).not.toContain(seed.file);
    });
  }
});
