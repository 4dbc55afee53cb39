import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { prepareList } from '../../../src/framework/database/list.ts';
import { listQuery } from '../../../src/framework/database/list-query.ts';
import { Conflict } from '../../../src/framework/errors/problem.ts';
import { ref } from '../../../src/framework/openapi/schema.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { urlOfPage } from '../../../src/framework/service/page-links.ts';
import { Pet } from '../../../src/services/pet/schemas.ts';
import { pets } from '../../../src/services/pet/tables.ts';
import { createTestApp } from '../../support/app.ts';

test.for<[url: string, next: string]>([
  ['/pet/pets', '/pet/pets?after=x'],
  ['/pet/pets/?', '/pet/pets/?after=x'],
  ['/pet/pets/?limit=1&offset=2', '/pet/pets/?limit=1&after=x'],
  ['/pet/pets/?after=w&limit=1&aft%65r=v&offset', '/pet/pets/?limit=1&after=x'],
  ['/pet/pets/?afters=1&sort=-name&&x=b?c', '/pet/pets/?sort=-name&x=b?c&after=x'],
  ['/pet/pets/?token=secret&x=1', '/pet/pets/?x=1&after=x'],
  // Node accepts these characters in a URL.
  ['/pet/pets/?x=">;rel=y,<a>|`{\\^\xe9', '/pet/pets/?x=%22%3E;rel=y,%3Ca%3E%7C%60%7B%5C%5E%C3%A9&after=x'],
  ['/pet/pets/?x=%zz', '/pet/pets/?x=%zz&after=x'],
])('the page after %s is %s', ([url, next]) => {
  expect(urlOfPage(url, 'x', new Set(['limit', 'sort', 'x']))).toBe(next);
});

const shown = Type.Object({ id: Type.Integer(), label: Type.String() }, { $id: 'Shown' });

/** Lists pets as other items; `x-fail` makes a request fail after the page was read. */
const shelter = defineService({
  name: 'shelter',
  description: 'Pets.',
  schemas: [shown],
  migrations: new URL('../../../src/services/pet/migrations/', import.meta.url),
  routes(app, { database, onStart }) {
    const { orm, prepare } = database;
    const pet = { name: 'Rex', species: 'dog', mood: 'happy', last_fed: at, last_interaction: at };
    const insert = prepare(orm.insert(pets).values(pet));
    onStart(async () => void (await Promise.all([insert.run(), insert.run(), insert.run()])));
    const query = listQuery(Pet, { sort: ['name', 'last_fed'] });
    const list = prepareList(database, pets, query, () => orm.select().from(pets));
    const others = prepareList(database, pets, listQuery(Pet), () => orm.select().from(pets));
    const response = { 200: Type.Array(ref(shown)) };
    app.get(
      '/pets/',
      { schema: { operationId: 'listPets', summary: 'List pets', querystring: query, response } },
      async (request) => {
        const page = await list(request.query);
        // The link is that of the list of the route.
        await others({ limit: 1, offset: 0 });
        if (request.headers['x-fail'] !== undefined) throw new Conflict('No');
        return page.map(({ id, name }) => ({ id, label: `${name} ${id}` }));
      },
    );
  },
});
const at = '2024-12-18T21:03:51.790256Z';

test('a page has a link whatever the handler makes of its rows; an error has none', async (t) => {
  const { send } = await createTestApp(t, { services: [shelter] });
  const path = '/shelter/pets/?sort=last_fed&limit=2';
  const { headers, body } = await send('GET', path);
  expect(body).toEqual([
    { id: 1, label: 'Rex 1' },
    { id: 2, label: 'Rex 2' },
  ]);
  const [, next = ''] = /^<(.*)>; rel="next"$/.exec(headers.get('link') ?? '') ?? [];
  expect((await send('GET', next)).body).toEqual([{ id: 3, label: 'Rex 3' }]);
  const head = await send('HEAD', path);
  expect([head.status, head.headers.get('link')]).toEqual([200, `<${next}>; rel="next"`]);
  const failed = await send('GET', path, undefined, { 'x-fail': 'yes' });
  expect([failed.status, failed.headers.get('link')]).toEqual([409, null]);
});

test('the document of a list has the link, with an example of the service', async (t) => {
  const { send } = await createTestApp(t, { services: [shelter] });
  const { paths } = (await send('GET', '/shelter/openapi.json')).body;
  const { link } = paths['/pets/'].get.responses[200].headers;
  expect(link.schema).toEqual({
    type: 'string',
    examples: ['</shelter/pets/?after=WzEsImlkIiwxMDBd>; rel="next"'],
  });
  expect(paths['/health'].get.responses[200].headers.link).toBeUndefined();
});
