import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { ServiceUnavailable } from '../../../src/framework/errors/problem.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import user from '../../../src/services/user/index.ts';
import {
  createExampleApp,
  createTestApp,
  findFreePort,
  type LogEntry,
  makeFolder,
  type TestApp,
} from '../../support/app.ts';
import { until } from '../../support/until.ts';

/** Returns the entries of one request, after its access log entry. */
async function entriesOf({ logs }: TestApp, reqId: string): Promise<LogEntry[]> {
  const entries = () => logs.filter((entry) => entry.reqId === reqId);
  await until(() => expect(entries().some(({ msg }) => msg === 'request')).toBe(true));
  return entries();
}

const pet = defineService({ name: 'pet', description: 'Does not run.', routes() {} });

/** Builds the gateway with the user service. The app of the pet service does not run. */
async function buildOutage(t: TestContext, config: object = {}): Promise<TestApp> {
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port: await findFreePort(), services: ['pet'] },
  };
  return createTestApp(t, {
    services: [user, pet],
    config: { apps, calls: { deadline: 10_000 }, ...config },
  });
}

describe('while the pet service does not run', () => {
  test('each forwarded request has its access log entry and one short warning', async (t) => {
    const built = await buildOutage(t);
    const reply = await built.send('GET', '/pet/pets/', undefined, { 'x-request-id': 'forwarded' });
    expect(reply.status).toBe(503);
    expect(JSON.stringify(reply.body)).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/);
    const entries = await entriesOf(built, 'forwarded');
    expect(entries).toMatchObject([
      {
        level: 'warn',
        service: 'gateway',
        status: 503,
        detail: 'The pet service is not available',
        reason: 'ECONNREFUSED',
        msg: 'request could not be served',
      },
      { level: 'info', service: 'gateway', status: 503, msg: 'request' },
    ]);
    expect(entries).toHaveLength(2);
    expect(JSON.stringify(entries)).not.toMatch(/stack|\.ts:\d+/);
  });

  test('each request that needs a call has its access log entry and one short warning', async (t) => {
    const built = await buildOutage(t);
    await built.send('POST', '/user/users/', { name: 'Alice' });
    const reply = await built.send('POST', '/user/users/1/pets/1', undefined, { 'x-request-id': 'calling' });
    expect(reply.status).toBe(503);
    const entries = await entriesOf(built, 'calling');
    expect(entries).toMatchObject([
      {
        level: 'warn',
        service: 'user',
        peer: 'pet',
        operation: 'GET /pet/pets/',
        error: 'no response',
        reason: 'ECONNREFUSED',
        msg: 'call failed',
      },
      { level: 'info', service: 'user', status: 503, msg: 'request' },
    ]);
    expect(entries).toHaveLength(2);
    expect(JSON.stringify(entries)).not.toMatch(/stack|\.ts:\d+/);
  });

  test('the level debug logs the stack of the cause', async (t) => {
    const built = await buildOutage(t, { log: { level: 'debug' } });
    await built.send('GET', '/pet/pets/', undefined, { 'x-request-id': 'forwarded' });
    const why = (await entriesOf(built, 'forwarded')).filter(({ level }) => level === 'debug');
    expect(why).toMatchObject([{ err: { code: 'ECONNREFUSED', stack: expect.any(String) } }]);
  });
});

const waiting: (() => void)[] = [];
/** Ends the handlers that wait. */
function endHandlers(): void {
  for (const end of waiting.splice(0)) end();
}

/** A service that fails as its path says. */
const failing = defineService({
  name: 'failing',
  description: 'Fails.',
  routes(scope) {
    const thrown: Record<string, () => unknown> = {
      text: () => 'boom',
      nothing: () => undefined,
      null: () => null,
      object: () => ({ password: 'hunter2', step: 3 }),
      error: () => new Error('a defect'),
    };
    for (const [name, make] of Object.entries(thrown))
      scope.get(`/${name}`, { schema: { hide: true } }, async () => {
        throw make();
      });
    const late: Record<string, () => unknown> = {
      response: () => ({ ok: true }),
      problem: () => Promise.reject(new ServiceUnavailable('The toy service is not available')),
      defect: () => Promise.reject(new Error('a late defect')),
    };
    for (const [name, end] of Object.entries(late))
      scope.get(`/late-${name}`, { schema: { hide: true } }, async () => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return end();
      });
    scope.get('/block', { schema: { hide: true } }, async () => {
      const end = performance.now() + 2_000;
      while (performance.now() < end);
      return { ok: true };
    });
  },
});

describe('a defect', () => {
  const cases: Record<string, object> = {
    error: { type: 'Error', message: 'a defect', stack: expect.stringContaining('failure-lines.test.ts') },
    text: { type: 'string', message: 'boom' },
    object: { password: '[redacted]', step: 3 },
  };
  for (const [name, err] of Object.entries(cases)) {
    test(`is an entry with the route and the thrown value: ${name}`, async (t) => {
      const built = await createTestApp(t, { services: [failing] });
      const headers = { 'x-request-id': 'defect' };
      expect((await built.send('GET', `/failing/${name}`, undefined, headers)).status).toBe(500);
      const [entry] = await entriesOf(built, 'defect');
      expect(entry).toMatchObject({
        level: 'error',
        msg: 'request failed',
        method: 'GET',
        route: `/failing/${name}`,
      });
      expect(entry?.err).toMatchObject(err);
      expect(entry?.err).not.toHaveProperty('0');
    });
  }

  test.for(['nothing', 'null'])('of a handler that throws %s leaves the server running', async (name, t) => {
    const { send } = await createTestApp(t, { services: [failing] });
    // Fastify treats `throw undefined` as an empty response.
    expect((await send('GET', `/failing/${name}`)).status).toBeGreaterThanOrEqual(200);
    expect((await send('GET', '/health')).status).toBe(200);
  });
});

