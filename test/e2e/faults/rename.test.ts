import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openProject } from './scaffold-helper.ts';

// Each command checks the types of the project, which takes half a minute on a busy machine.
vi.setConfig({ testTimeout: 1_200_000 });

test('rename changes a service and those that call it, and renaming back leaves no change', async (t) => {
  const { folder, commit, run, git, changes } = openProject(t);
  const fields = 'name:string(1..200), age:integer?, kind:enum(ball,doll), toy_color:string, pet:pet.Pet?';
  const written = await run('new', 'service', 'toy', '--fields', fields, '--events', '--secured');
  expect(written).toMatchObject({ code: 0 });
  commit();
  expect(await run('new', 'service', 'box', '--fields', 'name:string(1..9), toy:toy.Toy')).toMatchObject({
    code: 0,
  });
  commit();
  const dry = await run('rename', 'service', 'toy', 'game', '--dry-run');
  expect(dry).toMatchObject({
    code: 0,
    output: expect.stringContaining('would rename src/services/toy to '),
  });
  expect(changes()).toBe('');

  const renamed = await run('rename', 'service', 'toy', 'game');
  expect(renamed).toMatchObject({ code: 0 });
  expect(renamed.output).toContain('The data stays in sqlite:data/toy.db\n');
  expect(renamed.output).toContain('Clients see a new path: /game/ instead of /toy/\n');
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  for (const path of [
    'src/services/toy',
    'test/services/toy',
    'generated/toy',
    'src/services/box/toy-client.ts',
  ])
    expect(existsSync(join(folder, path)), path).toBe(false);
  expect(read('config.yaml')).toContain('  game:\n    database: sqlite:data/toy.db\n');
  expect(read('config.split.yaml')).toMatch(/ {2}game: \{ .*services: \[game\] \}/);
  expect(read('src/services/box/index.ts')).toContain("peers: ['game']");
  expect(read('src/services/box/game-client.ts')).toContain("Peer<'game'>");
  const { paths } = JSON.parse(read('generated/openapi.json'));
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/game/games/', '/box/boxes/']));
  // Only the renamed service has another contract: `box` still has the field `toy_id`.
  expect(git('diff', '--stat', '--', 'generated/box', 'src/services/box/schemas.ts')).toBe('');
  expect(await run('check')).toMatchObject({ code: 0 });
  commit();

  expect(await run('rename', 'service', 'game', 'toy')).toMatchObject({ code: 0 });
  git('add', '--all');
  expect(git('diff', '--cached', 'HEAD~1')).toBe('');
});

test('a mistake of the user is one line, and a failed step leaves everything as before', async (t) => {
  const { folder, commit, run, changes } = openProject(t);
  const mistakes: [args: string[], message: string][] = [
    [[], 'Expected rename service NAME NEW-NAME: see --help'],
    [['service'], 'Missing NAME of the service: see --help'],
    [['service', 'pet'], 'Missing NEW-NAME of the service: see --help'],
    [['service', 'pet', 'beast', 'cat'], 'Unknown argument cat: see --help'],
    [['service', 'toy', 'game'], 'There is no service toy (known: auth, pet, user)'],
    [['service', 'pet', 'user'], 'src/services/user exists: choose another name'],
    [['service', 'pet', 'Dog'], 'Expected a name of lower case letters'],
    [['service', 'pet', 'gateway'], 'The name gateway is reserved'],
    [['service', 'pet', 'mood'], 'has the name mood already: choose another, or rename it there first'],
  ];
  for (const [args, message] of mistakes) {
    const { code, output } = await run('rename', ...args);
    expect([args, code, output]).toEqual([args, 2, expect.stringContaining(message)]);
    expect(output.trim().split('\n')).toHaveLength(1);
  }
  appendFileSync(join(folder, 'src/services/pet/routes.ts'), '// changed\n');
  const refused = await run('rename', 'service', 'pet', 'beast');
  expect(refused.output).toBe(
    'src/services/pet/routes.ts has changes that are not committed: commit or stash them first\n',
  );
  expect(refused.code).toBe(2);
  commit();

  // The name of the table follows from a constant, so the service would look for other tables than it has.
  const tables = join(folder, 'src/services/pet/tables.ts');
  const text = readFileSync(tables, 'utf8');
  writeFileSync(
    tables,
    `const pet = { pet: 0 };\n${text.replace(/sqliteTable\(\s*'pet'/, 'sqliteTable(Object.keys(pet).join()')}`,
  );
  commit();
  const failed = await run('rename', 'service', 'pet', 'beast');
  expect(failed.code).toBe(1);
  expect(failed.output).toMatch(/compare the tables/);
  expect(failed.output).toMatch(/Nothing has changed\n$/);
  expect(changes()).toBe('');
});
