import { execFile } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../e2e/process/helper.ts';
import { makeFolder } from '../../support/app.ts';
import { fixtures, writeConfigFile } from './helper.ts';

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function deploy(...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, 'scripts/deploy.ts'), ...args],
      { cwd: root },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('--check fails until the files are what the command writes', async (t) => {
  const out = join(makeFolder(t), 'out');
  const args = ['kubernetes', '--config', join(fixtures, 'split-sqlite.yaml'), '--out', out];
  const missing = await deploy(...args, '--check');
  expect(missing.code).toBe(1);
  expect(missing.stderr).toMatch(
    /^\S+ is not up to date: kustomization\.yaml, .*Run \.\/run\.sh deploy kubernetes\n$/,
  );
  expect(existsSync(out)).toBe(false);

  expect(await deploy(...args)).toMatchObject({ code: 0, stderr: '' });
  expect(await deploy(...args, '--check')).toMatchObject({ code: 0, stderr: '' });

  appendFileSync(join(out, 'app-pet.yaml'), '# changed\n');
  rmSync(join(out, 'ingress.yaml'));
  const changed = await deploy(...args, '--check');
  expect(changed.code).toBe(1);
  expect(changed.stderr).toContain('is not up to date: ingress.yaml, app-pet.yaml. ');
});

test('a file of an app that is gone is deleted; a file of the user is kept', async (t) => {
  const out = makeFolder(t);
  const args = (config: string) => ['kubernetes', '--config', join(fixtures, `${config}.yaml`), '--out', out];
  await deploy(...args('split-sqlite'));
  writeFileSync(join(out, 'own.yaml'), 'kind: Secret\n');
  const stale = await deploy(...args('one-sqlite'), '--check');
  expect(stale.stderr).toContain('app-pet.yaml, app-user.yaml, ingress.yaml');
  await deploy(...args('one-sqlite'));
  expect(readdirSync(out).sort()).toEqual(
    ['app-gateway', 'config', 'kustomization', 'namespace', 'network-policies', 'own'].map(
      (name) => `${name}.yaml`,
    ),
  );

  writeFileSync(join(out, 'config.yaml'), 'mine: true\n');
  const refused = await deploy(...args('one-sqlite'));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('is not a file of ./run.sh deploy');
  expect(readFileSync(join(out, 'config.yaml'), 'utf8')).toBe('mine: true\n');
});

test('--image is the image of every app', async (t) => {
  const out = makeFolder(t);
  const config = join(fixtures, 'split-sqlite.yaml');
  await deploy('compose', '--config', config, '--out', out, '--image', 'registry.example/shop@sha256:0123');
  const images = readFileSync(join(out, 'compose.yaml'), 'utf8').match(/image: .*/g);
  expect(images).toEqual(Array(3).fill('image: registry.example/shop@sha256:0123'));
});

test('mistakes are one line and exit code 2, and nothing is written', async (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'out'));
  const loopback = writeConfigFile(t, 'services: {}\napps: { gateway: { port: 8000, services: [] } }\n');
  for (const args of [
    [],
    ['helm'],
    ['compose', 'kubernetes'],
    ['compose', '--config'],
    ['compose', '--config', join(folder, 'none.yaml')],
    ['compose', '--config', loopback],
  ]) {
    const { code, stdout, stderr } = await deploy(
      ...args,
      ...(args.length > 1 ? ['--out', join(folder, 'out')] : []),
    );
    expect([code, stdout], args.join(' ')).toEqual([2, '']);
    expect(stderr.trim().split('\n'), args.join(' ')).toHaveLength(1);
  }
  expect(readdirSync(join(folder, 'out'))).toEqual([]);
});
