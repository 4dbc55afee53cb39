import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { copyProject, root, run } from '../e2e/process/helper.ts';
import { send } from '../support/app.ts';
import { readme } from './examples.ts';

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
