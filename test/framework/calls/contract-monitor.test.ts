import { createServer, type Server } from 'node:http';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { createContractMonitor } from '../../../src/framework/calls/contract-monitor.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { waitFor } from '../../e2e/groupings/helper.ts';
import { captureLog, contract, createExampleApp, findFreePort, type TestApp } from '../../support/app.ts';
import { breaking, changedPet, harmless, use } from '../../support/contract-changes.ts';
import { scrape } from '../../support/prometheus.ts';

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
function buildUsers(t: TestContext, port: number): Promise<TestApp> {
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port, services: ['pet'] },
  };
  return createExampleApp(t, { config: { apps } });
}

const ready = async ({ send }: TestApp) => {
  const { status, body } = await send('GET', '/user/ready');
  return { status, pet: body.checks.pet, degraded: body.degraded };
};
const errors = ({ logs }: TestApp) =>
  logs
    .filter(({ level }) => level === 'error')
    .map(({ service, operation, field }) => ({ service, operation, field }));

const fix = 'deploy the matching version of pet, or run ./run.sh generate and adapt user';

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

test('a broken contract is 1 in the metrics, and 0 as soon as it fits', async (t) => {
  const { state, port } = await startPets(t);
  state.document = changedPet((breaking[0] as (typeof breaking)[number]).change);
  const { url } = await buildUsers(t, port);
  const isBroken = async () => (await scrape(url)).sum('service_contract_broken', 'service', 'peer');
  await expect.poll(isBroken).toEqual({ 'user pet': 1 });
  state.document = changedPet(() => {});
  await expect.poll(isBroken).toEqual({ 'user pet': 0 });
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

async function adopt({ send }: TestApp, state: { answer: string }): Promise<void> {
  await send('POST', '/user/users/', { name: 'Alice' });
  const time = '2024-12-18T21:03:51.790256Z';
  state.answer = JSON.stringify([
    { id: 1, name: 'Rex', species: 'dog', age: null, mood: 'happy', last_fed: time, last_interaction: time },
  ]);
  expect((await send('POST', '/user/users/1/pets/1')).status).toBe(200);
}

describe('the monitor of a contract', () => {
  type Served = () => unknown;

  /** A monitor of the pet service under a clock of the test's own; `served` is what the peer says, or throws. */
  async function openMonitor(t: TestContext, served: Served) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    t.onTestFinished(() => void vi.useRealTimers());
    const { logs: lines, logging } = await captureLog('info');
    const { logger } = logging;
    const state = { served, fetched: 0 };
    const door = createContractMonitor({
      service: 'user',
      peer: 'pet',
      contract: contract as unknown as OpenApiDocument,
      log: logger('user'),
      fetchDocument: async () => {
        state.fetched += 1;
        return state.served() as OpenApiDocument;
      },
    });
    door.use(use);
    t.onTestFinished(door.close);
    const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);
    const levels = () => lines.map(({ level }) => level);
    return { door, state, lines, levels, wait };
  }
  const away = () => {
    throw new Error('ECONNREFUSED');
  };
  const right = () => changedPet(() => {});
  const broken = () => changedPet(breaking[1]?.change ?? (() => {}));

  test('logs a break once, with what to do, however often it finds it again', async (t) => {
    const { door, state, lines, levels, wait } = await openMonitor(t, broken);
    await door.look();
    await wait(20_000);
    expect(state.fetched).toBeGreaterThan(5);
    const [line] = lines;
    expect(line).toMatchObject({
      level: 'error',
      msg: 'the contract of a peer is broken',
      ...{ service: 'user', peer: 'pet', operation: 'GET /pet/pets/', fix },
      ...{ field: 'response[].mood', reason: 'is gone' },
    });
    expect(levels()).toEqual(['error']);
    state.served = () => changedPet(breaking[0]?.change ?? (() => {}));
    await wait(2_000);
    expect(levels()).toEqual(['error', 'error']);
  });

  test('pauses longer and longer, to 2 s, while the peer is away or its contract broken', async (t) => {
    for (const served of [away, broken]) {
      const { door, state, wait } = await openMonitor(t, served);
      await door.look();
      await wait(200 + 400 + 800 + 1_600 + 2_000);
      expect(state.fetched).toBe(6);
      await wait(1_999);
      expect(state.fetched).toBe(6);
      await wait(1);
      expect(state.fetched).toBe(7);
      state.served = right;
      await wait(2_000);
      await wait(60_000);
      expect(state.fetched).toBe(8);
    }
  });

  test('keeps a break in mind while the peer is away', async (t) => {
    const { door, state, levels, wait } = await openMonitor(t, broken);
    await door.look();
    state.served = away;
    await wait(10_000);
    expect(door.isBroken()).toBe(true);
    expect(levels()).toEqual(['error']);
    state.served = right;
    await wait(2_000);
    expect(door.isBroken()).toBe(false);
    expect(levels()).toEqual(['error', 'info']);
  });

  test('checks once for many responses that do not match', async (t) => {
    const { door, state, wait } = await openMonitor(t, right);
    await door.look();
    for (let count = 0; count < 100; count += 1) door.lookSoon();
    expect(state.fetched).toBe(1);
    await wait(1_000);
    expect(state.fetched).toBe(2);
  });

  test('ends with the app, also in the middle of a check', async (t) => {
    const { door, state, lines, wait } = await openMonitor(t, away);
    await door.look();
    door.close();
    await wait(60_000);
    door.lookSoon();
    await door.look();
    await wait(60_000);
    expect(state.fetched).toBe(1);

    const other = await openMonitor(t, broken);
    const checked = other.door.look();
    other.door.close();
    await checked;
    await other.wait(60_000);
    expect([other.state.fetched, ...lines, ...other.lines]).toEqual([1]);
  });

  test('does not take an error of the comparison for a peer that is away', async (t) => {
    const { door, lines } = await openMonitor(t, () => ({ openapi: '3.0.3', paths: {} }));
    await door.look();
    expect(door.isBroken()).toBe(true);
    expect(lines).toMatchObject([
      { level: 'error', reason: 'cannot be compared: pet: OpenAPI 3.0.3 is not 3.1', fix },
    ]);
  });
});
