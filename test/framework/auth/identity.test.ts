import { Type } from '@sinclair/typebox';
import { expect, type TestContext, test } from 'vitest';
import { defineService, getCaller } from '../../../src/framework/index.ts';
import { mergeDocuments, mergedInfo } from '../../../src/framework/openapi/merge.ts';
import { createSplitApps, createTestIssuer } from '../../../src/framework/testing/index.ts';
import { createTestApp } from '../../support/app.ts';

/** How many requests of 50 users are checked; `AUTH_ROUNDS` in the environment. */
const rounds = Number(process.env.AUTH_ROUNDS ?? 2_000);

const Ids = Type.Object({ ids: Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 100 }) });
const Id = Type.Object({ id: Type.Integer({ minimum: 1 }) });
const Note = Type.Object({ id: Type.Integer(), kind: Type.String(), sub: Type.String(), via: Type.String() });

const describeCaller = (id: number) => {
  const { kind, sub = '', via = '' } = getCaller();
  return { id, kind, sub, via };
};

/** A service that shows to each caller who it is. */
const notes = defineService({
  name: 'notes',
  description: 'Notes of users.',
  scopes: { 'notes:read': 'Read notes' },
  routes(app) {
    const list = { querystring: Ids, response: { 200: Type.Array(Note) } };
    const own = { ...list, operationId: 'listOwn', security: [{ bearer: ['notes:read'] }] };
    app.get('/own/', { schema: own }, async ({ query }) => query.ids.map(describeCaller));
    const any = { ...list, operationId: 'listAny' };
    app.get('/any/', { schema: any }, async ({ query }) => query.ids.map(describeCaller));
    const internal = { ...list, operationId: 'listInternal', security: [{ service: ['desk'] }] };
    app.get('/internal/', { schema: internal }, async ({ query }) => query.ids.map(describeCaller));
    const both = {
      ...list,
      operationId: 'listBoth',
      security: [{ bearer: ['notes:read'], service: ['desk'] }],
    };
    app.get('/both/', { schema: both }, async ({ query }) => query.ids.map(describeCaller));
  },
});

type Lookup = (ids: readonly number[]) => Promise<{ get(id: number): object | undefined }>;
type ListPeer = ((init: object) => Promise<object[]>) & { batchBy(name: string, options?: object): Lookup };

type Operation = 'listOwn' | 'listAny' | 'listInternal' | 'listBoth';

/** The operations of `notes`, which has no generated types. */
const operationsOf = (peers: unknown) => (peers as { notes: Record<Operation, ListPeer> }).notes;

function defineDesk() {
  return defineService({
    name: 'desk',
    description: 'Reads notes of another service.',
    scopes: { 'desk:read': 'Read the desk' },
    peers: ['notes' as never],
    routes(app, { peers }) {
      const { listOwn, listAny, listInternal, listBoth } = operationsOf(peers);
      const lookups: Record<string, Lookup> = {
        own: listOwn.batchBy('ids'),
        any: listAny.batchBy('ids'),
        'any-for-caller': listAny.batchBy('ids', { as: 'caller' }),
        internal: listInternal.batchBy('ids'),
        both: listBoth.batchBy('ids'),
      };
      for (const [name, find] of Object.entries(lookups))
        app.get(
          `/${name}/:id`,
          { schema: { operationId: `read-${name}`, params: Id, response: { 200: Note } } },
          async ({ params }) => (await find([params.id])).get(params.id) as never,
        );
      app.get(
        '/open/:id',
        { schema: { operationId: 'readOpen', params: Id, response: { 200: Note }, security: [] } },
        async ({ params }) => (await lookups.own?.([params.id]))?.get(params.id) as never,
      );
    },
  });
}

async function start(
  t: TestContext,
  split: boolean,
  keys: Readonly<Record<string, string>> = {},
  desk = defineDesk(),
) {
  const issuer = await createTestIssuer(t);
  const config = { auth: { issuer: issuer.url }, internal: { key: 'a-key-of-the-test-apps', keys } };
  const unused = defineService({ name: 'desk', description: 'Calls no service.', routes() {} });
  const alone = await createTestApp(t, { services: [notes, unused] });
  const contract = mergeDocuments(alone.app.documents(), mergedInfo('1'));
  const options = { services: [notes, desk], config, contract };
  if (!split) return { ...(await createTestApp(t, options)), issuer, appOf: undefined };
  const { gateway, appOf } = await createSplitApps(t, options);
  return { ...gateway, issuer, appOf };
}

