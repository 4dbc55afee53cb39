import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { send } from './helper.ts';
import { copyProject, root, run } from './process/helper.ts';
import { listExamples, readme } from './readme.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

test('every command that the README names is an npm script, and it names every one', () => {
  const named = [...readme.matchAll(/(?:npm run |npm (?=start|test)|\.\/run\.sh )([\w:]+)/g)].map(
    ([, name]) => name as string,
  );
  const own = [...new Set(named)].filter((name) => name !== 'COMMAND');
  // The README starts the server by `./run.sh` alone.
  expect(own.sort()).toEqual(Object.keys(scripts).sort());
});

test('every command and option of run.sh that the README names is in its help', () => {
  const usage = readFileSync(join(root, 'run.sh'), 'utf8');
  for (const [, word] of readme.matchAll(/\.\/run\.sh (?!COMMAND)([\w:]+|--\w+)/g))
    expect(usage).toContain(`  ${word}`);
});

test('every file and folder that the README names exists', () => {
  const paths = [
    ...readme.matchAll(/`((?:src|generated|test|scripts|logs|\.ci)[\w./-]*|[\w.-]+\.(?:mjs|yaml|sh|ts))`/g),
  ];
  // Of the example of a new service.
  const known = [
    'index.ts',
    'tables.ts',
    'schemas.ts',
    'routes.ts',
    'repository.ts',
    'src/services/toy',
    'src/services/toy/pet-client.ts',
  ];
  for (const [, path] of paths) {
    if (known.includes(path as string)) continue;
    expect(existsSync(join(root, path as string)), path).toBe(true);
  }
});

test('the configs that the README compares differ in nothing but what runs where', () => {
  const [one, split] = ['config.yaml', 'config.split.yaml'].map((name) =>
    readFileSync(join(root, name), 'utf8').split(/^apps:/m),
  );
  expect(split?.[0]).toBe(one?.[0]);
});

test('the README has curl lines with their answers, for .ci/run to run', () => {
  const examples = listExamples();
  expect(examples.filter(({ command }) => command.startsWith('curl ')).length).toBeGreaterThanOrEqual(8);
  for (const { command, answer } of examples) expect(answer, command).not.toBe('');
});

/** A copy of the project with the service that the README adds. */
function addToy(t: TestContext): string {
  const [, source] = /^ {3}```ts\n(.*?)^ {3}```$/ms.exec(readme) ?? [];
  const project = copyProject(t);
  mkdirSync(join(project, 'src/services/toy'));
  writeFileSync(join(project, 'src/services/toy/index.ts'), (source as string).replace(/^ {3}/gm, ''));
  return project;
}

test('the service that the README adds is served after what the README says', {
  timeout: 120_000,
}, async (t) => {
  const project = addToy(t);
  const config = readFileSync(join(root, 'config.yaml'), 'utf8')
    .replace(/^services:.*\n/m, '$&  toy: {}\n')
    .replace('services: [pet, user]', 'services: [pet, user, toy]')
    .replace(/port: \d+/, 'port: 0');
  writeFileSync(join(project, 'config.yaml'), config);
  const server = run(t, join(project, 'run.sh'), []);
  const [, url] = (await server.says(/docs of toy at (http:.*)\/toy\/docs/)) as unknown as [string, string];
  expect((await send(`${url}/toy/toys/`, 'GET')).body).toEqual([{ name: 'ball' }]);
  expect((await send(`${url}/openapi.json`, 'GET')).body.paths['/toy/toys/'].get.operationId).toBe(
    'toy.listToys',
  );
  const types = readFileSync(join(project, 'generated/api.d.ts'), 'utf8');
  expect(types).toContain('"toy.listToys"');
});

test('the service and the client that the README adds pass the check; elsewhere the check says why not', {
  timeout: 300_000,
}, async (t) => {
  const project = addToy(t);
  for (const name of ['.dependency-cruiser.mjs', '.gitignore', 'biome.json', 'redocly.yaml'])
    copyFileSync(join(root, name), join(project, name));
  // These import from the tests, which the copy does not have.
  for (const name of ['fuzz.ts', 'fuzz-connections.ts', 'newcomer.ts'])
    rmSync(join(project, 'scripts', name));
  const [, client] = /^```ts\n(import \{ lookupByIds.*?)^```$/ms.exec(readme) ?? [];
  writeFileSync(join(project, 'src/services/toy/pet-client.ts'), client as string);
  const execute = async (command: string) => {
    const running = run(t, join(project, 'run.sh'), [command]);
    return { ...(await running.ended), output: running.output() };
  };
  expect(await execute('generate')).toMatchObject({ code: 0 });
  const right = await execute('check');
  expect(right.output).toContain('generated/toy/openapi.json: validated');
  expect(right.code).toBe(0);

  writeFileSync(join(project, 'src/services/toy/pets.ts'), client as string);
  const wrong = await execute('check');
  expect(wrong.output).toContain('contract-as-types-in-clients-only');
  // The reason of the rule, which depcruise wraps.
  expect(wrong.output).toMatch(/sees the types of its neighbours[\s\S]*calls them/);
  expect(wrong.code).toBe(1);
});
