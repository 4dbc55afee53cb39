import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { userId } from '../../../scripts/deploy/pod.ts';
import { root, startProcess } from '../../e2e/process/helper.ts';
import { findFreePort, makeFolder } from '../../support/app.ts';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Lists the instructions of each stage of the Dockerfile. */
function listStages(): Instruction[][] {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
    .replace(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ');
  const stages: Instruction[][] = [[]];
  for (const line of text.split('\n').filter((line) => line.trim() !== '')) {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, text: rest });
  }
  return stages;
}

const [beforeStages = [], build = [], final = []] = listStages();
const textsOf = (stage: readonly Instruction[], name: string) =>
  stage.filter((one) => one.name === name).map(({ text }) => text);

/** Lists the files and folders of the project that the image copies. */
const copied = textsOf(build, 'COPY').flatMap((text) => text.split(/\s+/).slice(0, -1));

/** Lists what .dockerignore lets through. */
const allowed = readFileSync(join(root, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

test('.dockerignore lets through what the image copies, and nothing else', () => {
  expect(allowed[0]).toBe('*');
  expect(allowed.slice(1).map((line) => line.replace(/^!/, ''))).toEqual([...copied].sort());
  expect(copied.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  expect(copied.filter((name) => /env|secret|config|data|logs|\.git$/.test(name))).toEqual([]);
});

test('the image has two stages, and only the first one has npm run', () => {
  expect(listStages()).toHaveLength(3);
  expect(textsOf(beforeStages, 'ARG')).toEqual(['NODE=node:24-slim', 'RUNTIME=${NODE}']);
  expect(textsOf(build, 'FROM')).toEqual(['${NODE} AS build']);
  expect(textsOf(final, 'FROM')).toEqual(['${RUNTIME}']);
  expect(textsOf(build, 'RUN')[0]).toMatch(/^npm ci --omit=dev --ignore-scripts\b/);
  // Distroless has no shell.
  expect(textsOf(final, 'RUN')).toEqual([]);
});

test('the code belongs to root, and the user of the manifests owns only the volumes', () => {
  expect(textsOf(final, 'COPY')).toEqual([
    '--from=build --chown=0:0 /app /app',
    `--from=build --chown=${userId}:${userId} /volumes/ /`,
  ]);
  expect(textsOf(build, 'RUN')[1]).toMatch(/^chmod -R a\+rX,go-w \/app\b/);
  expect(textsOf(final, 'USER')).toEqual([`${userId}:${userId}`]);
});

test('Node is process 1, and checks its health', () => {
  expect(textsOf(final, 'ENTRYPOINT')).toEqual(['[]']);
  expect(JSON.parse(textsOf(final, 'CMD')[0] as string).slice(0, 3)).toEqual([
    'node',
    '--max-semi-space-size=32',
    'src/main.ts',
  ]);
  const [health = ''] = textsOf(final, 'HEALTHCHECK');
  expect(JSON.parse(health.slice(health.indexOf('['))).slice(0, 2)).toEqual(['node', '-e']);
  expect(textsOf(final, 'ENV')[0]).toMatch(/NODE_ENV=production .*PATH=\S*:\/nodejs\/bin$/);
  expect(textsOf(final, 'LABEL')[0]?.match(/org\.opencontainers\.image\.\w+/g)).toHaveLength(6);
});

test('no variable of the image is a secret', () => {
  const names = [...build, ...final]
    .filter(({ name }) => name === 'ARG' || name === 'ENV')
    .flatMap(({ text }) => text.match(/\b[A-Z_]+(?==)/g) ?? []);
  expect(names).toContain('VERSION');
  expect(names.filter((name) => /KEY|SECRET|TOKEN|PASSWORD|URL/.test(name))).toEqual([]);
});

test('the files of the image are enough to serve, and the health check sees it', async (t) => {
  const image = makeFolder(t);
  for (const name of copied) cpSync(join(root, name), join(image, name), { recursive: true });
  linkDependencies(image);
  const port = await findFreePort();
  const config = join(makeFolder(t), 'config.yaml');
  writeFileSync(
    config,
    `services: { pet: { database: sqlite:pet.db }, user: { database: sqlite:user.db } }
apps: { gateway: { port: ${port}, services: [pet, user] } }
`,
  );
  const [, ...flags] = JSON.parse(textsOf(final, 'CMD')[0] as string) as string[];
  const args = flags.map((flag) => (flag === '/config/config.yaml' ? config : flag));
  const server = startProcess(t, process.execPath, args, { cwd: image });
  const [health = ''] = textsOf(final, 'HEALTHCHECK');
  const [, ...check] = JSON.parse(health.slice(health.indexOf('['))) as string[];
  const checkHealth = async (port: number) =>
    (await startProcess(t, process.execPath, check, { env: { PORT: String(port) } }).ended).code;

  await server.waitForOutput(/"msg":"listening"/);
  expect((await fetch(`http://127.0.0.1:${port}/pet/pets/`)).status).toBe(200);
  expect(await checkHealth(port)).toBe(0);
  server.child.kill('SIGTERM');
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(await checkHealth(port)).toBe(1);
});

/** Links the dependencies that `npm ci --omit=dev` installs. */
function linkDependencies(folder: string): void {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    if (dev === true || !/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || !existsSync(join(root, path)))
      continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(join(root, path), join(folder, path));
  }
}
