import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startProcess } from '../process/helper.ts';
import { openProject } from './scaffold-helper.ts';

// Each command checks the types of the project, which takes half a minute on a busy machine.
vi.setConfig({ testTimeout: 600_000 });

const all =
  'name:string(1..200), age:integer?, kind:enum(ball,doll), weight:number(0..9.5)?, tame:boolean=true, born:instant?, pet:pet.Pet?';

test('new writes a service that passes all checks, and remove takes away every trace', async (t) => {
  const { folder, run, changes, program } = openProject(t);
  const dry = await run('new', 'service', 'toy', '--fields', all, '--events', '--secured', '--dry-run');
  expect(dry).toMatchObject({ code: 0 });
  expect(dry.output).toContain('would write src/services/toy/pet-client.ts\n');
  expect(changes()).toBe('');

  const written = await run('new', 'service', 'toy', '--fields', all, '--events', '--secured');
  expect(written).toMatchObject({ code: 0 });
  expect(written.output).toContain('wrote src/services/toy/migrations/postgres/0000_initial.sql\n');
  const curl = `curl -s localhost:8000/toy/toys/ -H 'content-type: application/json' -d '{"name":"name","kind":"ball"}'\n`;
  expect(written.output).toContain(curl);
  const listed = written.output.matchAll(/^wrote (.*)$/gm);
  for (const [, path = ''] of listed) expect(existsSync(join(folder, path)), path).toBe(true);
  for (const file of ['config.yaml', 'config.debug.yaml'])
    expect(readFileSync(join(folder, file), 'utf8'), file).toContain('services: [pet, user, toy]');
  for (const file of ['config.split.yaml', 'config.debug.split.yaml'])
    expect(readFileSync(join(folder, file), 'utf8'), file).toMatch(/^ {2}toy: \{.* services: \[toy\] \}$/m);
  expect(await program(process.execPath, 'scripts/check.ts')).toMatchObject({ code: 0 });

  mkdirSync(join(folder, 'data'), { recursive: true });
  for (const file of ['toy.db', 'toy.db-wal', 'pet.db']) writeFileSync(join(folder, 'data', file), 'rows');
  writeFileSync(join(folder, '.databases'), `${folder}/data/toy.db\n${folder}/data/pet.db\n`);
  expect(await run('remove', 'service', 'toy')).toMatchObject({ code: 0 });
  expect(changes()).toBe('');
  expect(existsSync(join(folder, 'data/toy.db'))).toBe(true);

  expect(await run('new', 'service', 'toy')).toMatchObject({ code: 0 });
  const removed = await run('remove', 'service', 'toy', '--data');
  expect(removed.output).toContain('removed data/toy.db-wal\n');
  expect(changes()).toBe('');
  expect(existsSync(join(folder, 'data/toy.db'))).toBe(false);
  expect(existsSync(join(folder, 'data/pet.db'))).toBe(true);
  expect(readFileSync(join(folder, '.databases'), 'utf8')).toBe(`${folder}/data/pet.db\n`);
});

test('a mistake of the user is one line with exit code 2, and nothing is written', async (t) => {
  const { folder, commit, run, changes } = openProject(t);
  mkdirSync(join(folder, 'test/services/robot'), { recursive: true });
  writeFileSync(join(folder, 'test/services/robot/robot.test.ts'), '// in the way\n');
  appendFileSync(join(folder, 'config.auth.yaml'), '# changed\n');
  writeFileSync(join(folder, 'config.mine.yaml'), 'services: { drone: {} }\napps: { a: { services: [] } }\n');
  commit();
  const toy: ['new', ...string[]] = ['new', 'service', 'toy', '--fields'];
  const mistakes: [args: ['new' | 'remove', ...string[]], message: string][] = [
    [['new'], 'Expected new service NAME or new project DIR: see --help'],
    [['new', 'service'], 'Missing NAME of the service: see --help'],
    [['new', 'service', 'toy', 'more'], 'Unknown argument more: see --help'],
    [['new', 'service', 'Toy'], 'Expected a name of lower case letters'],
    [['new', 'service', 'gateway'], 'The name gateway is reserved'],
    [['new', 'service', 'pet'], 'src/services/pet exists'],
    [['new', 'service', 'robot'], 'test/services/robot exists'],
    [['new', 'service', 'drone'], 'config.mine.yaml has a service drone'],
    [['new', 'service', 'toy', '--port', 'x'], 'Expected --port with an integer from 1 to 65535, not x'],
    [['new', 'service', 'toy', '--port', '8001'], 'Port 8001 is used in a config file'],
    [[...toy, 'name:text'], "Expected --fields 'NAME:TYPE, …'"],
    [[...toy, 'owner:cat.Cat'], 'Field owner_id of --fields: there is no service cat'],
    [[...toy, 'pet:pet.Dog'], 'pet has no such schema'],
    [[...toy, 'owner:user.User'], 'user has no operation that lists User by ids'],
    [[...toy, 'other:toy.Toy'], 'expected another service than toy'],
    [['remove', 'service', 'toy'], 'There is no service toy (known: auth, pet, user)'],
    [
      ['remove', 'service', 'pet'],
      'Another service uses pet: remove that first, in src/services/user/index.ts:',
    ],
  ];
  for (const [args, message] of mistakes) {
    const { code, output } = await run(...args);
    expect([args, code, output]).toEqual([args, 2, expect.stringContaining(message)]);
    expect(output.trim().split('\n')).toHaveLength(1);
  }
  expect(changes()).toBe('');

  appendFileSync(join(folder, 'config.yaml'), '# changed\n');
  appendFileSync(join(folder, 'src/services/user/routes.ts'), '// changed\n');
  const dirty = changes();
  const message = (file: string) =>
    `${file} has changes that are not committed: commit or stash them first\n`;
  const refused = await run('new', 'service', 'toy');
  expect(refused).toEqual({ code: 2, output: message('config.yaml') });
  const kept = await run('remove', 'service', 'user');
  expect(kept).toEqual({ code: 2, output: message('src/services/user/routes.ts') });
  expect(changes()).toBe(dirty);
});

test('if a step fails or the user stops the command, everything is as before', async (t) => {
  const { folder, run, changes, commit } = openProject(t);
  // Fails after the files, the migrations and the contract are written.
  const broken = join(folder, 'src/framework/openapi/schema.ts');
  const text = readFileSync(broken, 'utf8');
  writeFileSync(broken, `${text}export const wrong: number = 'text';\n`);
  commit();
  const failed = await run('new', 'service', 'toy', '--fields', all);
  expect(failed.code).toBe(1);
  expect(failed.output).toMatch(/error TS2322[\s\S]*Failed: check the types\. Nothing has changed\n$/);
  expect(changes()).toBe('');
  writeFileSync(broken, text);
  commit();

  const running = startProcess(t, process.execPath, ['scripts/new.ts', 'service', 'toy'], { cwd: folder });
  await running.waitForOutput(/check the types/);
  expect(existsSync(join(folder, 'src/services/toy/index.ts'))).toBe(true);
  running.child.kill('SIGINT');
  expect(await running.ended).toMatchObject({ code: 1 });
  expect(running.output()).toMatch(/Stopped: nothing has changed\n$/);
  expect(changes()).toBe('');
});
