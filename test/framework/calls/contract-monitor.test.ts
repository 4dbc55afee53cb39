import { createServer, type Server } from 'node:http';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { createContractMonitor } from '../../../src/framework/calls/contract-monitor.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { waitFor } from '../../e2e/groupings/helper.ts';
import { captureLog, contract, createExampleApp, findFreePort, type TestApp } from '../../support/app.ts';
import { breaking, changedPet, harmless, use } from '../../support/contract-changes.ts';
import { startListening } from '../../support/listening.ts';
import { scrape } from '../../support/prometheus.ts';

/** Starts a pet service with a document and a response that the test can change. */
async function startPets(t: TestContext, { port = 0 } = {}) {
  const state = { document: changedPet(() => {}), response: '[]' as string };
  const server: Server = createServer((request, reply) => {
    reply.setHeader('content-type', 'application/json');
    if (request.url === '/pet/openapi.json') reply.end(JSON.stringify(state.document));
    else if (request.url === '/pet/health') reply.end('{"status":"OK"}');
    else reply.end(state.response);
  });
  return { state, port: (await startListening(t, server, port)).port };
}

/** Starts the user service, with the pet service at `port`. */
function startUsers(t: TestContext, port: number): Promise<TestApp> {
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

describe('a breaking change is an error in the log and 503 at /ready', () => {
  test.for(breaking)('at the start: $name', async ({ change, field }, t) => {
    const { state, port } = await startPets(t);
    state.document = changedPet(change);
    const users = await startUsers(t, port);
    await waitFor(async () => (await ready(users)).status === 503);
    expect(await ready(users)).toEqual({ status: 503, pet: 'broken', degraded: [] });
    expect(errors(users)).toEqual([{ service: 'user', operation: 'GET /pet/pets/', field }]);

    state.document = changedPet(() => {});
    await waitFor(async () => (await ready(users)).status === 200);
  });

  test.for(breaking)('when a response does not match: $name', async ({ change, field }, t) => {
    const { state, port } = await startPets(t);
    const users = await startUsers(t, port);
    await adopt(users, state);
    expect((await ready(users)).status).toBe(200);
    state.document = changedPet(change);
    state.response = '[{"id":"1"}]';
    expect((await users.send('GET', '/user/users/1')).status).toBe(503);
    await waitFor(async () => (await ready(users)).status === 503);
    expect(errors(users)).toEqual([{ service: 'user', operation: 'GET /pet/pets/', field }]);
  });
});

test('the metric of a broken contract is 1, and 0 after the fix', async (t) => {
  const { state, port } = await startPets(t);
  state.document = changedPet((breaking[0] as (typeof breaking)[number]).change);
  const { url } = await startUsers(t, port);
  const isBroken = async () => (await scrape(url)).sum('service_contract_broken', 'service', 'peer');
  await expect.poll(isBroken).toEqual({ 'user pet': 1 });
  state.document = changedPet(() => {});
  await expect.poll(isBroken).toEqual({ 'user pet': 0 });
});

describe('a harmless change is not logged', () => {
  test.for(harmless)('at the start and later: $name', async ({ change }, t) => {
    const { state, port } = await startPets(t);
    state.document = changedPet(change);
    const users = await startUsers(t, port);
    await adopt(users, state);
    state.response = '<html>';
    expect((await users.send('GET', '/user/users/1')).status).toBe(503);
    state.response = '[]';
    expect((await users.send('GET', '/user/users/1')).status).toBe(200);
    expect(await ready(users)).toEqual({ status: 200, pet: 'OK', degraded: [] });
    expect(errors(users)).toEqual([]);
  });
});

test('an unreachable peer is named under degraded, and requests without it succeed', async (t) => {
  const users = await startUsers(t, await findFreePort());
  expect(await ready(users)).toEqual({ status: 200, pet: 'unreachable', degraded: ['pet'] });
  expect((await users.send('POST', '/user/users/', { name: 'Alice' })).status).toBe(200);
  expect((await users.send('GET', '/user/users/1')).body).toEqual({ name: 'Alice', id: 1, pets: [] });
});

test('a peer that starts later is checked then', async (t) => {
  const port = await findFreePort();
  const users = await startUsers(t, port);
  expect((await ready(users)).pet).toBe('unreachable');
  const { state } = await startPets(t, { port });
  state.document = changedPet(breaking[1]?.change ?? (() => {}));
  await waitFor(async () => (await ready(users)).pet === 'broken');
  expect((await ready(users)).status).toBe(503);
});

async function adopt({ send }: TestApp, state: { response: string }): Promise<void> {
  await send('POST', '/user/users/', { name: 'Alice' });
  const time = '2024-12-18T21:03:51.790256Z';
  state.response = JSON.stringify([
    { id: 1, name: 'Rex', species: 'dog', age: null, mood: 'happy', last_fed: time, last_interaction: time },
  ]);
  expect((await send('POST', '/user/users/1/pets/1')).status).toBe(200);
}

describe('the contract monitor', () => {
  /** Opens a monitor of the pet service with a fake clock. `serve` returns the document of the peer, or throws. */
  async function openMonitor(t: TestContext, serve: () => unknown) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    t.onTestFinished(() => void vi.useRealTimers());
    const { logs: entries, logging } = await captureLog('info');
    const state = { serve, fetched: 0 };
    const monitor = createContractMonitor({
      service: 'user',
      peer: 'pet',
      contract: contract as unknown as OpenApiDocument,
      log: logging.logger('user'),
      fetchDocument: async () => {
        state.fetched += 1;
        return state.serve() as OpenApiDocument;
      },
    });
    monitor.addUse(use);
    t.onTestFinished(monitor.close);
    const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);
    const levels = () => entries.map(({ level }) => level);
    return { monitor, state, entries, levels, wait };
  }
  const unreachable = () => {
    throw new Error('ECONNREFUSED');
  };
  const unchanged = () => changedPet(() => {});
  const broken = () => changedPet(breaking[1]?.change ?? (() => {}));

  test('logs a breaking change once, with the fix', async (t) => {
    const { monitor, state, entries, levels, wait } = await openMonitor(t, broken);
    await monitor.check();
    await wait(20_000);
    expect(state.fetched).toBeGreaterThan(5);
    expect(entries[0]).toMatchObject({
      level: 'error',
      msg: 'the contract of a peer is broken',
      ...{ service: 'user', peer: 'pet', operation: 'GET /pet/pets/', fix },
      ...{ field: 'response[].mood', reason: 'is gone' },
    });
    expect(levels()).toEqual(['error']);
    state.serve = () => changedPet(breaking[0]?.change ?? (() => {}));
    await wait(2_000);
    expect(levels()).toEqual(['error', 'error']);
  });

  test('doubles its pause up to 2 s while the peer is unreachable or its contract broken', async (t) => {
    for (const serve of [unreachable, broken]) {
      const { monitor, state, wait } = await openMonitor(t, serve);
      await monitor.check();
      await wait(200 + 400 + 800 + 1_600 + 2_000);
      expect(state.fetched).toBe(6);
      await wait(1_999);
      expect(state.fetched).toBe(6);
      await wait(1);
      expect(state.fetched).toBe(7);
      state.serve = unchanged;
      await wait(2_000);
      await wait(60_000);
      expect(state.fetched).toBe(8);
    }
  });

  test('stays broken while the peer is unreachable', async (t) => {
    const { monitor, state, levels, wait } = await openMonitor(t, broken);
    await monitor.check();
    state.serve = unreachable;
    await wait(10_000);
    expect(monitor.isBroken()).toBe(true);
    expect(levels()).toEqual(['error']);
    state.serve = unchanged;
    await wait(2_000);
    expect(monitor.isBroken()).toBe(false);
    expect(levels()).toEqual(['error', 'info']);
  });

  test('checks once for many responses that do not match', async (t) => {
    const { monitor, state, wait } = await openMonitor(t, unchanged);
    await monitor.check();
    for (let count = 0; count < 100; count += 1) monitor.checkSoon();
    expect(state.fetched).toBe(1);
    await wait(1_000);
    expect(state.fetched).toBe(2);
  });

  test('stops when the app closes, also during a check', async (t) => {
    const { monitor, state, entries, wait } = await openMonitor(t, unreachable);
    await monitor.check();
    monitor.close();
    await wait(60_000);
    monitor.checkSoon();
    await monitor.check();
    await wait(60_000);
    expect(state.fetched).toBe(1);

    const other = await openMonitor(t, broken);
    const checked = other.monitor.check();
    other.monitor.close();
    await checked;
    await other.wait(60_000);
    expect([other.state.fetched, ...entries, ...other.entries]).toEqual([1]);
  });

  test('reports an error of the comparison as a broken contract', async (t) => {
    const { monitor, entries } = await openMonitor(t, () => ({ openapi: '3.0.3', paths: {} }));
    await monitor.check();
    expect(monitor.isBroken()).toBe(true);
    expect(entries).toMatchObject([
      { level: 'error', reason: 'cannot be compared: pet: OpenAPI 3.0.3 is not 3.1', fix },
    ]);
  });
});

test.each([
  { before: 'broken', isBroken: true },
  { before: 'OK', isBroken: false },
])(
  'a check that is due during another check runs after it: the contract was $before',
  async ({ isBroken }) => {
    const [first] = breaking as [(typeof breaking)[number]];
    const documents = { broken: changedPet(first.change), kept: changedPet(() => {}) };
    let document = isBroken ? documents.broken : documents.kept;
    let isSlow = true;
    const monitor = createContractMonitor({
      service: 'user',
      peer: 'pet',
      contract: contract as unknown as OpenApiDocument,
      log: (await captureLog('info')).logging.logger('user'),
      async fetchDocument() {
        const served = document;
        if (isSlow) await new Promise((resolve) => setTimeout(resolve, 300));
        return served as OpenApiDocument;
      },
    });
    monitor.addUse(use);
    const checking = monitor.check();
    monitor.checkSoon();
    await checking;
    expect(monitor.isBroken()).toBe(isBroken);
    isSlow = false;
    document = isBroken ? documents.kept : documents.broken;
    await expect.poll(monitor.isBroken).toBe(!isBroken);
    monitor.close();
  },
);
