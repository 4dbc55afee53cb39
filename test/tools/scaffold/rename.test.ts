import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { renameInConfig } from '../../../scripts/scaffold/config-rename.ts';
import { parseFields } from '../../../scripts/scaffold/fields.ts';
import { parseListFields } from '../../../scripts/scaffold/lists.ts';
import { deriveNames } from '../../../scripts/scaffold/names.ts';
import { renamePeer } from '../../../scripts/scaffold/rename-peer.ts';
import {
  listColumns,
  type Renaming,
  renameSource,
  renameWords,
} from '../../../scripts/scaffold/rename-words.ts';
import { writeServiceFiles } from '../../../scripts/scaffold/service-files.ts';
import { root } from '../../e2e/process/helper.ts';
import { makeFolder } from '../../support/app.ts';

function rename(from: string, to: string, others: string[] = [], kept: string[] = []): Renaming {
  return { from: deriveNames(from), to: deriveNames(to), others, kept: new Set(kept) };
}

test('only complete words are renamed, in each form', () => {
  const text = "category cat cats Cat listCats catId cat_id CAT_MAX concat bobcat Catalog 'a cat' aCat";
  const expected = "category owl owls Owl listOwls owlId owl_id OWL_MAX concat bobcat Catalog 'an owl' aOwl";
  expect(renameWords(text, rename('cat', 'owl'))).toBe(expected);
});

test('a name with several words has the form of its place', () => {
  const source = `/** Finds a toy. */
export const toyId = { toy_id: 1 }, TOY_MAX = 2;
app.get('/toys/:toy_id', { operationId: 'listToys', $id: 'Toy', scopes: ['toy:read'] }, 'Toy not found', 'toy-not-found');
`;
  const renamed = renameSource('src/services/toy/routes.ts', source, rename('toy', 'board-game'));
  expect(renamed).toBe(`/** Finds a board game. */
export const boardGameId = { board_game_id: 1 }, BOARD_GAME_MAX = 2;
app.get('/board-games/:board_game_id', { operationId: 'listBoardGames', $id: 'BoardGame', scopes: ['board-game:read'] }, 'Board game not found', 'board-game-not-found');
`);
  expect(renameSource('src/services/board-game/routes.ts', renamed, rename('board-game', 'toy'))).toBe(
    source,
  );
});

test('the names of tables, of columns and of other services stay', () => {
  const tables = "export const toys = sqliteTable('toy', { id: id(), toy_color: text(), size: text() });\n";
  expect(listColumns(tables)).toEqual(new Set(['id', 'toy_color', 'size']));
  const renaming = rename('toy', 'game', ['toy-box', 'toy-boxes'], ['toy_color']);
  expect(renameSource('src/services/toy/tables.ts', tables, renaming)).toBe(
    "export const games = sqliteTable('toy', { id: id(), toy_color: text(), size: text() });\n",
  );
  const code =
    'find(sql`SELECT toy_color FROM toy WHERE ${toys.id}`, toy_color, toyBox, "toy-boxes", toyColor);';
  expect(renameSource('src/services/toy/repository.ts', code, renaming)).toBe(
    'find(sql`SELECT toy_color FROM toy WHERE ${games.id}`, toy_color, toyBox, "toy-boxes", gameColor);',
  );
});

