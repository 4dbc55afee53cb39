import { createServer, type Server } from 'node:http';
import { describe, expect, type TestContext, test } from 'vitest';
import { breaking, changedPet, harmless } from '../contract-changes.ts';
import { waitFor } from '../groupings/helper.ts';
import { type Built, build, findFreePort } from '../helper.ts';

/** A pet service whose document can be changed while it runs, and whose answers then do not fit. */
async function startPets(t: TestContext, { port = 0 } = {}) {
  const state = { document: changedPet(() => {}), answer: '[]' as string };
  const server: Server = createServer((request, reply) => {
    reply.setHeader('content-type', 'application/json');
    if (request.url === '/pet/openapi.json') reply.end(JSON.stringify(state.document));
    else if (request.url === '/pet/health') reply.end('{"status":"OK"}');
    else reply.end(state.answer);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { state, port: (server.address() as { port: number }).port };
}

/** The user service in an app of its own, with the pet service at that port. */
function buildUsers(t: TestContext, port: number): Promise<Built> {
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port, services: ['pet'] },
  };
  return build(t, { config: { apps } });
}

const ready = async ({ send }: Built) => {
  const { status, body } = await send('GET', '/user/ready');
  return { status, pet: body.checks.pet, degraded: body.degraded };
};
const errors = ({ lines }: Built) =>
  lines
    .filter(({ level }) => level === 'error')
    .map(({ service, operation, field }) => ({ service, operation, field }));

describe('a change that breaks is an error line and a 503 of /ready:', () => {
  test.for(breaking)('$name, at the start', async ({ change, field }, t) => {
    const { state, port } = await startPets(t);
    state.document = changedPet(change);
    const built = await buildUsers(t, port);
    await waitFor(async () => (await ready(built)).status === 503);
    expect(await ready(built)).toEqual({ status: 503, pet: 'broken', degraded: [] });
    expect(errors(built)).toEqual([{ service: 'user', operation: 'GET /pet/pets/', field }]);

    state.document = changedPet(() => {});
    await waitFor(async () => (await ready(built)).status === 200);
  });

  test.for(breaking)('$name, later, when an answer does not fit', async ({ change, field }, t) => {
    const { state, port } = await startPets(t);
    const built = await buildUsers(t, port);
    await adopt(built, state);
    expect((await ready(built)).status).toBe(200);
    state.document = changedPet(change);
    state.answer = '[{"id":"1"}]';
    expect((await built.send('GET', '/user/users/1')).status).toBe(503);
    await waitFor(async () => (await ready(built)).status === 503);
    expect(errors(built)).toEqual([{ service: 'user', operation: 'GET /pet/pets/', field }]);
  });
});

describe('a change that breaks nothing is silent:', () => {
  test.for(harmless)('$name, at the start and later', async ({ change }, t) => {
    const { state, port } = await startPets(t);
    state.document = changedPet(change);
    const built = await buildUsers(t, port);
    await adopt(built, state);
    state.answer = '<html>';
    expect((await built.send('GET', '/user/users/1')).status).toBe(503);
    state.answer = '[]';
    expect((await built.send('GET', '/user/users/1')).status).toBe(200);
    expect(await ready(built)).toEqual({ status: 200, pet: 'OK', degraded: [] });
    expect(errors(built)).toEqual([]);
  });
});

test('a provider that is not there yet is waited for, and named under degraded', async (t) => {
  const { port } = await startPets(t);
  const other = await startPets(t);
  const built = await buildUsers(t, await findFreePort());
  expect(await ready(built)).toEqual({ status: 200, pet: 'unreachable', degraded: ['pet'] });
  expect(port).not.toBe(other.port);
  expect((await built.send('POST', '/user/users/', { name: 'Alice' })).status).toBe(200);
  expect((await built.send('GET', '/user/users/1')).body).toEqual({ name: 'Alice', id: 1, pets: [] });
});

test('a provider that comes later is looked at then', async (t) => {
  const port = await findFreePort();
  const built = await buildUsers(t, port);
  expect((await ready(built)).pet).toBe('unreachable');
  const { state } = await startPets(t, { port });
  state.document = changedPet(breaking[1]?.change ?? (() => {}));
  await waitFor(async () => (await ready(built)).pet === 'broken');
  expect((await ready(built)).status).toBe(503);
});

async function adopt({ send }: Built, state: { answer: string }): Promise<void> {
  await send('POST', '/user/users/', { name: 'Alice' });
  const time = '2024-12-18T21:03:51.790256Z';
  state.answer = JSON.stringify([
    { id: 1, name: 'Rex', species: 'dog', age: null, mood: 'happy', last_fed: time, last_interaction: time },
  ]);
  expect((await send('POST', '/user/users/1/pets/1')).status).toBe(200);
}