describe('a handler that exceeds its timeout', () => {
  const config = { limits: { time: { handler: 200 } } };

  test('has an entry with method and route, and its late response has none', async (t) => {
    const built = await createTestApp(t, { services: [failing], config });
    const headers = { 'x-request-id': 'late' };
    expect((await built.send('GET', '/failing/late-response', undefined, headers)).status).toBe(504);
    endHandlers();
    await sleep(50);
    const entries = await entriesOf(built, 'late');
    expect(entries).toMatchObject([
      {
        level: 'warn',
        msg: 'the handler did not respond in time',
        method: 'GET',
        route: '/failing/late-response',
        ms: expect.any(Number),
      },
      { status: 504, msg: 'request' },
    ]);
    expect(entries).toHaveLength(2);
  });

  test('has an entry for a defect that follows, and none for an outage that follows', async (t) => {
    const built = await createTestApp(t, { services: [failing], config });
    for (const path of ['late-problem', 'late-defect']) {
      const headers = { 'x-request-id': path };
      expect((await built.send('GET', `/failing/${path}`, undefined, headers)).status).toBe(504);
      endHandlers();
    }
    const msg = 'the handler failed after its request timed out';
    await until(() =>
      expect(built.logs.filter((entry) => entry.msg === msg)).toMatchObject([
        { level: 'error', reqId: 'late-defect', err: { message: 'a late defect' } },
      ]),
    );
    expect(await entriesOf(built, 'late-problem')).toHaveLength(2);
  });
});

test('a block of the event loop is one entry', async (t) => {
  const { send, allLogs } = await createTestApp(t, { services: [failing] });
  expect((await send('GET', '/failing/block')).status).toBe(200);
  await until(() =>
    expect(allLogs).toContainEqual(
      expect.objectContaining({
        ...{ level: 'warn', service: 'gateway', ms: expect.any(Number) },
        msg: 'the event loop was blocked',
      }),
    ),
  );
});

describe('the log level', () => {
  async function adopt(t: TestContext, level: string, services = {}) {
    const built = await createExampleApp(t, { config: { log: { level }, services } });
    await built.send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await built.send('POST', '/user/users/', { name: 'Alice' });
    built.logs.length = 0;
    const headers = { 'x-request-id': 'adopt' };
    expect((await built.send('POST', '/user/users/1/pets/1', undefined, headers)).status).toBe(200);
    await entriesOf(built, 'adopt');
    return built.logs;
  }
  const of = (entries: LogEntry[], message: string) => entries.filter(({ msg }) => msg === message);

  test('info logs neither calls nor statements', async (t) => {
    const entries = await adopt(t, 'info');
    expect([...of(entries, 'call'), ...of(entries, 'statement')]).toEqual([]);
  });

  test('debug logs each call, and no statements', async (t) => {
    const entries = await adopt(t, 'debug');
    expect(of(entries, 'call')).toMatchObject([
      {
        level: 'debug',
        service: 'user',
        reqId: 'adopt',
        peer: 'pet',
        operation: 'GET /pet/pets/',
        ids: 1,
        outcome: 'ok',
        ms: expect.any(Number),
      },
    ]);
    expect(of(entries, 'statement')).toEqual([]);
  });

  test('trace logs each statement with its name and duration, without values', async (t) => {
    const entries = await adopt(t, 'trace');
    expect(of(entries, 'call')).toHaveLength(1);
    const statements = of(entries, 'statement');
    const names = statements.map(({ service, statement }) => `${service}: ${statement}`);
    expect(names).toContain('pet: SELECT pet');
    expect(names).toContain('user: INSERT adoption');
    for (const entry of statements) {
      expect(entry).toMatchObject({ level: 'trace', reqId: 'adopt', ms: expect.any(Number) });
      expect(Object.keys(entry).sort()).toEqual([
        'level',
        'ms',
        'msg',
        'reqId',
        'service',
        'statement',
        'time',
      ]);
    }
  });

  test('of a service applies only to entries of that service', async (t) => {
    const entries = await adopt(t, 'info', { pet: { log: { level: 'trace' } } });
    expect(new Set(of(entries, 'statement').map(({ service }) => service))).toEqual(new Set(['pet']));
    expect(of(entries, 'call')).toEqual([]);
  });
});

test('migrations that run at a start are one entry of their service; later starts have none', async (t) => {
  const folder = makeFolder(t);
  const database = `sqlite:${join(folder, 'user.db')}`;
  const serviceConfigs = { user: { database } };
  const startApp = async () => {
    const { app, logs } = await createExampleApp(t, { config: { services: serviceConfigs } });
    await app.stop();
    return logs.filter(({ msg }) => msg === 'migrations applied');
  };
  expect(await startApp()).toMatchObject([
    {
      level: 'info',
      service: 'user',
      migrations: ['0000_initial', '0001_adoption_in_order', '0002_adoption_of_pet', '0003_user_by_name'],
      ms: expect.any(Number),
    },
  ]);
  expect(await startApp()).toEqual([]);
});
