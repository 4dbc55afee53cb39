import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  imports: Record<string, string>;
};

/** A copy of the project with a seed service: one file has an allowed import, the other a deeper one. */
let folder: string;
const allowed = 'src/services/seed/allowed.ts';
const deeper = 'src/services/seed/deeper.ts';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'imports-'));
  for (const part of ['src', 'generated', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'src/services/seed'));
  writeFileSync(
    join(folder, allowed),
    `import { defineService } from '#framework';\nconsole.log(typeof defineService);\n`,
  );
  writeFileSync(
    join(folder, deeper),
    `import { createServer } from '#framework/http/server.ts';\nconsole.log(createServer);\n`,
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs Node in the copy. Returns its output, including error output if it fails. */
function run(...args: string[]): string {
  try {
    return execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr;
  }
}

function checkTypes(file: string): string {
  const project = join(folder, 'tsconfig.seed.json');
  writeFileSync(project, JSON.stringify({ extends: './tsconfig.json', include: [file] }));
  return run(join(root, 'node_modules/typescript/bin/tsc'), '-p', project);
}

describe('the public API of the framework', () => {
  test('is a list of names without a wildcard', () => {
    const names = Object.keys(imports).filter((name) => name.startsWith('#framework'));
    expect(names.sort()).toEqual([
      '#framework',
      '#framework/database',
      '#framework/start',
      '#framework/testing',
    ]);
    expect(names.filter((name) => name.includes('*'))).toEqual([]);
  });

  test('can be imported by a service, in tsc and in Node', () => {
    expect(checkTypes(allowed)).toBe('');
    expect(run(allowed)).toBe('function\n');
  });

  test('is the only part that a service can import: tsc and Node reject a deeper import', () => {
    expect(checkTypes(deeper)).toContain(`error TS2307: Cannot find module '#framework/http/server.ts'`);
    expect(run(deeper)).toContain('ERR_PACKAGE_IMPORT_NOT_DEFINED');
  });
});