test.for([false, true])(
  'a call acts for the caller or for the service, as its operation accepts: split %s',
  async (split, t) => {
    const { send, issuer } = await start(t, split);
    const headers = await issuer.as({ sub: '7', scopes: ['desk:read', 'notes:read'] });
    const read = async (name: string) => (await send('GET', `/desk/${name}/1`, undefined, headers)).body;
    expect(await read('own')).toEqual({ id: 1, kind: 'user', sub: '7', via: 'desk' });
    expect(await read('any')).toEqual({ id: 1, kind: 'service', sub: 'desk', via: '' });
    expect(await read('any-for-caller')).toEqual({ id: 1, kind: 'user', sub: '7', via: 'desk' });
    expect(await read('internal')).toEqual({ id: 1, kind: 'service', sub: 'desk', via: '' });
    expect(await read('both')).toEqual({ id: 1, kind: 'user', sub: '7', via: 'desk' });
    const direct = async (name: string) =>
      (await send('GET', `/notes/${name}/?ids=1`, undefined, headers)).status;
    expect([await direct('own'), await direct('internal'), await direct('both')]).toEqual([200, 403, 403]);
  },
);

test.for([false, true])('a job acts for its service: split %s', async (split, t) => {
  const results: unknown[] = [];
  const desk = defineService({
    name: 'desk',
    description: 'Reads notes again and again.',
    peers: ['notes' as never],
    routes(_app, { peers, job }) {
      const { listInternal } = operationsOf(peers);
      job('look', { everyMs: 10 }, async () => {
        results.push(describeCaller(0), ...(await listInternal({ query: { ids: [1] } })));
      });
    },
  });
  await start(t, split, {}, desk as never);
  await expect.poll(() => results.length).toBeGreaterThan(1);
  expect(results.slice(0, 2)).toEqual([
    { id: 0, kind: 'service', sub: 'desk', via: '' },
    { id: 1, kind: 'service', sub: 'desk', via: '' },
  ]);
});

test('a service with a secret of its own proves itself only by that secret', async (t) => {
  const { send, issuer, appOf } = await start(t, true, { desk: 'the-secret-of-the-desk' });
  const headers = await issuer.as({ sub: '7', scopes: ['desk:read'] });
  const { body } = await send('GET', '/desk/internal/1', undefined, headers);
  expect(body).toMatchObject({ kind: 'service', sub: 'desk' });
  const pretend = async (secret: string) => {
    const sent = { 'x-internal': `service ${secret}`, 'x-service': 'desk' };
    return (await appOf?.('notes').send('GET', '/notes/internal/?ids=1', undefined, sent))?.status;
  };
  expect(await pretend('the-secret-of-the-desk')).toBe(200);
  expect(await pretend('a-key-of-the-test-apps')).toBe(401);
});

test('a caller gets the 401 or 403 of a call that acts for it', async (t) => {
  const { send, issuer } = await start(t, true);
  const lacking = await send(
    'GET',
    '/desk/own/1',
    undefined,
    await issuer.as({ sub: '7', scopes: ['desk:read'] }),
  );
  expect(lacking.status).toBe(403);
  expect(lacking.headers.get('www-authenticate')).toContain('scope="notes:read"');
  // The request is anonymous, and must not get the rights of the service.
  expect((await send('GET', '/desk/open/1')).status).toBe(401);
});

test(`no response crosses from one of 50 users to another in ${rounds} requests`, {
  timeout: 300_000,
}, async (t) => {
  const { send, issuer } = await start(t, true);
  const users = Array.from({ length: 50 }, (_, index) => ({
    sub: `user-${index}`,
    mayRead: index % 3 !== 0,
  }));
  const all = await Promise.all(
    users.map(async ({ sub, mayRead }) => ({
      ...{ sub, mayRead },
      headers: await issuer.as({ sub, scopes: ['desk:read', ...(mayRead ? ['notes:read'] : [])] }),
    })),
  );
  let sent = 0;
  const wrong: unknown[] = [];
  await Promise.all(
    all.map(async ({ sub, mayRead, headers }, index) => {
      while (sent < rounds && wrong.length === 0) {
        sent += 1;
        // The same ids for all users, so that a shared call would be possible.
        const [id, name] = [(sent % 5) + 1, (sent + index) % 4 === 0 ? 'any' : 'own'];
        const { status, body } = await send('GET', `/desk/${name}/${id}`, undefined, headers);
        const expected =
          name === 'any'
            ? { id, kind: 'service', sub: 'desk', via: '' }
            : { id, kind: 'user', sub, via: 'desk' };
        const isRight =
          name === 'own' && !mayRead ? status === 403 : JSON.stringify(body) === JSON.stringify(expected);
        if (!isRight) wrong.push({ sub, name, status, body });
      }
    }),
  );
  expect(wrong).toEqual([]);
});

test.for([false, true])(
  'a call for the caller has no more rights than the caller: split %s',
  async (split, t) => {
    const { send, issuer } = await start(t, split);
    const headers = await issuer.as({ sub: '7', scopes: ['desk:read'] });
    expect((await send('GET', '/notes/any/?ids=1', undefined, headers)).status).toBe(403);
    expect((await send('GET', '/desk/any-for-caller/1', undefined, headers)).status).toBe(403);
  },
);
