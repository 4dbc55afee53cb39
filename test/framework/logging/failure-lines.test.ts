import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test, vi } from 'vitest';
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

const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 10 });

/** The lines of one request, once its access line is there. */
async function linesOf({ logs }: TestApp, reqId: string): Promise<LogEntry[]> {
  const own = () => logs.filter((line) => line.reqId === reqId);
  await until(() => expect(own().some(({ msg }) => msg === 'request')).toBe(true));
  return own();
}

const pet = defineService({ name: 'pet', description: 'Away.', routes() {} });

/** The gateway with the user service; the app of the pet service does not run. */
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
  test('each request that the gateway forwards has its access line and one short warning', async (t) => {
    const built = await buildOutage(t);
    const reply = await built.send('GET', '/pet/pets/', undefined, { 'x-request-id': 'forwarded' });
    expect(reply.status).toBe(503);
    expect(JSON.stringify(reply.body)).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/);
    const lines = await linesOf(built, 'forwarded');
    expect(lines).toMatchObject([
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
    expect(lines).toHaveLength(2);
    expect(JSON.stringify(lines)).not.toMatch(/stack|\.ts:\d+/);
  });

  test('each request that needs a call has its access line and one short warning', async (t) => {
    const built = await buildOutage(t);
    await built.send('POST', '/user/users/', { name: 'Alice' });
    const reply = await built.send('POST', '/user/users/1/pets/1', undefined, { 'x-request-id': 'calling' });
    expect(reply.status).toBe(503);
    const lines = await linesOf(built, 'calling');
    expect(lines).toMatchObject([
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
    expect(lines).toHaveLength(2);
    expect(JSON.stringify(lines)).not.toMatch(/stack|\.ts:\d+/);
  });

  test('the level debug shows the stack of the cause', async (t) => {
    const built = await buildOutage(t, { log: { level: 'debug' } });
    await built.send('GET', '/pet/pets/', undefined, { 'x-request-id': 'forwarded' });
    const why = (await linesOf(built, 'forwarded')).filter(({ level }) => level === 'debug');
    expect(why).toMatchObject([{ err: { code: 'ECONNREFUSED', stack: expect.any(String) } }]);
  });
});

/** Ends the handlers that wait. */
const waiting: (() => void)[] = [];
function endHandlers(): void {
  for (const end of waiting.splice(0)) end();
}

/** Fails in the way that its path names. */
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

describe('a defect is a line with its route', () => {
  const cases: Record<string, object> = {
    error: { type: 'Error', message: 'a defect', stack: expect.stringContaining('failure-lines.test.ts') },
    text: { type: 'string', message: 'boom' },
    object: { password: '[redacted]', step: 3 },
  };
  for (const [name, err] of Object.entries(cases)) {
    test(`and says what was thrown: ${name}`, async (t) => {
      const built = await createTestApp(t, { services: [failing] });
      const headers = { 'x-request-id': 'defect' };
      expect((await built.send('GET', `/failing/${name}`, undefined, headers)).status).toBe(500);
      const [line] = await linesOf(built, 'defect');
      expect(line).toMatchObject({
        level: 'error',
        msg: 'request failed',
        method: 'GET',
        route: `/failing/${name}`,
      });
      expect(line?.err).toMatchObject(err);
      expect(line?.err).not.toHaveProperty('0');
    });
  }

  test.for(['nothing', 'null'])('also where %s was thrown', async (name, t) => {
    const { send } = await createTestApp(t, { services: [failing] });
    // Fastify takes a handler that throws nothing for one that has responded with nothing.
    expect((await send('GET', `/failing/${name}`)).status).toBeGreaterThanOrEqual(200);
    expect((await send('GET', '/health')).status).toBe(200);
  });
});

describe('a handler that exceeds its time', () => {
  const config = { limits: { time: { handler: 200 } } };

  test('has a line with method and route, and its late response causes none', async (t) => {
    const built = await createTestApp(t, { services: [failing], config });
    const headers = { 'x-request-id': 'late' };
    expect((await built.send('GET', '/failing/late-response', undefined, headers)).status).toBe(504);
    endHandlers();
    await sleep(50);
    const lines = await linesOf(built, 'late');
    expect(lines).toMatchObject([
      {
        level: 'warn',
        msg: 'the handler did not respond in time',
        method: 'GET',
        route: '/failing/late-response',
        ms: expect.any(Number),
      },
      { status: 504, msg: 'request' },
    ]);
    expect(lines).toHaveLength(2);
  });

  test('and then fails, has a line for a defect, and none for an outage', async (t) => {
    const built = await createTestApp(t, { services: [failing], config });
    for (const path of ['late-problem', 'late-defect']) {
      const headers = { 'x-request-id': path };
      expect((await built.send('GET', `/failing/${path}`, undefined, headers)).status).toBe(504);
      endHandlers();
    }
    const msg = 'the handler failed after its request timed out';
    await until(() =>
      expect(built.logs.filter((line) => line.msg === msg)).toMatchObject([
        { level: 'error', reqId: 'late-defect', err: { message: 'a late defect' } },
      ]),
    );
    expect(await linesOf(built, 'late-problem')).toHaveLength(2);
  });
});

test('a block of the event loop is one line', async (t) => {
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

describe('the level', () => {
  async function adopt(t: TestContext, level: string, services = {}) {
    const built = await createExampleApp(t, { config: { log: { level }, services } });
    await built.send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await built.send('POST', '/user/users/', { name: 'Alice' });
    built.logs.length = 0;
    const headers = { 'x-request-id': 'adopt' };
    expect((await built.send('POST', '/user/users/1/pets/1', undefined, headers)).status).toBe(200);
    await linesOf(built, 'adopt');
    return built.logs;
  }
  const of = (lines: LogEntry[], message: string) => lines.filter(({ msg }) => msg === message);

  test('info has neither calls nor statements', async (t) => {
    const lines = await adopt(t, 'info');
    expect([...of(lines, 'call'), ...of(lines, 'statement')]).toEqual([]);
  });

  test('debug has each call, and no statements', async (t) => {
    const lines = await adopt(t, 'debug');
    expect(of(lines, 'call')).toMatchObject([
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
    expect(of(lines, 'statement')).toEqual([]);
  });

  test('trace has each statement by its name and its time, without values', async (t) => {
    const lines = await adopt(t, 'trace');
    expect(of(lines, 'call')).toHaveLength(1);
    const statements = of(lines, 'statement');
    const names = statements.map(({ service, statement }) => `${service}: ${statement}`);
    expect(names).toContain('pet: SELECT pet');
    expect(names).toContain('user: INSERT adoption');
    for (const line of statements) {
      expect(line).toMatchObject({ level: 'trace', reqId: 'adopt', ms: expect.any(Number) });
      expect(Object.keys(line).sort()).toEqual([
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

  test('of one service is that of its lines alone', async (t) => {
    const lines = await adopt(t, 'info', { pet: { log: { level: 'trace' } } });
    expect(new Set(of(lines, 'statement').map(({ service }) => service))).toEqual(new Set(['pet']));
    expect(of(lines, 'call')).toEqual([]);
  });
});

test('migrations that run at a start are one line of their service; later starts have none', async (t) => {
  const folder = makeFolder(t);
  const database = `sqlite:${join(folder, 'user.db')}`;
  const serviceConfigs = { user: { database } };
  const started = async () => {
    const { app, logs } = await createExampleApp(t, { config: { services: serviceConfigs } });
    await app.stop();
    return logs.filter(({ msg }) => msg === 'migrations applied');
  };
  expect(await started()).toMatchObject([
    {
      level: 'info',
      service: 'user',
      migrations: ['0000_initial', '0001_adoption_in_order'],
      ms: expect.any(Number),
    },
  ]);
  expect(await started()).toEqual([]);
});