test('the files of a new service are the same after it was renamed and renamed back', (t) => {
  const folder = makeFolder(t);
  const format = (files: ReadonlyMap<string, string>) => {
    for (const [path, text] of files) writeFileSync(join(folder, basename(path)), text);
    execFileSync(join(root, 'node_modules/.bin/biome'), ['check', '--write', '.'], { cwd: folder });
    return new Map(
      [...files.keys()].map((path) => [path, readFileSync(join(folder, basename(path)), 'utf8')]),
    );
  };
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
  const fields = parseFields(
    'name:string(1..200), age:integer?, kind:enum(ball,doll), toy_color:string',
    'toy',
  );
  const plan = {
    names: deriveNames('toy'),
    fields,
    lists: parseListFields(fields, {}),
    peers: [],
    fixtures: [],
    hasEvents: true,
    isSecured: true,
  };
  const files = format(writeServiceFiles(plan, []));
  const kept = [...listColumns(files.get('src/services/toy/tables.ts') ?? '')];
  const renameAll = (some: ReadonlyMap<string, string>, renaming: Renaming) =>
    format(new Map([...some].map(([path, text]) => [path, renameSource(path, text, renaming)])));
  const renamed = renameAll(files, rename('toy', 'game', [], kept));
  expect([...renamed.values()].join('')).not.toMatch(/(?<!\w)[Tt]oys?(?!\w)(?<!sqliteTable\(\s*'toy)/);
  expect(renameAll(renamed, rename('game', 'toy', [], kept))).toEqual(files);
});

test('a service that calls the renamed one keeps its own names', () => {
  const renaming = { ...rename('toy', 'game'), identifiers: new Set(['listToys', 'createToyClient']) };
  const index = `import { createToyClient } from './toy-client.ts';
defineService({ name: 'child', peers: ['pet', 'toy'], scopes: { 'child:read': 'toy' }, kinds: ['toy'] });
peers.toy.events({ 'toy.deleted'() {} }); createToyClient(peers['toy']); const toyNotFound = { toy_id: 1 };
`;
  expect(
    renamePeer('src/services/child/index.ts', index, renaming),
  ).toBe(`import { createGameClient } from './game-client.ts';
defineService({ name: 'child', peers: ['pet', 'game'], scopes: { 'child:read': 'toy' }, kinds: ['toy'] });
peers.game.events({ 'game.deleted'() {} }); createGameClient(peers.game); const toyNotFound = { toy_id: 1 };
`);
  const client = `/** Operations of the toy service. */
export function createToyClient({ listToys }: Peer<'toy'>) { return { find: listToys.batchBy('ids') }; }
`;
  expect(
    renamePeer('src/services/child/toy-client.ts', client, renaming),
  ).toBe(`/** Operations of the game service. */
export function createGameClient({ listGames }: Peer<'game'>) { return { find: listGames.batchBy('ids') }; }
`);
  const tests =
    "import toy from '../../../src/services/toy/index.ts';\napp.post('/toy/toys/', { toy: 'toy' }); app.get(`/toy/toys/${id}`);\n";
  expect(renamePeer('test/services/child/child.test.ts', tests, renaming)).toBe(
    "import toy from '../../../src/services/game/index.ts';\napp.post('/game/games/', { toy: 'toy' }); app.get(`/game/games/${id}`);\n",
  );
});

test('a config keeps its comments, and the database stays where it is', () => {
  const config = `services: # all
  # Toys.
  toy: # here
    database: "sqlite:data/toy.db" # a file
  pet: {}
apps:
  gateway: { port: 1, services: [pet] }
  toy: { port: 2, services: [toy] } # alone
`;
  const renamed = renameInConfig(config, 'toy', 'game');
  expect(renamed).toEqual({
    text: config
      .replace('  toy: #', '  game: #')
      .replace('  toy: { port: 2, services: [toy] }', '  game: { port: 2, services: [game] }'),
  });
  expect(renameInConfig(renamed.text, 'game', 'toy')).toEqual({ text: config });
});

test('on PostgreSQL the schema keeps the old name', () => {
  const config = (url: string, name: string) =>
    `services:\n  ${name}:\n    database: ${url}\napps:\n  a: { services: [${name}] }\n`;
  const plain = config('postgres://me@host/all?pool=2', 'toy');
  const renamed = renameInConfig(plain, 'toy', 'game');
  expect(renamed).toEqual({ text: config('postgres://me@host/all?pool=2&schema=toy', 'game') });
  expect(renameInConfig(renamed.text, 'game', 'toy')).toEqual({ text: plain });
  expect(renameInConfig(config('"${URL}"', 'toy'), 'toy', 'game')).toEqual({
    text: config('"${URL}"', 'game'),
    note: 'services.game.database must name the schema: add ?schema=toy to its URL',
  });
});
