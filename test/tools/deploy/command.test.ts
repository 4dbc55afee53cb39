import { execFile, execFileSync } from 'node:child_process';
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
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import manifest from '../../../package.json' with { type: 'json' };
import { writeBuildCommand } from '../../../scripts/deploy/image.ts';
import { renderBuildCommand } from '../../../scripts/deploy/render.ts';
import { readSystem } from '../../../scripts/deploy/system.ts';
import { UsageError } from '../../../src/framework/app/arguments.ts';
import { root } from '../../e2e/process/helper.ts';
import { makeFolder } from '../../support/app.ts';
import { catchError, fixtures, listManifests, render, services, writeConfigFile } from './helper.ts';

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
    /^\S+ is not up to date: kustomization\.yaml, .*Run \.\/run\.sh deploy kubernetes --out \S+\n$/,
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

test('without --out, Kubernetes gets every manifest as one stream, and nothing is written', async () => {
  const before = readdirSync(root);
  const args = ['kubernetes', '--config', join(fixtures, 'auth-mixed.yaml')];
  const { code, stdout, stderr } = await deploy(...args);
  expect([code, stderr]).toEqual([0, '']);
  const objects = parseAllDocuments(stdout).map((document) => document.toJS());
  expect(objects).toEqual(listManifests('auth-mixed'));
  // The namespace comes before what is in it.
  expect(objects[0].kind).toBe('Namespace');
  expect(objects.map(({ kind }) => kind)).not.toContain('Kustomization');
  expect(stdout.match(/^#.*$/gm)).toEqual([expect.stringContaining('./run.sh deploy')]);
  expect(readdirSync(root)).toEqual(before);
});

test('without --out, Compose gets compose.yaml', async () => {
  const { code, stdout, stderr } = await deploy('compose', '--config', join(fixtures, 'split-sqlite.yaml'));
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(render('compose', join(fixtures, 'split-sqlite.yaml'))['compose.yaml']);
});

describe('deploy image prints the command that builds the image', () => {
  const config = join(fixtures, 'one-postgres.yaml');

  test('and the labels of the Dockerfile get the version and the commit', async (t) => {
    const { code, stdout, stderr } = await deploy('image', '--config', config);
    expect([code, stderr]).toEqual([0, '']);
    // A shell runs what was printed, with a `docker` that prints its arguments, and a `git` that knows a commit.
    const folder = makeFolder(t);
    writeFileSync(join(folder, 'docker'), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    writeFileSync(join(folder, 'git'), '#!/bin/sh\n[ "$*" = "rev-parse HEAD" ] && echo 0a1b2c\n', {
      mode: 0o755,
    });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    const words = execFileSync('sh', ['-c', stdout], { env, encoding: 'utf8' }).trim().split('\n');
    expect(words).toEqual([
      ...['build', '--tag', 'registry.example/monolith:1.2.3'],
      ...['--build-arg', `VERSION=${manifest.version}`, '--build-arg', 'REVISION=0a1b2c', '.'],
    ]);
    const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
    for (const label of ['version="${VERSION}"', 'revision="${REVISION}"'])
      expect(dockerfile).toContain(`org.opencontainers.image.${label}`);
  });

  test('with the image of --image, else of the config, else of package.json', () => {
    const tagOf = (file: string, image?: string) =>
      / --tag (\S+) /.exec(renderBuildCommand(file, services, image))?.[1];
    expect(tagOf(config, 'registry.example/shop:2')).toBe('registry.example/shop:2');
    expect(tagOf(config)).toBe('registry.example/monolith:1.2.3');
    // The image is the same for a config that is not for containers.
    expect(tagOf(join(root, 'config.yaml'))).toBe(`${manifest.name}:${manifest.version}`);
  });

  test('and an image that is built already, or a missing Dockerfile, is one line', async (t) => {
    const { code, stdout, stderr } = await deploy('image', '--image', 'registry.example/shop@sha256:0123');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^registry\.example\/shop@sha256:0123 names an image .* --image NAME:TAG\n$/);
    const folder = makeFolder(t);
    const error = catchError(() => writeBuildCommand(readSystem(config, services), folder));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/^\S+\/Dockerfile is missing: /);
  });
});

test('mistakes are one line and exit code 2, and nothing is written', async (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'out'));
  const loopback = writeConfigFile(t, 'services: {}\napps: { gateway: { port: 8000, services: [] } }\n');
  const mistakes = [
    [],
    ['helm'],
    ['compose', 'kubernetes'],
    ['compose', '--config'],
    ['compose', '--image', '$(reboot)'],
    ['image'],
    ['compose', '--config', join(folder, 'none.yaml')],
    ['compose', '--config', loopback],
  ];
  await Promise.all(
    mistakes.map(async (args) => {
      const { code, stdout, stderr } = await deploy(...args, '--out', join(folder, 'out'));
      expect([code, stdout], args.join(' ')).toEqual([2, '']);
      expect(stderr.trim().split('\n'), args.join(' ')).toHaveLength(1);
    }),
  );
  expect(readdirSync(join(folder, 'out'))).toEqual([]);
  expect(await deploy('kubernetes', '--check')).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: 'Expected --out DIR with --check: see --help\n',
  });
});
