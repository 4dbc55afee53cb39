import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { copyProject, root, run, writeConfig } from './helper.ts';

const script = join(root, 'run.sh');

test.for([
  { args: ['--nope'], says: 'run.sh: unknown argument --nope: see ./run.sh --help\n' },
  { args: ['dev', 'nope'], says: 'run.sh: unknown argument nope: see ./run.sh --help\n' },
  { args: ['--config'], says: 'run.sh: --config needs a value: see ./run.sh --help\n' },
  { args: ['--config', '/nowhere.yaml'], says: 'run.sh: /nowhere.yaml: there is no such file\n' },
])('ends with 2 and one line on $args, before anything is set up', async ({ args, says }, t) => {
  const running = run(t, script, args);
  expect((await running.ended).code).toBe(2);
  expect(running.output()).toBe(says);
});

test('prints help and the version', async (t) => {
  const help = run(t, script, ['--help']);
  expect((await help.ended).code).toBe(0);
  for (const word of ['dev', 'test', '--config FILE', '--app NAME', '--version'])
    expect(help.output()).toContain(word);
  const version = run(t, script, ['--version'], { cwd: '/' });
  expect((await version.ended).code).toBe(0);
  expect(version.output()).toBe(`${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}\n`);
});

test('generates before it starts where something has changed, and not again', async (t) => {
  const project = copyProject(t);
  const { file } = writeConfig(t);
  const start = async () => {
    const server = run(t, join(project, 'run.sh'), ['--config', file], { cwd: '/' });
    await server.says(/gateway listens at/);
    server.child.kill('SIGTERM');
    // The signal reaches the server, and its end is that of run.sh.
    expect((await server.ended).code).toBe(0);
    expect(server.output()).toContain('stopping on SIGTERM');
    return server.output();
  };
  rmSync(join(project, 'generated/api.d.ts'));
  expect(await start()).toContain('generated/api.d.ts\n');
  expect(await start()).not.toContain('generated/');

  const routes = join(project, 'src/services/pet/routes.ts');
  writeFileSync(routes, readFileSync(routes, 'utf8').replace('Create a pet', 'Make a pet'));
  expect(await start()).toContain('generated/pet/openapi.json\n');
  expect(readFileSync(join(project, 'generated/openapi.json'), 'utf8')).toContain('Make a pet');
});

test('dev starts anew on a change of a source or of the config, and on no other', {
  timeout: 120_000,
}, async (t) => {
  const project = copyProject(t);
  const { folder, file } = writeConfig(t);
  const dev = run(t, join(project, 'run.sh'), ['dev', '--config', file]);
  const starts = () => dev.output().split('gateway listens at').length - 1;
  const startsAnew = async (times: number) => {
    const deadline = Date.now() + 30_000;
    while (starts() < times && Date.now() < deadline) await sleep(50);
    expect(starts()).toBe(times);
    await sleep(300); // its watch is up by then
  };
  await startsAnew(1);
  appendFileSync(join(project, 'src/services/pet/routes.ts'), '// a change\n');
  await startsAnew(2);
  appendFileSync(file, '# a change\n');
  await startsAnew(3);
  appendFileSync(join(project, 'generated/pet/openapi.json'), '\n');
  appendFileSync(join(folder, 'logs/gateway.jsonl'), '\n');
  await sleep(1000);
  expect(starts()).toBe(3);
  // What is broken is said, and mended by the next change.
  const index = join(project, 'src/services/pet/index.ts');
  const right = readFileSync(index, 'utf8');
  writeFileSync(index, `${right}\nthrow new Error('broken');\n`);
  await dev.says(/waiting for a change/);
  writeFileSync(index, right);
  await startsAnew(4);
  dev.child.kill('SIGINT');
  expect((await dev.ended).code).toBe(0);
});
